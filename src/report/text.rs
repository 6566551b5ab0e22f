//! Selections and chains for people.

use std::borrow::Cow;
use std::fmt::Write;

use crate::graph::{Chain, Graph};
use crate::model::{ChangeKind, Meeting, Node, Reader, RepoPath};
use crate::select::{Outcome, Reason, Scope, Selection};

/// One line that says what is selected: "3 of 12 suites (8 tests)".
pub fn summary(selection: &Selection) -> String {
    let (selected, all) = (selection.selected().len(), selection.suites());
    let cases: usize = selection.selected().iter().map(|s| s.cases.len()).sum();
    let size = format!("{selected} of {all} {}", plural(all, "suite", "suites"));
    match selection.outcome() {
        Outcome::Nothing => format!("nothing to run: 0 of {all} suites affected"),
        Outcome::Everything => format!("everything: {size}, {cases} tests seen"),
        Outcome::Some => format!("{size}, {cases} tests seen"),
    }
}

/// One line per fallback: the path, how far it reaches, why.
pub fn fallbacks(selection: &Selection) -> Vec<String> {
    let scope = |scope: &Scope| match scope {
        Scope::Package(dir) if dir.is_root() => "every test of the project".to_owned(),
        Scope::Package(dir) => format!("the tests of `{dir}` and of what depends on it"),
        Scope::Everything => "every test".to_owned(),
    };
    selection
        .fallbacks()
        .iter()
        .map(|fallback| match fallback.path.is_root() {
            true => format!("{}: {}", fallback.cause.text(), scope(&fallback.scope)),
            false => format!(
                "`{}` {}: {}",
                fallback.path,
                fallback.cause.text(),
                scope(&fallback.scope)
            ),
        })
        .collect()
}

/// One line per path that affects nothing.
pub fn inert(selection: &Selection) -> Vec<String> {
    selection
        .inert()
        .iter()
        .map(|inert| format!("`{}` {}", inert.path, inert.why))
        .collect()
}

/// Why a suite is selected, without the suite itself; several lines for a chain, the change last.
///
/// `base` and `head` are the graphs that the selection was made of.
pub fn reason(reason: &Reason, base: &Graph, head: &Graph) -> Vec<String> {
    match reason {
        Reason::Affected(trail) => chain(&trail.chain(base, head)),
        Reason::Everything(fallback) if fallback.path.is_root() => vec![fallback.cause.text()],
        Reason::Everything(fallback) => {
            vec![format!("`{}` {}", fallback.path, fallback.cause.text())]
        }
        Reason::Ruled(path) => vec![format!("a rule ties it to `{path}`")],
        Reason::Recorded(sighting) => {
            let trail = sighting.trail.as_ref();
            let mut lines = trail.map_or_else(Vec::new, |trail| chain(&trail.chain(base, head)));
            let (reader, meeting, path) = (&sighting.reader, sighting.meeting, &sighting.path);
            lines.push(recorded(reader, meeting, path, sighting.commit.as_deref()));
            lines
        }
    }
}

/// What a recording shows, in one line: "`test_a` opened `data.json` when it was recorded at 0123456789ab".
pub fn recorded(
    reader: &Reader,
    meeting: Meeting,
    path: &RepoPath,
    commit: Option<&str>,
) -> String {
    let (who, when) = match reader {
        Reader::Test { suite, case } => (case.as_ref().unwrap_or(suite).clone(), ""),
        Reader::File(file) => (file.to_string(), " while it was loaded,"),
    };
    let at = match commit {
        Some(commit) => format!(" at {}", commit.get(..12).unwrap_or(commit)),
        None => String::new(),
    };
    format!(
        "{who} {} {path}{when} when it was recorded{at}",
        meeting.verb()
    )
}

/// A chain, a line per link: `tests/test_a.py:3 imports src/a.py`.
pub fn chain(chain: &Chain) -> Vec<String> {
    let mut lines = Vec::new();
    for (i, link) in chain.links.iter().enumerate() {
        let to = chain
            .links
            .get(i + 1)
            .map_or(&chain.change, |next| &next.from);
        let place = if link.line == 0 {
            String::new()
        } else {
            format!(":{}", link.line)
        };
        lines.push(format!("{}{place} {} {to}", link.from, link.kind.verb()));
    }
    if lines.is_empty() {
        lines.push(match &chain.change {
            Node::Test(suite) => format!("{suite} is new, or its own configuration changed"),
            node => format!("{node} changed"),
        });
    }
    lines
}

/// The word for a kind of change.
pub fn change_kind(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Added => "added",
        ChangeKind::Deleted => "deleted",
        ChangeKind::Modified => "modified",
        ChangeKind::Mode => "mode changed",
    }
}

/// Counts, kinds of edges and the biggest hubs of a graph.
pub fn graph(graph: &Graph, hubs: usize) -> String {
    let counts = graph.counts();
    let mut out = String::new();
    let mut row =
        |name: &str, n: usize| writeln!(out, "{n:>9}  {name}").expect("a string takes all");
    row("nodes", counts.nodes);
    row("edges", counts.edges);
    row("paths", counts.paths);
    row("test suites", counts.suites);
    let mut kinds = std::collections::BTreeMap::new();
    for (id, _, _) in graph.iter() {
        for (_, link) in graph.dependencies(id) {
            *kinds.entry(link.kind).or_insert(0usize) += 1;
        }
    }
    out.push_str("\nedges, by what the dependent does:\n");
    for (kind, n) in kinds {
        writeln!(out, "{n:>9}  {}", kind.verb()).expect("a string takes all");
    }
    out.push_str("\nmost depended on:\n");
    for (id, n) in graph.hubs(hubs) {
        writeln!(out, "{n:>9}  {}", graph.node(id)).expect("a string takes all");
    }
    out
}

/// A graph in Graphviz's language.
pub fn dot(graph: &Graph) -> String {
    let quote = |text: String| {
        format!(
            "\"{}\"",
            text.replace('\\', "\\\\")
                .replace('"', "\\\"")
                .replace('\n', "\\n")
        )
    };
    let mut out =
        String::from("digraph tia {\n  rankdir=LR;\n  node [shape=box, fontname=\"monospace\"];\n");
    for (id, node, _) in graph.iter() {
        let style = match node {
            Node::Test(_) => " [style=bold]",
            Node::External { .. } | Node::Module { .. } => " [style=dashed]",
            _ => "",
        };
        writeln!(out, "  {}{style};", quote(node.to_string())).expect("a string takes all");
        for (to, link) in graph.dependencies(id) {
            let (from, to) = (quote(node.to_string()), quote(graph.node(to).to_string()));
            writeln!(
                out,
                "  {from} -> {to} [label={}];",
                quote(link.kind.verb().to_owned())
            )
            .expect("a string takes all");
        }
    }
    out.push_str("}\n");
    out
}

/// A name for a line of text: as it is, or in git's quotes where it holds control characters, quotes or no UTF-8.
pub fn quoted(bytes: &[u8]) -> Cow<'_, str> {
    let is_plain = |text: &str| {
        let is_ascii = text.bytes().all(|byte| (0x20..0x7f).contains(&byte));
        (is_ascii || !text.chars().any(char::is_control)) && !text.starts_with('"')
    };
    match std::str::from_utf8(bytes) {
        Ok(text) if is_plain(text) => Cow::Borrowed(text),
        _ => {
            let mut out = String::from("\"");
            for &byte in bytes {
                match byte {
                    b'"' | b'\\' => out.extend(['\\', byte as char]),
                    b'\n' => out.push_str("\\n"),
                    b'\t' => out.push_str("\\t"),
                    0x20..0x7f => out.push(byte as char),
                    _ => write!(out, "\\{byte:03o}").expect("a string takes all"),
                }
            }
            out.push('"');
            Cow::Owned(out)
        }
    }
}

/// "1 suite", "2 suites".
fn plural<'a>(n: usize, one: &'a str, many: &'a str) -> &'a str {
    if n == 1 { one } else { many }
}

/// Why `test` would not be selected if `path` changed: what would have to be tied to what.
pub fn not_connected(
    graph: &Graph,
    path: &RepoPath,
    dependents: &[String],
    test: &str,
    reads: &[String],
) -> String {
    let mut out = format!("no chain leads from `{test}` to `{path}`\n");
    let list = |out: &mut String, head: String, names: &[String]| {
        writeln!(out, "{head}").expect("a string takes all");
        for name in names.iter().take(12) {
            writeln!(out, "  {name}").expect("a string takes all");
        }
        if names.len() > 12 {
            writeln!(out, "  … and {} more", names.len() - 12).expect("a string takes all");
        }
    };
    list(
        &mut out,
        format!("an edge would have to lead from one of these, which `{test}` depends on:"),
        reads,
    );
    list(
        &mut out,
        format!("to `{path}`, or to one of these, which depend on it:"),
        dependents,
    );
    let known = graph.find_path(path).is_some();
    if !known {
        writeln!(
            out,
            "no reader knows `{path}`: its change would fall back to the package around it"
        )
        .expect("a string takes all");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_would_break_a_line_is_quoted_as_git_does() {
        assert_eq!(quoted("a b/ü.py".as_bytes()), "a b/ü.py");
        assert_eq!(quoted(b"a\nb"), "\"a\\nb\"");
        assert_eq!(quoted(b"a\xff"), "\"a\\377\"");
        assert_eq!(quoted(b"\"x"), "\"\\\"x\"");
    }
}

//! Doc comments: their lines, and what a doctest can see of them.

use std::collections::HashMap;

/// The lines of a doc comment without its markers.
pub(super) fn lines(comment: &str) -> impl Iterator<Item = &str> {
    let block = comment.starts_with("/*");
    comment.lines().map(move |line| {
        if !block {
            return line.get(3..).unwrap_or_default();
        }
        let line = line
            .strip_prefix("/**")
            .or_else(|| line.strip_prefix("/*!"))
            .unwrap_or(line);
        let line = line.strip_suffix("*/").unwrap_or(line);
        line.trim_start().strip_prefix('*').unwrap_or(line)
    })
}

/// What doctests can see of a run of doc comments, by the index of each: code as it is; of prose, how each line begins,
/// since that decides what is code. Nothing where fences are not plain.
pub(super) fn skeletons(run: &[(usize, &str)]) -> HashMap<usize, String> {
    let mut found = HashMap::new();
    let mut fence: Option<(char, usize)> = None;
    for (index, comment) in run {
        let mut out = String::new();
        for line in lines(comment) {
            let text = line.trim_start();
            let mark = text.chars().next().filter(|c| matches!(c, '`' | '~'));
            let length = mark.map_or(0, |mark| text.chars().take_while(|c| *c == mark).count());
            let rest = text.get(length..).unwrap_or_default();
            let is_code = line.starts_with("    ") || line.starts_with('\t');
            match (fence, mark) {
                (Some((open, least)), Some(mark)) if open == mark && length >= least => {
                    if rest.trim().is_empty() {
                        fence = None;
                    }
                    out.push_str(line);
                }
                (Some(_), _) => out.push_str(line),
                (None, Some(mark)) if length >= 3 && !rest.contains('`') && !is_code => {
                    fence = Some((mark, length));
                    out.push_str(line);
                }
                // a fence in a list or a quotation, or something that only looks like one
                (None, _) if text.contains("```") || text.contains("~~~") => return HashMap::new(),
                (None, _) if is_code || text.starts_with(['<', '[']) => out.push_str(line),
                (None, _) => out.push_str(&beginning(line)),
            }
            out.push('\n');
        }
        found.insert(*index, out);
    }
    found
}

/// How a line of prose begins: spaces, marks, a number; and whether there is more.
fn beginning(line: &str) -> String {
    let is_mark = |c: char| !c.is_alphabetic();
    let marks: String = line.chars().take_while(|c| is_mark(*c)).collect();
    let more = line.len() > marks.len();
    marks + if more { "x" } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(lines: &[&str]) -> String {
        let comments: Vec<String> = lines.iter().map(|line| format!("///{line}")).collect();
        let run: Vec<(usize, &str)> = comments.iter().map(String::as_str).enumerate().collect();
        let found = skeletons(&run);
        let told =
            (0..lines.len()).map(|i| found.get(&i).map_or("?", |s| s.trim_end_matches('\n')));
        told.collect::<Vec<_>>().join("|")
    }

    #[test]
    fn code_is_kept_and_prose_begins() {
        for (lines, expected) in [
            (
                &[" Says a.", " ```", " a();", " ```", " 1. b"][..],
                " x| ```| a();| ```| 1. x",
            ),
            (&[" ~~~~", " ```", " a", " ~~~~"], " ~~~~| ```| a| ~~~~"),
            (&["     a();", "", " <b>"], "     a();|| <b>"),
            (&[" > ```", " a"], "?|?"),
            (&[" ```rust", " a"], " ```rust| a"),
        ] {
            assert_eq!(told(lines), expected);
        }
    }
}

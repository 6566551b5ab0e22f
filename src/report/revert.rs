//! What `tia revert` shows: a proposal, what was written, and the ledger of what was written before.

use std::fmt::Write;

use serde::{Deserialize, Serialize};

use crate::model::Timestamp;
use crate::triage::revert::Recommendation;

/// So many lines of a list are shown to people; machines get all.
const SHOWN: usize = 12;

/// A proposal to undo a commit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Proposal {
    /// The commit to be undone.
    pub commit: Commit,
    /// The parent that a merge goes back to.
    pub mainline: Option<String>,
    /// Where it is undone: the id of the tip, and the branch.
    pub onto: String,
    /// The branch, or the revision that was asked for.
    pub onto_name: String,
    /// What the commit changed.
    pub files: Vec<File>,
    /// What would come out.
    pub outcome: Outcome,
    /// Later commits that build on it, newest first.
    pub later: Vec<Later>,
    /// Not all later commits were compared.
    pub later_cut: bool,
    /// The tests that undoing it can affect; `None` where nothing can be undone.
    pub tests: Option<Tests>,
    /// The judgement of the evidence, where failing tests are blamed on the commit.
    pub advice: Option<Advice>,
    /// More that speaks for it, a line each.
    pub evidence: Vec<String>,
    /// The branch that `--write` makes.
    pub branch: String,
    /// The commit on that branch, where it was made.
    pub written: Option<String>,
}

/// A commit on one line.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Commit {
    /// Its id.
    pub id: String,
    /// The first line of its message.
    pub subject: String,
    /// `Name <address>`.
    pub author: String,
}

/// A path that the commit changed.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct File {
    /// The path.
    pub path: String,
    /// `added`, `deleted`, `modified` or `mode`.
    pub kind: String,
    /// Lines that undoing takes away.
    pub added: usize,
    /// Lines that undoing brings back.
    pub removed: usize,
}

/// What would come out.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Outcome {
    /// It applies.
    Clean {
        /// The tree that comes out.
        tree: String,
    },
    /// Somebody has to decide.
    Conflicts {
        /// Where.
        paths: Vec<String>,
    },
    /// Nothing of the commit is left.
    Nothing,
    /// A later commit did it.
    Already {
        /// That commit.
        by: Commit,
    },
}

impl Outcome {
    /// Whether there is something that could be written.
    pub fn is_clean(&self) -> bool {
        matches!(self, Self::Clean { .. })
    }
}

/// A later commit, and what ties it to the one to be undone.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Later {
    /// The commit.
    pub commit: Commit,
    /// Paths that both changed.
    pub shared: Vec<String>,
    /// It changed the same lines.
    pub same_lines: bool,
    /// Paths it changed that depend on what the commit to be undone changed.
    pub depends: Vec<String>,
}

/// The tests that undoing a commit can affect.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Tests {
    /// "3 of 12 suites".
    pub summary: String,
    /// As `tia select` prints them.
    pub names: Vec<String>,
}

/// What the evidence comes to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Advice {
    /// `recommended`, `plausible` or `not supported`.
    pub recommendation: &'static str,
    /// The chance that the commit broke none of the blamed tests.
    pub wrong: f64,
    /// Why, a line each.
    pub reasons: Vec<String>,
}

impl Advice {
    /// Whether the evidence carries a revert at all.
    pub fn is_supported(&self) -> bool {
        self.recommendation != Recommendation::NotSupported.word()
    }
}

/// The document of `tia revert --format json`.
#[derive(Debug, Serialize)]
pub struct RevertV1<'a> {
    schema: &'static str,
    version: u32,
    #[serde(flatten)]
    proposal: &'a Proposal,
}

impl<'a> RevertV1<'a> {
    /// The document of a proposal.
    pub fn of(proposal: &'a Proposal) -> Self {
        Self {
            schema: "tia.revert",
            version: 1,
            proposal,
        }
    }
}

/// An id as people read it.
pub fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}

/// A proposal for people.
pub fn text(proposal: &Proposal) -> String {
    let mut out = String::new();
    let commit = &proposal.commit;
    let _ = writeln!(
        out,
        "undoes {} \"{}\" by {}",
        short(&commit.id),
        commit.subject,
        commit.author
    );
    if let Some(parent) = &proposal.mainline {
        let _ = writeln!(out, "  a merge, back to its parent {}", short(parent));
    }
    let _ = writeln!(
        out,
        "onto {} ({})",
        proposal.onto_name,
        short(&proposal.onto)
    );
    let files: Vec<String> = proposal
        .files
        .iter()
        .map(|file| {
            format!(
                "{}: {}, +{} -{} lines",
                file.path, file.kind, file.removed, file.added
            )
        })
        .collect();
    list(&mut out, "files", &files, "it changed none");
    match &proposal.outcome {
        Outcome::Clean { .. } => out.push_str("applies cleanly\n"),
        Outcome::Conflicts { paths } => list(&mut out, "conflicts", paths, ""),
        Outcome::Nothing => out.push_str("changes nothing: nothing of it is left there\n"),
        Outcome::Already { by } => {
            let _ = writeln!(
                out,
                "undone already by {} \"{}\" of {}",
                short(&by.id),
                by.subject,
                by.author
            );
        }
    }
    let later: Vec<String> = proposal.later.iter().map(later_line).collect();
    list(&mut out, "later commits that build on it", &later, "none");
    if proposal.later_cut {
        out.push_str("  and perhaps older ones: not all were compared\n");
    }
    if let Some(tests) = &proposal.tests {
        list(
            &mut out,
            &format!("tests to run: {}", tests.summary),
            &tests.names,
            "",
        );
    }
    if let Some(advice) = &proposal.advice {
        let title = format!(
            "evidence: {}, wrong with a chance of {:.2} %",
            advice.recommendation,
            100.0 * advice.wrong
        );
        list(&mut out, &title, &advice.reasons, "");
    }
    if !proposal.evidence.is_empty() {
        list(&mut out, "evidence", &proposal.evidence, "");
    }
    if let Some(made) = &proposal.written {
        let _ = writeln!(
            out,
            "written: {} on the branch {}",
            short(made),
            proposal.branch
        );
    }
    out
}

fn later_line(later: &Later) -> String {
    let mut ties = Vec::new();
    if !later.shared.is_empty() {
        let what = if later.same_lines {
            "the same lines of"
        } else {
            "also"
        };
        ties.push(format!("{what} {}", few(&later.shared)));
    }
    if !later.depends.is_empty() {
        ties.push(format!("{} depends on it", few(&later.depends)));
    }
    format!(
        "{} \"{}\": {}",
        short(&later.commit.id),
        later.commit.subject,
        ties.join("; ")
    )
}

fn few(paths: &[String]) -> String {
    match paths {
        [one] => one.clone(),
        [one, two] => format!("{one}, {two}"),
        [one, two, more @ ..] => format!("{one}, {two} and {} more", more.len()),
        [] => String::new(),
    }
}

fn list(out: &mut String, title: &str, lines: &[String], none: &str) {
    if lines.is_empty() && !none.is_empty() {
        let _ = writeln!(out, "{title}: {none}");
        return;
    }
    let _ = writeln!(out, "{title}");
    for line in lines.iter().take(SHOWN) {
        let _ = writeln!(out, "  {line}");
    }
    if lines.len() > SHOWN {
        let _ = writeln!(out, "  … and {} more", lines.len() - SHOWN);
    }
}

/// One line of the ledger: an undoing that was written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Of this line's form.
    pub version: u32,
    /// When it was written.
    pub moment: Timestamp,
    /// The commit that it undoes.
    pub commit: String,
    /// Its subject.
    pub subject: String,
    /// The branch that it should go to.
    pub onto: String,
    /// The branch that was made.
    pub branch: String,
    /// The commit that was made.
    pub made: String,
    /// What was advised, where anything was.
    pub recommendation: Option<String>,
    /// The chance that was given for its being wrong.
    pub wrong: Option<f64>,
    /// The tests that were blamed on the commit.
    pub tests: Vec<String>,
}

impl Entry {
    /// The entry on one line, with its end.
    pub fn line(&self) -> String {
        let mut line = serde_json::to_string(self).unwrap_or_default();
        line.push('\n');
        line
    }

    /// All entries of a ledger, oldest first, and the numbers of lines that are none.
    pub fn all(text: &str) -> (Vec<Self>, Vec<usize>) {
        let (mut entries, mut odd) = (Vec::new(), Vec::new());
        for (at, line) in text.lines().enumerate() {
            match serde_json::from_str(line) {
                Ok(entry) => entries.push(entry),
                Err(_) if line.trim().is_empty() => {}
                Err(_) => odd.push(at + 1),
            }
        }
        (entries, odd)
    }
}

/// What became of an undoing.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Fate {
    /// It is on the branch it was for, and stands: right, unless tests that were blamed fail still.
    Landed {
        /// The commit that brought it.
        by: Commit,
        /// Whether all blamed tests passed when they last ran after it; `None` where none ran or none was blamed.
        green: Option<bool>,
    },
    /// It was on that branch and was undone itself: wrong.
    Taken {
        /// The commit that undid it.
        by: Commit,
    },
    /// It is not on that branch.
    Open,
    /// The commit or the branch is no longer here.
    Unknown,
}

/// The document of `tia revert --ledger --format json`.
#[derive(Debug, Serialize)]
pub struct LedgerV1 {
    schema: &'static str,
    version: u32,
    /// Landed, stands, and no blamed test fails still.
    right: usize,
    /// Landed, and was undone, or a blamed test fails still.
    wrong: usize,
    /// Not landed.
    open: usize,
    entries: Vec<Told>,
}

#[derive(Debug, Serialize)]
struct Told {
    #[serde(flatten)]
    entry: Entry,
    fate: Fate,
}

impl LedgerV1 {
    /// The document of entries with their fates.
    pub fn of(entries: Vec<(Entry, Fate)>) -> Self {
        let count =
            |which: fn(&Fate) -> bool| entries.iter().filter(|(_, fate)| which(fate)).count();
        Self {
            schema: "tia.reverts",
            version: 1,
            right: count(
                |fate| matches!(fate, Fate::Landed { green, .. } if *green != Some(false)),
            ),
            wrong: count(|fate| {
                matches!(
                    fate,
                    Fate::Taken { .. }
                        | Fate::Landed {
                            green: Some(false),
                            ..
                        }
                )
            }),
            open: count(|fate| matches!(fate, Fate::Open | Fate::Unknown)),
            entries: entries
                .into_iter()
                .map(|(entry, fate)| Told { entry, fate })
                .collect(),
        }
    }

    /// The ledger for people.
    pub fn text(&self) -> String {
        let mut out = format!(
            "{} written: {} right (landed, and stand), {} wrong (undone, or tests fail still), {} open\n",
            self.entries.len(),
            self.right,
            self.wrong,
            self.open
        );
        for Told { entry, fate } in &self.entries {
            let fate = match fate {
                Fate::Landed { by, green } => {
                    let tests = match green {
                        Some(true) => ", its tests pass",
                        Some(false) => ", its tests fail still",
                        None => "",
                    };
                    format!("landed as {}{tests}", short(&by.id))
                }
                Fate::Taken { by } => format!("undone by {}", short(&by.id)),
                Fate::Open => format!("not on {}", entry.onto),
                Fate::Unknown => "no longer in this clone".to_owned(),
            };
            let advice = entry
                .recommendation
                .as_ref()
                .map_or_else(String::new, |word| format!(", {word}"));
            let _ = writeln!(
                out,
                "  {} \"{}\" on {}{advice}: {fate}",
                short(&entry.commit),
                entry.subject,
                entry.branch
            );
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ledger_is_read_back_as_it_was_written() {
        let entry = Entry {
            version: 1,
            moment: Timestamp(5),
            commit: "abc".into(),
            subject: "a \"quote\"\nand a line".into(),
            onto: "main".into(),
            branch: "revert/abc".into(),
            made: "def".into(),
            recommendation: None,
            wrong: Some(0.25),
            tests: vec!["t".into()],
        };
        let text = format!("{}no entry\n\n{}", entry.line(), entry.line());
        assert_eq!(Entry::all(&text), (vec![entry.clone(), entry], vec![2]));
    }
}

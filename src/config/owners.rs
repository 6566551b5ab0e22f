//! Who owns a file: CODEOWNERS as GitHub and GitLab read it.
//!
//! The last pattern that matches a path decides; a pattern without owners takes ownership away. Patterns are those of
//! `.gitignore`, except that `docs/*` does not reach below `docs/`. GitLab's sections give default owners to the patterns
//! below them. Not seen here: who is behind the name of a team.

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::model::RepoPath;

/// Where the file may be, in the order in which it is looked for.
pub const PLACES: [&str; 4] = [
    ".github/CODEOWNERS",
    ".gitlab/CODEOWNERS",
    "CODEOWNERS",
    "docs/CODEOWNERS",
];

/// Patterns with their owners.
#[derive(Debug, Default)]
pub struct Owners {
    rules: Vec<(Gitignore, bool, Vec<String>)>,
    /// Lines that could not be understood, from 1.
    pub unread: Vec<usize>,
}

impl Owners {
    /// Reads the text of a CODEOWNERS file.
    pub fn parse(text: &str) -> Self {
        let mut owners = Self::default();
        let mut default: Vec<String> = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.split(" #").next().unwrap_or_default().trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(rest) = line.trim_start_matches('^').strip_prefix('[') {
                let names = rest.rsplit(']').next().unwrap_or_default();
                default = names.split_whitespace().map(str::to_owned).collect();
                continue;
            }
            let (pattern, names) = split(line);
            let mut names: Vec<String> = names.split_whitespace().map(str::to_owned).collect();
            if names.is_empty() {
                names.clone_from(&default);
            }
            let mut builder = GitignoreBuilder::new("");
            let built = builder.add_line(None, &pattern).is_ok();
            match builder.build() {
                Ok(matcher) if built && !pattern.starts_with('!') => {
                    owners.rules.push((matcher, pattern.ends_with("/*"), names));
                }
                _ => owners.unread.push(number),
            }
        }
        owners
    }

    /// Whether no pattern is known.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Who owns a file; nobody where no pattern says. Cost: one match a pattern.
    pub fn of(&self, path: &RepoPath) -> &[String] {
        let path = path.to_string();
        let rule = self.rules.iter().rev().find(|(matcher, direct, _)| {
            if *direct {
                matcher.matched(&path, false).is_ignore()
            } else {
                matcher
                    .matched_path_or_any_parents(&path, false)
                    .is_ignore()
            }
        });
        rule.map_or(&[], |(_, _, names)| names)
    }
}

/// The pattern, with `\ ` for a space within it, and the rest of the line.
fn split(line: &str) -> (String, &str) {
    let mut escaped = false;
    for (at, c) in line.char_indices() {
        match c {
            '\\' => escaped = !escaped,
            c if c.is_whitespace() && !escaped => return (line[..at].to_owned(), &line[at..]),
            _ => escaped = false,
        }
    }
    (line.to_owned(), "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, path: &str, expected: &[&str]) {
        assert_eq!(Owners::parse(text).of(&path.into()), expected);
    }

    #[test]
    fn the_last_pattern_that_matches_decides() {
        let text = "* @all\n*.py @python # snakes\n/docs/ @writers\n";
        check(text, "a/b.py", &["@python"]);
        check(text, "docs/a/b.py", &["@writers"]);
        check(text, "a/docs/b.md", &["@all"]);
    }

    #[test]
    fn a_star_at_the_end_does_not_reach_below() {
        let text = "docs/* @writers\n";
        check(text, "docs/a.md", &["@writers"]);
        check(text, "docs/a/b.md", &[]);
    }

    #[test]
    fn a_pattern_without_owners_takes_ownership_away() {
        check("* @all\n/gen/\n", "gen/a.py", &[]);
    }

    #[test]
    fn sections_give_default_owners() {
        let text = "^[Shop][2] @shop @pay\ncart/\nship/ @ship\n[Other]\nx/\n";
        check(text, "cart/a.py", &["@shop", "@pay"]);
        check(text, "ship/a.py", &["@ship"]);
        check(text, "x/a.py", &[]);
    }

    #[test]
    fn spaces_can_be_escaped_and_what_is_no_pattern_is_told() {
        check("my\\ tests/ @me\n", "my tests/a.py", &["@me"]);
        assert_eq!(Owners::parse("a[z-a] @x\n!b @y\n").unread, [1, 2]);
    }
}

//! The files under `fixtures/select`: one tree, and many changes to it with the tests that each must select.
//!
//! The format is described, with every word it knows, in `fixtures/README.md`. Reading is strict: an unknown word is
//! an error with its line, so that no expectation is lost in a typing mistake.

use super::judge::Expected;
use super::repo::TestRepo;
use super::text::{list, unescape, unescape_text, words};

/// One tree and its cases.
#[derive(Debug, Default)]
pub(crate) struct Family {
    /// All test units that the tree holds before any change.
    pub(crate) roster: Vec<String>,
    /// Units that any case may select: targets that hold no test.
    pub(crate) idle: Vec<String>,
    /// What makes the base commit: the files, then the steps of `== setup`.
    pub(crate) setup: Vec<Step>,
    /// The cases, in order.
    pub(crate) cases: Vec<Case>,
}

/// One change and what is expected of it.
#[derive(Debug, Default)]
pub(crate) struct Case {
    /// A fact, as a name.
    pub(crate) name: String,
    /// The line where it begins.
    pub(crate) line: usize,
    /// The change.
    pub(crate) steps: Vec<Step>,
    /// More arguments of `tia select`.
    pub(crate) args: Vec<String>,
    /// More environment variables.
    pub(crate) vars: Vec<(String, String)>,
    /// What is handed in on standard input.
    pub(crate) stdin: Option<Vec<u8>>,
    /// Where `tia` runs, from the repository's root.
    pub(crate) dir: String,
    /// What must come out.
    pub(crate) expected: Expected,
}

/// One thing done to the repository.
#[derive(Debug)]
pub(crate) enum Step {
    /// Write a file, or replace it.
    Write(Vec<u8>, Vec<u8>),
    /// Add at the end of a file.
    Append(Vec<u8>, Vec<u8>),
    /// Add at the beginning of a file.
    Prepend(Vec<u8>, Vec<u8>),
    /// Replace the first occurrence of a text, which must be there.
    Edit(Vec<u8>, Vec<u8>, Vec<u8>),
    /// Remove a file or directory.
    Delete(Vec<u8>),
    /// Move a file or directory.
    Rename(Vec<u8>, Vec<u8>),
    /// Copy a file.
    Copy(Vec<u8>, Vec<u8>),
    /// Make a symbolic link; one that is there already is replaced.
    Symlink(Vec<u8>, Vec<u8>),
    /// Set the executable bit.
    Executable(Vec<u8>),
    /// End every line with a carriage return as well.
    Crlf(Vec<u8>),
    /// Put everything into the index.
    Stage,
    /// Commit everything.
    Commit,
    /// Run git with these arguments.
    Git(Vec<Vec<u8>>),
}

impl Step {
    /// Does it, or says why it cannot be done.
    pub(crate) fn run(&self, repo: &TestRepo) -> Result<(), String> {
        let done = match self {
            Self::Write(path, text) => repo.write(path, text),
            Self::Append(path, text) => repo
                .read(path)
                .and_then(|old| repo.write(path, &[&old[..], text].concat())),
            Self::Prepend(path, text) => repo
                .read(path)
                .and_then(|old| repo.write(path, &[text, &old[..]].concat())),
            Self::Edit(path, old, new) => {
                let text = repo.read(path).map_err(|error| self.failed(&error))?;
                let at = bstr::ByteSlice::find(&text[..], old)
                    .ok_or_else(|| self.failed(&"the text is not there"))?;
                let text = [&text[..at], new, &text[at + old.len()..]].concat();
                repo.write(path, &text)
            }
            Self::Delete(path) => repo.delete(path),
            Self::Rename(from, to) => repo.rename(from, to),
            Self::Copy(from, to) => repo.read(from).and_then(|text| repo.write(to, &text)),
            Self::Symlink(path, target) => {
                if repo.at(path).is_symlink() {
                    repo.delete(path).map_err(|error| self.failed(&error))?;
                }
                repo.symlink(path, target)
            }
            Self::Executable(path) => repo.executable(path, true),
            Self::Crlf(path) => repo.read(path).and_then(|text| {
                repo.write(path, &bstr::ByteSlice::replace(&text[..], "\n", "\r\n"))
            }),
            Self::Stage => repo.git(["add", "-A"]),
            Self::Commit => repo.commit(),
            Self::Git(args) => {
                let root = repo.root().to_string_lossy();
                repo.git(args.iter().map(|arg| {
                    let arg = bstr::ByteSlice::replace(&arg[..], "$ROOT", root.as_bytes());
                    <std::ffi::OsString as std::os::unix::ffi::OsStringExt>::from_vec(arg)
                }))
            }
        };
        done.map_err(|error| self.failed(&error))
    }

    fn failed(&self, reason: &dyn std::fmt::Display) -> String {
        format!("{self:?}: {reason}")
    }
}

/// Reads a whole file of cases.
pub(crate) fn parse(text: &str) -> Result<Family, String> {
    let mut reader = Reader::default();
    let mut lines = text.lines().enumerate().peekable();
    while let Some((at, line)) = lines.next() {
        let piped = |lines: &mut std::iter::Peekable<std::iter::Enumerate<std::str::Lines<'_>>>| {
            let mut text = Vec::new();
            while let Some((_, line)) = lines.next_if(|(_, line)| line.starts_with('|')) {
                let line = line[1..].strip_prefix(' ').unwrap_or(&line[1..]);
                text.extend_from_slice(line.as_bytes());
                text.push(b'\n');
            }
            text
        };
        if let Some(path) = heading(line) {
            let mut text = Vec::new();
            while let Some((_, line)) =
                lines.next_if(|(_, line)| heading(line).is_none() && !line.starts_with("== "))
            {
                text.extend_from_slice(line.as_bytes());
                text.push(b'\n');
            }
            while text.ends_with(b"\n\n") {
                text.pop();
            }
            if text == b"\n" {
                text.clear();
            }
            reader.family.setup.push(Step::Write(unescape(path), text));
            continue;
        }
        reader
            .line(at + 1, line, || piped(&mut lines))
            .map_err(|reason| format!("line {}: {reason}", at + 1))?;
    }
    Ok(reader.family)
}

/// `-- PATH --`
fn heading(line: &str) -> Option<&str> {
    line.strip_prefix("-- ")?.strip_suffix(" --")
}

#[derive(Default)]
struct Reader {
    family: Family,
    in_setup: bool,
}

impl Reader {
    fn line(
        &mut self,
        number: usize,
        line: &str,
        piped: impl FnOnce() -> Vec<u8>,
    ) -> Result<(), String> {
        if line.trim().is_empty() || line.starts_with('#') {
            return Ok(());
        }
        if line == "== setup" {
            self.in_setup = true;
            return Ok(());
        }
        if let Some(name) = line.strip_prefix("== case: ") {
            self.in_setup = false;
            let mut case = Case {
                name: name.to_owned(),
                line: number,
                dir: ".".into(),
                ..Case::default()
            };
            case.expected.tolerate.clone_from(&self.family.idle);
            self.family.cases.push(case);
            return Ok(());
        }
        if let Some((key, value)) = line.split_once(':')
            && key.bytes().all(|b| b.is_ascii_lowercase())
        {
            return self.expectation(key, value.trim());
        }
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        let step = step(verb, rest, piped)?;
        if self.in_setup {
            self.family.setup.push(step);
        } else {
            self.case()?.steps.push(step);
        }
        Ok(())
    }

    fn expectation(&mut self, key: &str, value: &str) -> Result<(), String> {
        if key == "tests" {
            self.family.roster.extend(list(value));
            return Ok(());
        }
        if key == "idle" {
            self.family.idle.extend(list(value));
            return Ok(());
        }
        let case = self.case()?;
        let expected = &mut case.expected;
        match key {
            "require" if value == "none" => expected.nothing_required = true,
            "require" => expected.require.extend(list(value)),
            "forbid" => expected.forbid.extend(list(value)),
            "tolerate" => expected.tolerate.extend(list(value)),
            "stderr" => expected.stderr.push(unescape_text(value)),
            "fallback" => expected.fallback = Some(value.to_owned()),
            "exit" => expected.exit = value.parse().map_err(|_| "exit: a number")?,
            "args" => case.args.extend(
                words(value)
                    .into_iter()
                    .map(|word| String::from_utf8_lossy(&word).into_owned()),
            ),
            "env" => {
                let (name, value) = value.split_once('=').ok_or("env: NAME=VALUE")?;
                case.vars.push((name.into(), value.into()));
            }
            "stdin" => case.stdin = Some(unescape(value)),
            "at" => case.dir = value.to_owned(),
            _ => return Err(format!("unknown expectation `{key}`")),
        }
        Ok(())
    }

    fn case(&mut self) -> Result<&mut Case, String> {
        self.family
            .cases
            .last_mut()
            .ok_or_else(|| "stands before the first case".into())
    }
}

fn step(verb: &str, rest: &str, piped: impl FnOnce() -> Vec<u8>) -> Result<Step, String> {
    let pair = || {
        let (a, b) = rest.split_once(" -> ").ok_or("expected `A -> B`")?;
        Ok::<_, String>((unescape(a), unescape(b)))
    };
    Ok(match verb {
        "write" => Step::Write(unescape(rest), piped()),
        "append" => Step::Append(unescape(rest), piped()),
        "prepend" => Step::Prepend(unescape(rest), piped()),
        "bytes" => {
            let (path, bytes) = rest.split_once(": ").ok_or("expected `PATH: BYTES`")?;
            Step::Write(unescape(path), unescape(bytes))
        }
        "edit" => {
            let (path, change) = rest.split_once(": ").ok_or("expected `PATH: OLD => NEW`")?;
            let (old, new) = change
                .split_once(" =>")
                .ok_or("expected `PATH: OLD => NEW`")?;
            let new = new.strip_prefix(' ').unwrap_or(new);
            Step::Edit(unescape(path), unescape(old), unescape(new))
        }
        "delete" => Step::Delete(unescape(rest)),
        "rename" => pair().map(|(a, b)| Step::Rename(a, b))?,
        "copy" => pair().map(|(a, b)| Step::Copy(a, b))?,
        "symlink" => pair().map(|(a, b)| Step::Symlink(a, b))?,
        "executable" => Step::Executable(unescape(rest)),
        "crlf" => Step::Crlf(unescape(rest)),
        "stage" => Step::Stage,
        "commit" => Step::Commit,
        "git" => Step::Git(words(rest)),
        _ => return Err(format!("unknown step `{verb}`")),
    })
}

#[test]
fn a_file_gives_its_tree_its_roster_and_its_cases() {
    let family = parse(
        "# About.\ntests: a.py::test_x, a.py::test_y\n-- a.py --\nx = 1\n\n-- empty --\n== case: one\n\
         # Why.\nwrite b.py\n| y = 2\n|\nedit a.py: x = 1 => x = 2\\n\nrequire: a.py::test_x\nforbid: *\n",
    )
    .expect("it can be read");
    assert_eq!(family.roster, ["a.py::test_x", "a.py::test_y"]);
    assert_eq!(
        format!("{:?}", family.setup),
        format!(
            "{:?}",
            [
                Step::Write(b"a.py".to_vec(), b"x = 1\n".to_vec()),
                Step::Write(b"empty".to_vec(), vec![])
            ]
        )
    );
    let case = &family.cases[0];
    assert_eq!((case.name.as_str(), case.line), ("one", 7));
    assert_eq!(
        format!("{:?}", case.steps),
        format!(
            "{:?}",
            [
                Step::Write(b"b.py".to_vec(), b"y = 2\n\n".to_vec()),
                Step::Edit(b"a.py".to_vec(), b"x = 1".to_vec(), b"x = 2\n".to_vec())
            ]
        )
    );
}

#[test]
fn what_is_not_understood_is_named_with_its_line() {
    for (text, error) in [
        (
            "== case: a\nrequires: x\n",
            "line 2: unknown expectation `requires`",
        ),
        ("== case: a\nremove x\n", "line 2: unknown step `remove`"),
        ("delete x\n", "line 1: stands before the first case"),
        ("== case: a\nrename x\n", "line 2: expected `A -> B`"),
    ] {
        assert_eq!(parse(text).map(|_| ()), Err(error.to_owned()), "{text}");
    }
}

//! The output of `strace -f -q -y -s … -o FILE`, line by line → what processes did with paths.
//!
//! A line is `PID name(arguments) = result`. A call during which another process spoke stands on two lines:
//! `name(… <unfinished ...>` and `<... name resumed>…`. Bytes that are not printable, and `<` and `>` in the path of a
//! descriptor, are octal escapes as in C. Relative paths start at the directory that `-y` shows beside a descriptor
//! (`AT_FDCWD</dir>`), or at the process's own, which is followed through `chdir`, `fchdir` and forks.

use std::collections::{HashMap, VecDeque};

use bstr::ByteSlice;

/// The calls that have to be traced; a `?` marks those that not every machine has.
pub const CALLS: &str =
    "%file,?getdents,getdents64,fchdir,clone,?clone3,?fork,?vfork,?io_uring_setup";

/// The number of a process or thread while it lives.
pub type Pid = u32;

/// What a process did. Paths are absolute, without `.` and `..`, as it named them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Act {
    /// It started another one, or another thread of itself.
    Forked {
        /// The new one.
        child: Pid,
        /// Whether it is a thread of the same process.
        thread: bool,
    },
    /// It became another program.
    Became {
        /// The file.
        path: Vec<u8>,
        /// The arguments, the name of the program first.
        args: Vec<Vec<u8>>,
        /// The environment, `NAME=value`.
        env: Vec<Vec<u8>>,
    },
    /// It opened a file or directory.
    Opened {
        /// As it named it.
        path: Vec<u8>,
        /// What that led to, where that is another path.
        real: Option<Vec<u8>>,
    },
    /// It asked for a path, and found something or nothing there.
    Looked(Vec<u8>),
    /// It listed a directory.
    Listed(Vec<u8>),
    /// It may open files in ways that no system call shows.
    Hid,
    /// It ended.
    Ended,
}

/// Reads one trace. Acts come in the order in which the calls ended; those of a process come after the fork that made it.
#[derive(Debug, Default)]
pub struct Strace {
    /// The first process; its forebears are not traced.
    first: Option<Pid>,
    unfinished: HashMap<Pid, Vec<u8>>,
    /// The working directory of each process, under the number of its first thread.
    cwd: HashMap<Pid, Vec<u8>>,
    /// The first thread of the process that each thread belongs to. A number that is not here is not known.
    leader: HashMap<Pid, Pid>,
    /// Lines of processes whose fork has not been seen to end.
    early: HashMap<Pid, Vec<Vec<u8>>>,
}

impl Strace {
    /// A reader of a trace whose first process starts in this directory.
    pub fn new(cwd: &[u8]) -> Self {
        let mut strace = Self::default();
        strace.cwd.insert(0, cwd.to_vec());
        strace
    }

    /// Takes a line, and gives what it tells: the process (told by its first thread) and its act. Lines that tell nothing of
    /// paths, or cannot be understood, tell nothing.
    pub fn line(&mut self, line: &[u8], tell: &mut dyn FnMut(Pid, Act)) {
        let mut lines = VecDeque::from([line.to_vec()]);
        while let Some(line) = lines.pop_front() {
            if let Some(child) = self.one(&line, tell) {
                lines.extend(self.early.remove(&child).unwrap_or_default());
            }
        }
    }

    /// Takes a line; gives the process that it shows to be started.
    fn one(&mut self, line: &[u8], tell: &mut dyn FnMut(Pid, Act)) -> Option<Pid> {
        let at = line.find_byte(b' ')?;
        let pid: Pid = line[..at].to_str().ok()?.parse().ok()?;
        if self.first.is_none() {
            self.first = Some(pid);
            self.leader.insert(pid, pid);
            let cwd = self.cwd.remove(&0).unwrap_or_default();
            self.cwd.insert(pid, cwd);
        }
        let Some(&leader) = self.leader.get(&pid) else {
            self.early.entry(pid).or_default().push(line.to_vec());
            return None;
        };
        let text = line[at..].trim();
        if let Some((_, by)) = text.split_once_str(" superseded by execve in pid ") {
            // another thread becomes the program, under the number of the first
            let by: Pid = by.split_once_str(" ")?.0.to_str().ok()?.parse().ok()?;
            let call = self.unfinished.remove(&by)?;
            self.unfinished.insert(pid, call);
            return None;
        }
        if text.starts_with(b"+++") {
            self.leader.remove(&pid);
            self.unfinished.remove(&pid);
            if leader == pid {
                self.cwd.remove(&pid);
                tell(pid, Act::Ended);
            }
            return None;
        }
        if let Some(begun) = text.strip_suffix(b"<unfinished ...>") {
            self.unfinished.insert(pid, begun.to_vec());
            return None;
        }
        let joined;
        let text = match text.strip_prefix(b"<... ") {
            Some(rest) => {
                let (_, rest) = rest.split_once_str(" resumed>")?;
                joined = [&self.unfinished.remove(&pid)?[..], rest].concat();
                &joined[..]
            }
            None => text,
        };
        let call = Call::parse(text)?;
        self.call(leader, &call, tell)
    }

    fn call(&mut self, pid: Pid, call: &Call<'_>, tell: &mut dyn FnMut(Pid, Act)) -> Option<Pid> {
        match call.name {
            b"clone" | b"clone3" | b"fork" | b"vfork" => {
                let child = call.number().filter(|child| *child > 0)? as Pid;
                let thread = call.raw.contains_str("CLONE_THREAD");
                if thread {
                    self.leader.insert(child, pid);
                } else {
                    let cwd = self.cwd.get(&pid).cloned().unwrap_or_default();
                    self.cwd.insert(child, cwd);
                    self.leader.insert(child, child);
                }
                tell(pid, Act::Forked { child, thread });
                return Some(child);
            }
            b"getdents" | b"getdents64" => {
                let dir = call.args.first()?.descriptor.clone()?;
                tell(pid, Act::Listed(dir));
            }
            b"io_uring_setup" if call.number().is_some_and(|fd| fd >= 0) => tell(pid, Act::Hid),
            b"fchdir" if call.number() == Some(0) => {
                let dir = call.args.first()?.descriptor.clone()?;
                self.cwd.insert(pid, dir);
            }
            b"execve" | b"execveat" if call.number() == Some(0) => {
                let path = self.path(pid, call, 0)?;
                let at = usize::from(call.name == b"execveat");
                let strings = |at: usize| call.args.get(at).map(|arg| strings(arg.raw));
                tell(
                    pid,
                    Act::Became {
                        path,
                        args: strings(at + 1).unwrap_or_default(),
                        env: strings(at + 2).unwrap_or_default(),
                    },
                );
            }
            b"open" | b"openat" | b"openat2" | b"creat"
                if call.number().is_some_and(|fd| fd >= 0) =>
            {
                let path = self.path(pid, call, 0)?;
                let real = call.result_path.clone().filter(|real| *real != path);
                tell(pid, Act::Opened { path, real });
            }
            b"getcwd" => {}
            // the first names nothing that is looked for
            b"symlink" | b"symlinkat" => tell(pid, Act::Looked(self.path(pid, call, 1)?)),
            b"rename" | b"renameat" | b"renameat2" | b"link" | b"linkat" => {
                for nth in 0..2 {
                    tell(pid, Act::Looked(self.path(pid, call, nth)?));
                }
            }
            _ => {
                let path = self.path(pid, call, 0)?;
                if call.name == b"chdir" && call.number() == Some(0) {
                    self.cwd.insert(pid, path.clone());
                }
                tell(pid, Act::Looked(path));
            }
        }
        None
    }

    /// The `nth` path among the arguments, from 0. `None` where it is empty: then the descriptor itself is meant.
    fn path(&mut self, pid: Pid, call: &Call<'_>, nth: usize) -> Option<Vec<u8>> {
        let named = call.args.iter().enumerate();
        let mut named = named.filter_map(|(at, arg)| Some((at, arg.string.as_ref()?)));
        let (at, name) = named.nth(nth)?;
        let before = at.checked_sub(1).and_then(|at| call.args.get(at));
        let dir = before.and_then(|before| {
            let dir = before.descriptor.as_ref()?;
            if before.raw.starts_with(b"AT_FDCWD") {
                self.cwd.insert(pid, dir.clone());
            }
            Some(dir)
        });
        if name.is_empty() {
            return None;
        }
        let dir = dir.or_else(|| self.cwd.get(&pid))?;
        Some(plain(dir, name))
    }
}

/// A path from a directory, without `.`, `..` and double slashes. `..` after a link is taken as it is written.
fn plain(dir: &[u8], name: &[u8]) -> Vec<u8> {
    let mut parts: Vec<&[u8]> = Vec::new();
    let dir = if name.starts_with(b"/") { b"" } else { dir };
    for part in dir.split_str("/").chain(name.split_str("/")) {
        match part {
            b"" | b"." => {}
            b".." => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    let mut path = Vec::with_capacity(dir.len() + name.len() + 1);
    for part in parts {
        path.push(b'/');
        path.extend_from_slice(part);
    }
    if path.is_empty() {
        path.push(b'/');
    }
    path
}

/// A call with its arguments and result.
#[derive(Debug)]
struct Call<'a> {
    name: &'a [u8],
    /// What stands between the parentheses.
    raw: &'a [u8],
    args: Vec<Arg<'a>>,
    result: &'a [u8],
    result_path: Option<Vec<u8>>,
}

/// An argument.
#[derive(Debug)]
struct Arg<'a> {
    raw: &'a [u8],
    /// The text, where it is one.
    string: Option<Vec<u8>>,
    /// The path behind a descriptor.
    descriptor: Option<Vec<u8>>,
}

impl<'a> Call<'a> {
    fn parse(text: &'a [u8]) -> Option<Self> {
        let open = text.find_byte(b'(')?;
        let name = &text[..open];
        if !name.iter().all(|c| c.is_ascii_alphanumeric() || *c == b'_') {
            return None;
        }
        let inner = &text[open + 1..];
        let (pieces, end) = split(inner)?;
        let result = inner[end + 1..].trim_start().strip_prefix(b"=")?.trim();
        let args = pieces.into_iter().map(|raw| Arg {
            raw,
            string: (raw.first() == Some(&b'"')).then(|| unescape(raw).0),
            descriptor: descriptor(raw),
        });
        Some(Self {
            name,
            raw: &inner[..end],
            args: args.collect(),
            result_path: descriptor(result),
            result,
        })
    }

    /// The result; `None` where it is none that is known.
    fn number(&self) -> Option<i64> {
        let end = self.result.find_byteset(b" <").unwrap_or(self.result.len());
        self.result[..end].to_str().ok()?.parse().ok()
    }
}

/// The arguments, and where the parenthesis closes.
fn split(text: &[u8]) -> Option<(Vec<&[u8]>, usize)> {
    let (mut pieces, mut from, mut depth, mut at) = (Vec::new(), 0, 0usize, 0);
    while at < text.len() {
        match text[at] {
            b'"' => at += unescape(&text[at..]).1 - 1,
            // the path of a descriptor; else a sign, as in `1<<3`
            b'<' if at > 0 && text[at + 1..].first() != Some(&b'<') && text[at - 1] != b'<' => {
                at += text[at..].find_byte(b'>').unwrap_or(0);
            }
            b'(' | b'[' | b'{' => depth += 1,
            b')' if depth == 0 => {
                pieces.push(text[from..at].trim());
                return Some((pieces, at));
            }
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => {
                pieces.push(text[from..at].trim());
                from = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    None
}

/// The path in `3</a/path>` or `AT_FDCWD</a/path>`.
fn descriptor(text: &[u8]) -> Option<Vec<u8>> {
    let (number, rest) = text.split_once_str("<")?;
    if number != b"AT_FDCWD" && !number.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let path = unescape_until(rest, b'>').0;
    path.starts_with(b"/").then_some(path)
}

/// All texts of a list.
fn strings(list: &[u8]) -> Vec<Vec<u8>> {
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(quote) = list[at..].find_byte(b'"') {
        let (text, length) = unescape(&list[at + quote..]);
        found.push(text);
        at += quote + length;
    }
    found
}

/// The text in the quotes at the beginning, and how long it is with them.
fn unescape(quoted: &[u8]) -> (Vec<u8>, usize) {
    let (text, length) = unescape_until(&quoted[1..], b'"');
    (text, (length + 2).min(quoted.len()))
}

/// The text up to an end that is not escaped, and where that is.
fn unescape_until(text: &[u8], end: u8) -> (Vec<u8>, usize) {
    let (mut out, mut at) = (Vec::new(), 0);
    while at < text.len() && text[at] != end {
        if text[at] != b'\\' {
            out.push(text[at]);
            at += 1;
            continue;
        }
        let digits = text[at + 1..].iter().take(3);
        let digits = digits.take_while(|c| (b'0'..=b'7').contains(*c)).count();
        if digits > 0 {
            let octal = &text[at + 1..at + 1 + digits];
            out.push(
                octal
                    .iter()
                    .fold(0u8, |byte, c| byte.wrapping_mul(8) + (c - b'0')),
            );
            at += 1 + digits;
            continue;
        }
        out.push(match text.get(at + 1) {
            Some(b'n') => b'\n',
            Some(b't') => b'\t',
            Some(b'r') => b'\r',
            Some(b'v') => 0x0b,
            Some(b'f') => 0x0c,
            Some(other) => *other,
            None => break,
        });
        at += 2;
    }
    (out, at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn acts(trace: &str) -> Vec<String> {
        let mut strace = Strace::new(b"/w");
        let mut told = Vec::new();
        for line in trace.lines() {
            strace.line(line.as_bytes(), &mut |pid, act| {
                let text = |bytes: &[u8]| bytes.as_bstr().to_string();
                told.push(match act {
                    Act::Forked { child, thread } => {
                        format!(
                            "{pid} forks {child}{}",
                            if thread { ", a thread" } else { "" }
                        )
                    }
                    Act::Became { path, args, env } => {
                        format!("{pid} becomes {} {} {}", text(&path), args.len(), env.len())
                    }
                    Act::Opened { path, real } => {
                        let real =
                            real.map_or_else(String::new, |real| format!(" → {}", text(&real)));
                        format!("{pid} opens {}{real}", text(&path))
                    }
                    Act::Looked(path) => format!("{pid} looks {}", text(&path)),
                    Act::Listed(path) => format!("{pid} lists {}", text(&path)),
                    Act::Hid => format!("{pid} hides"),
                    Act::Ended => format!("{pid} ends"),
                });
            });
        }
        told
    }

    #[test]
    fn a_real_trace_is_read() {
        insta::assert_snapshot!(acts(include_str!("../../fixtures/record/strace.txt")).join("\n"));
    }

    #[test]
    fn relative_paths_start_where_the_process_is() {
        let trace = r#"1 openat(AT_FDCWD</w/a>, "x/../b", O_RDONLY) = 3</w/a/b>
1 access("c", F_OK) = -1 ENOENT (No such file or directory)
1 openat(3</w/d \76 \"e\">, "f", O_RDONLY|O_CLOEXEC) = 4</w/real/f>
1 newfstatat(3</w/d>, "", {st_mode=S_IFREG|0644, st_size=1, ...}, AT_EMPTY_PATH) = 0
1 chdir("/w/g")   = 0
1 access("h", F_OK) = 0
1 fchdir(5</i>)  = 0
1 execve("./j", ["./j", "a, b) = 1"], ["A=\"x\"", "B=\303\251"]) = 0
1 readlink("/k", 0x7, 99) = -1 EINVAL (Invalid argument)
1 getdents64(3</w/l>, 0x55 /* 3 entries */, 32768) = 80"#;
        assert_eq!(
            acts(trace),
            [
                "1 opens /w/a/b",
                "1 looks /w/a/c",
                "1 opens /w/d > \"e\"/f → /w/real/f",
                "1 looks /w/g",
                "1 looks /w/g/h",
                "1 becomes /i/j 2 2",
                "1 looks /k",
                "1 lists /w/l",
            ]
        );
    }

    #[test]
    fn what_a_child_does_before_its_fork_is_seen_to_end_comes_after_it() {
        let trace = r#"1 chdir("/x") = 0
1 vfork( <unfinished ...>
2 access("a", F_OK) = 0
2 openat(AT_FDCWD</x>, "b", O_RDONLY <unfinished ...>
1 <... vfork resumed>) = 2
2 <... openat resumed>) = 3</x/b>
2 +++ exited with 0 +++
2 access("lost", F_OK) = 0
1 clone3({flags=CLONE_VM|CLONE_THREAD, stack=0x1} => {parent_tid=[3]}, 88) = 3
3 chdir("/y") = 0
1 access("c", F_OK) = 0
1 io_uring_setup(8, {flags=0}) = 5"#;
        assert_eq!(
            acts(trace),
            [
                "1 looks /x",
                "1 forks 2",
                "2 looks /x/a",
                "2 opens /x/b",
                "2 ends",
                "1 forks 3, a thread",
                "1 looks /y",
                "1 looks /y/c",
                "1 hides",
            ]
        );
    }

    /// A text as strace prints it.
    fn escape(bytes: &[u8]) -> String {
        let one = |byte: &u8| match byte {
            b'"' | b'\\' => format!("\\{}", *byte as char),
            b' '..=b'~' => (*byte as char).to_string(),
            _ => format!("\\{byte:03o}"),
        };
        bytes.iter().map(one).collect()
    }

    proptest! {
        #[test]
        fn any_name_is_read_back(name in proptest::collection::vec(1u8.., 1..30)) {
            prop_assume!(!name.contains(&b'/') && name != b"." && name != b"..");
            let trace = format!("7 openat(AT_FDCWD</w>, \"{}\", O_RDONLY) = 3\n", escape(&name));
            let mut found = Vec::new();
            Strace::new(b"/").line(trace.trim_end().as_bytes(), &mut |_, act| found.push(act));
            let path = [b"/w/", &name[..]].concat();
            prop_assert_eq!(found, [Act::Opened { path, real: None }]);
        }

        #[test]
        fn damaged_lines_never_panic(
            at in any::<prop::sample::Index>(),
            edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..9),
            cut in any::<prop::sample::Index>(),
        ) {
            let lines: Vec<&str> = include_str!("../../fixtures/record/strace.txt").lines().collect();
            let mut line = lines[at.index(lines.len())].as_bytes().to_vec();
            for (at, byte) in edits {
                let at = at.index(line.len());
                line[at] = byte;
            }
            line.truncate(cut.index(line.len() + 1));
            let mut strace = Strace::new(b"/w");
            strace.line(b"1 access(\"a\", F_OK) = 0", &mut |_, _| ());
            strace.line(&line, &mut |_, _| ());
        }
    }
}

//! Acts of processes → which test met which path.
//!
//! A test that has a process of its own (nextest), or shares one with its whole suite (`cargo test`, doctests), is told by
//! the program and environment of that process; all that its children do is its own. A process of pytest tells by markers
//! what it does, see `src/edges/tia_recorder.py`:
//!
//! | it happens | it belongs to |
//! | --- | --- |
//! | while the import system searches for a module | nobody: what it looks for and lists is known from the sources |
//! | while a module is loaded | the module, and that it is loaded to whoever loads it |
//! | while a fixture of a module or class is set up | this test and all later ones of the file |
//! | while a wider fixture is set up | this test and all later ones of the process |
//! | else while a test runs | the test |
//! | outside of tests | all later tests; but loading sources and looking around is what collecting tests is |
//! | in a child that was started by the test that runs | the test |
//! | in a child that was started before | all tests from then on: it may read early, late, and keep what it read |

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use bstr::{ByteSlice, ByteVec};

use super::strace::{Act, Pid};
use crate::model::{Meeting, RepoPath};

/// What is where a process looked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Place {
    /// The path in the repository.
    pub path: RepoPath,
    /// What is there.
    pub thing: Thing,
}

/// What is at a place.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Thing {
    /// A file that the reader of a language reads as well.
    Source,
    /// Another file, or a link.
    File,
    /// A directory.
    Dir,
    /// Nothing that belongs to the repository.
    Nothing,
}

/// Tells what is at an absolute path; nothing where it lies outside of the repository or is of no interest. More than one
/// place where links lead on.
pub type Places<'a> = dyn Fn(&[u8]) -> Vec<Place> + 'a;

/// A test as its runner tells it.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub enum SeenTest {
    /// One of a Python file.
    Python {
        /// The file.
        file: RepoPath,
        /// The test below it, without parameters.
        case: String,
    },
    /// One of nextest's.
    Nextest {
        /// The id of the executable.
        binary: String,
        /// The test.
        case: String,
    },
    /// A test executable of Cargo that runs its tests in one process; or one test of it, where the arguments say so.
    Executable {
        /// The package.
        package: String,
        /// The name of the executable's file, without its hash.
        name: String,
        /// The test.
        case: Option<String>,
    },
    /// The doctests of a package.
    Doctests {
        /// The package.
        package: String,
    },
}

/// What was met.
type Met = BTreeSet<(Meeting, u32)>;

/// Whose acts those of a process are.
#[derive(Clone, Copy, Debug)]
enum Tie {
    /// A test's, from beginning to end.
    Test(usize),
    /// A process of pytest.
    Host(usize),
    /// A child of one: the test that started it alone, and how many tests were over by then.
    Child {
        host: usize,
        born: Option<usize>,
        from: usize,
    },
}

/// Who meets something.
#[derive(Clone, Copy)]
enum Owner {
    Test(usize),
    File(u32),
    /// All tests but the first ones, perhaps only of one file.
    Later {
        host: usize,
        from: usize,
        file: Option<u32>,
    },
    Nobody,
}

/// A process of pytest.
#[derive(Debug, Default)]
struct Host {
    current: Option<usize>,
    /// The tests in their order, each with its file.
    begun: Vec<(usize, u32)>,
    /// Fixtures that are set up: the file that each is for, where it is for one.
    wide: Vec<Option<u32>>,
    /// Modules that are loaded; those outside of the repository act for whoever loads them.
    modules: Vec<Option<u32>>,
    /// How many searches for modules go on, one within the other.
    searches: u32,
    /// What belongs to all tests but the first ones, perhaps only of one file.
    later: BTreeSet<(usize, Option<u32>, Meeting, u32)>,
}

impl Host {
    /// How many tests are over.
    fn over(&self) -> usize {
        self.begun.len() - usize::from(self.current.is_some())
    }
}

/// Follows processes, and gathers what the tests among them met.
pub struct Sessions<'a> {
    places: &'a Places<'a>,
    known: HashMap<Vec<u8>, Rc<[(u32, Thing)]>>,
    paths: indexmap::IndexSet<RepoPath>,
    ties: HashMap<Pid, Tie>,
    hosts: Vec<Host>,
    tests: indexmap::IndexMap<SeenTest, Met>,
    files: HashMap<u32, Met>,
    hidden: BTreeSet<usize>,
}

/// What was seen of tests.
#[derive(Debug, Default)]
pub struct Seen {
    /// Each test with what it met.
    pub tests: Vec<(SeenTest, Vec<(Meeting, RepoPath)>)>,
    /// Each source file with what was met while it was loaded.
    pub files: Vec<(RepoPath, Vec<(Meeting, RepoPath)>)>,
    /// How many tests may have opened files in ways that cannot be traced (io_uring).
    pub hidden: usize,
}

impl<'a> Sessions<'a> {
    /// Nobody yet.
    pub fn new(places: &'a Places<'a>) -> Self {
        Self {
            places,
            known: HashMap::new(),
            paths: indexmap::IndexSet::new(),
            ties: HashMap::new(),
            hosts: Vec::new(),
            tests: indexmap::IndexMap::new(),
            files: HashMap::new(),
            hidden: BTreeSet::new(),
        }
    }

    /// Takes the next act.
    pub fn act(&mut self, pid: Pid, act: Act) {
        match act {
            Act::Forked { thread: true, .. } => {}
            Act::Forked { child, .. } => {
                let tie = self.ties.get(&pid).map(|tie| match *tie {
                    Tie::Host(host) => {
                        let of = &self.hosts[host];
                        let alone = of.wide.is_empty() && of.modules.iter().all(Option::is_none);
                        let born = of.current.filter(|_| alone);
                        let from = of.over();
                        Tie::Child { host, born, from }
                    }
                    tie => tie,
                });
                match tie {
                    Some(tie) => self.ties.insert(child, tie),
                    None => self.ties.remove(&child),
                };
            }
            Act::Became { path, args, env } => {
                if !self.ties.contains_key(&pid)
                    && let Some(test) = of_cargo(&path, &args, &env)
                {
                    let test = self.test(test);
                    self.ties.insert(pid, Tie::Test(test));
                }
                self.met(pid, Meeting::Reads, &path);
            }
            Act::Opened { path, real } => {
                self.met(pid, Meeting::Reads, &path);
                if let Some(real) = real {
                    self.met(pid, Meeting::Reads, &real);
                }
            }
            Act::Looked(path) => match path.strip_prefix(b"/dev/null/tia/") {
                Some(mark) => self.mark(pid, mark),
                None => self.met(pid, Meeting::LooksFor, &path),
            },
            Act::Listed(path) => self.met(pid, Meeting::Lists, &path),
            Act::Hid => {
                let owner = self.ties.get(&pid).map(|tie| self.owner(*tie));
                if let Some(Owner::Test(test)) = owner {
                    self.hidden.insert(test);
                }
            }
            Act::Ended => {
                self.ties.remove(&pid);
            }
        }
    }

    /// All that was seen.
    ///
    /// Cost: for each test of pytest one pass over what belongs to more than one.
    pub fn end(mut self) -> Seen {
        for host in &self.hosts {
            for (at, (test, own)) in host.begun.iter().enumerate() {
                let later = host.later.iter().take_while(|(from, ..)| *from <= at);
                let felt = later.filter(|(_, file, ..)| file.is_none_or(|file| file == *own));
                self.tests[*test].extend(felt.map(|(_, _, meeting, place)| (*meeting, *place)));
            }
        }
        let path = |place: u32| self.paths[place as usize].clone();
        let list = |met: &Met| {
            // who opens a path feels all that becomes of it
            let covered = |meeting: Meeting, place: u32| match meeting {
                Meeting::Loads => met.contains(&(Meeting::Reads, place)),
                Meeting::LooksFor => [Meeting::Loads, Meeting::Reads]
                    .iter()
                    .any(|other| met.contains(&(*other, place))),
                Meeting::Reads | Meeting::Lists => false,
            };
            let kept = met
                .iter()
                .filter(|(meeting, place)| !covered(*meeting, *place));
            let mut list: Vec<_> = kept
                .map(|(meeting, place)| (*meeting, path(*place)))
                .collect();
            list.sort();
            list
        };
        let mut files: Vec<_> = self
            .files
            .iter()
            .map(|(file, met)| (path(*file), list(met)))
            .collect();
        files.sort();
        Seen {
            tests: self
                .tests
                .iter()
                .map(|(test, met)| (test.clone(), list(met)))
                .collect(),
            files,
            hidden: self.hidden.len(),
        }
    }

    fn test(&mut self, test: SeenTest) -> usize {
        let entry = self.tests.entry(test);
        let at = entry.index();
        entry.or_default();
        at
    }

    fn at(&mut self, path: &[u8]) -> Rc<[(u32, Thing)]> {
        if let Some(known) = self.known.get(path) {
            return known.clone();
        }
        let places = (self.places)(path).into_iter();
        let found: Rc<[_]> = places
            .map(|place| (self.paths.insert_full(place.path).0 as u32, place.thing))
            .collect();
        self.known.insert(path.to_vec(), found.clone());
        found
    }

    /// The file that the path in a marker leads to. Its first slash went when the marker's path was made plain.
    fn file(&mut self, path: &[u8]) -> Option<u32> {
        let places = self.at(&[b"/", path].concat());
        let (place, thing) = places.last()?;
        matches!(thing, Thing::Source | Thing::File).then_some(*place)
    }

    /// A marker, without what all begin with.
    fn mark(&mut self, pid: Pid, mark: &[u8]) {
        let host = match self.ties.get(&pid) {
            Some(Tie::Host(host)) => *host,
            // pytest within a test
            Some(Tie::Test(_) | Tie::Child { born: Some(_), .. }) => return,
            Some(Tie::Child { host, .. }) if self.hosts[*host].current.is_some() => return,
            _ => {
                self.hosts.push(Host::default());
                self.ties.insert(pid, Tie::Host(self.hosts.len() - 1));
                self.hosts.len() - 1
            }
        };
        let (verb, rest) = mark.split_once_str("/").unwrap_or((mark, b""));
        match verb {
            b"test" => {
                let Some(at) = rest.find("::") else { return };
                let case = rest[at + 2..].to_str_lossy().into_owned();
                let Some(place) = self.file(&rest[..at]) else {
                    return;
                };
                let file = self.paths[place as usize].clone();
                let test = self.test(SeenTest::Python { file, case });
                let host = &mut self.hosts[host];
                host.current = Some(test);
                host.begun.push((test, place));
                host.wide.clear();
            }
            b"done" => self.hosts[host].current = None,
            b"wide" => {
                let (scope, file) = rest.split_once_str("/").unwrap_or((rest, b""));
                let narrow = matches!(scope, b"module" | b"class");
                let file = if narrow { self.file(file) } else { None };
                self.hosts[host].wide.push(file);
            }
            b"narrow" => {
                self.hosts[host].wide.pop();
            }
            b"find" => self.hosts[host].searches += 1,
            b"found" => {
                let host = &mut self.hosts[host];
                host.searches = host.searches.saturating_sub(1);
            }
            b"load" => {
                let file = self.file(rest);
                if let Some(file) = file {
                    let owner = self.owner(Tie::Host(host));
                    self.give(owner, Meeting::Loads, file);
                }
                self.hosts[host].modules.push(file);
            }
            b"loaded" => {
                self.hosts[host].modules.pop();
            }
            _ => {}
        }
    }

    fn owner(&self, tie: Tie) -> Owner {
        match tie {
            Tie::Test(test) => Owner::Test(test),
            Tie::Child { host, born, from } => match (born, self.hosts[host].current) {
                (Some(born), Some(current)) if born == current => Owner::Test(born),
                _ => Owner::Later {
                    host,
                    from,
                    file: None,
                },
            },
            Tie::Host(at) => {
                let host = &self.hosts[at];
                if let Some(file) = host.modules.iter().rev().flatten().next() {
                    return Owner::File(*file);
                }
                match (host.wide.last(), host.current) {
                    (Some(file), _) => Owner::Later {
                        host: at,
                        from: host.over(),
                        file: *file,
                    },
                    (None, Some(test)) => Owner::Test(test),
                    (None, None) => Owner::Nobody,
                }
            }
        }
    }

    /// A process met a path.
    fn met(&mut self, pid: Pid, meeting: Meeting, path: &[u8]) {
        let Some(tie) = self.ties.get(&pid).copied() else {
            return;
        };
        if let Tie::Host(host) = tie
            && self.hosts[host].searches > 0
        {
            return;
        }
        let compiled = compiled_from(path);
        let places = self.at(compiled.as_deref().unwrap_or(path));
        // the compiler of doctests reads what the readers of languages read
        let own = match tie {
            Tie::Host(_) => true,
            Tie::Test(test) => {
                let test = self.tests.get_index(test);
                test.is_some_and(|(test, _)| matches!(test, SeenTest::Doctests { .. }))
            }
            Tie::Child { .. } => false,
        };
        let owner = self.owner(tie);
        for (place, thing) in places.iter().copied() {
            let meeting = match (meeting, thing) {
                (Meeting::Reads, Thing::Source) if own => Meeting::Loads,
                (Meeting::Reads, Thing::Source | Thing::File) => Meeting::Reads,
                // what was opened and is nothing of the repository's is made anew in each run
                (Meeting::Reads, Thing::Nothing) => continue,
                (Meeting::Reads, Thing::Dir) => Meeting::LooksFor,
                (Meeting::Lists, Thing::Dir) => Meeting::Lists,
                (Meeting::Lists, _) => continue,
                (meeting, _) => meeting,
            };
            // the top is always there
            if meeting == Meeting::LooksFor && self.paths[place as usize].is_root() {
                continue;
            }
            match owner {
                // loading looks around by itself, and the readers of languages know what it finds
                Owner::File(_) if matches!(meeting, Meeting::LooksFor | Meeting::Lists) => {}
                Owner::Nobody if meeting == Meeting::Reads => {
                    let Tie::Host(host) = tie else { continue };
                    let from = self.hosts[host].over();
                    let file = None;
                    self.give(Owner::Later { host, from, file }, meeting, place);
                }
                owner => self.give(owner, meeting, place),
            }
        }
    }

    fn give(&mut self, owner: Owner, meeting: Meeting, place: u32) {
        match owner {
            Owner::Test(test) => {
                self.tests[test].insert((meeting, place));
            }
            Owner::File(file) if file != place => {
                self.files.entry(file).or_default().insert((meeting, place));
            }
            Owner::Later { host, from, file } => {
                self.hosts[host].later.insert((from, file, meeting, place));
            }
            Owner::File(_) | Owner::Nobody => {}
        }
    }
}

/// The test that a program started by Cargo or nextest is.
fn of_cargo(path: &[u8], args: &[Vec<u8>], env: &[Vec<u8>]) -> Option<SeenTest> {
    let var = |name: &str| {
        let own = env
            .iter()
            .find_map(|pair| pair.strip_prefix(name.as_bytes())?.strip_prefix(b"="));
        own.map(|value| value.to_str_lossy().into_owned())
    };
    if let (Some(binary), Some(case)) = (var("NEXTEST_BINARY_ID"), var("NEXTEST_TEST_NAME")) {
        return Some(SeenTest::Nextest { binary, case });
    }
    let package = var("CARGO_PKG_NAME")?;
    let has = |word: &[u8]| args.iter().any(|arg| arg == word);
    let (dir, file) = path.rsplit_once_str("/")?;
    if file == b"rustdoc" && has(b"--test") {
        return Some(SeenTest::Doctests { package });
    }
    let (name, hash) = file.rsplit_once_str("-")?;
    let hashed = hash.len() == 16 && hash.iter().all(u8::is_ascii_hexdigit);
    if !hashed || !dir.ends_with(b"/deps") || has(b"--list") {
        return None;
    }
    let case = match has(b"--exact") {
        true => args[1..].iter().find(|arg| !arg.starts_with(b"-")),
        false => None,
    };
    Some(SeenTest::Executable {
        package,
        name: name.to_str_lossy().into_owned(),
        case: case.map(|case| case.to_str_lossy().into_owned()),
    })
}

/// The source of a compiled Python file: `__pycache__/a.cpython-313.pyc` is that of `a.py`.
fn compiled_from(path: &[u8]) -> Option<Vec<u8>> {
    let (dir, file) = path.strip_suffix(b".pyc")?.rsplit_once_str("/")?;
    let dir = dir.strip_suffix(b"__pycache__")?;
    let end = [".cpython-", ".pypy", ".graalpy"]
        .iter()
        .find_map(|tag| file.rfind(tag))?;
    let mut source = dir.to_vec();
    source.push_str(&file[..end]);
    source.push_str(".py");
    Some(source)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edges::strace::Strace;

    const FILES: [&str; 16] = [
        "lib.py",
        "lazy.py",
        "tests/conftest.py",
        "tests/test_a.py",
        "tests/test_b.py",
        "tests/test_c.py",
        "table.txt",
        "lazy.txt",
        "shared.txt",
        "module.txt",
        "own.txt",
        "child.txt",
        "served.txt",
        "late.txt",
        "a.txt",
        "d/b>é.txt",
    ];

    /// A project at `/srv/project`.
    fn places(path: &[u8]) -> Vec<Place> {
        let Some(below) = path.strip_prefix(b"/srv/project") else {
            return Vec::new();
        };
        let path = RepoPath::new(below);
        if path.extension() == b"pyc" || path.as_bytes().contains_str("__pycache__") {
            return Vec::new();
        }
        let is = |file: &&&str| RepoPath::from(**file) == path;
        let thing = match FILES.iter().find(is) {
            Some(file) if file.ends_with(".py") => Thing::Source,
            Some(_) => Thing::File,
            None if FILES
                .iter()
                .any(|file| RepoPath::from(*file).is_under(&path)) =>
            {
                Thing::Dir
            }
            None => Thing::Nothing,
        };
        vec![Place { path, thing }]
    }

    fn told(trace: &str) -> String {
        let mut sessions = Sessions::new(&places);
        let mut strace = Strace::new(b"/srv/project");
        for line in trace.lines() {
            strace.line(line.as_bytes(), &mut |pid, act| sessions.act(pid, act));
        }
        let seen = sessions.end();
        let mut out = String::new();
        let mut tell = |who: String, met: &[(Meeting, RepoPath)]| {
            out += &format!("{who}\n");
            for (meeting, path) in met {
                out += &format!("    {} {path}\n", meeting.verb());
            }
        };
        for (test, met) in &seen.tests {
            tell(
                match test {
                    SeenTest::Python { file, case } => format!("{file}::{case}"),
                    other => format!("{other:?}"),
                },
                met,
            );
        }
        for (file, met) in &seen.files {
            tell(file.to_string(), met);
        }
        if seen.hidden > 0 {
            out += &format!("{} hidden\n", seen.hidden);
        }
        out
    }

    #[test]
    fn each_test_of_a_real_run_of_pytest_met_what_the_project_says() {
        insta::assert_snapshot!(told(include_str!("../../fixtures/record/pytest.txt")));
    }

    /// The last lines of what is told of a run of pytest in process 1, with these lines in it.
    fn pytest(lines: &str) -> String {
        told(&format!("1 access(\"/\", F_OK) = 0\n{lines}"))
    }

    fn mark(mark: &str) -> String {
        format!("1 access(\"/dev/null/tia/{mark}\", F_OK) = -1 ENOTDIR (Not a directory)\n")
    }

    fn open(pid: Pid, file: &str) -> String {
        format!(
            "{pid} openat(AT_FDCWD</srv/project>, \"{file}\", O_RDONLY) = 3</srv/project/{file}>\n"
        )
    }

    fn test(name: &str) -> String {
        mark(&format!("test/srv/project/tests/{name}"))
    }

    #[test]
    fn a_fixture_of_a_module_is_felt_in_its_file_and_a_wider_one_everywhere() {
        let run = [
            test("test_a.py::x"),
            mark("wide/module/srv/project/tests/test_a.py"),
            open(1, "module.txt"),
            mark("narrow"),
            mark("wide/session/srv/project"),
            open(1, "shared.txt"),
            mark("narrow"),
            open(1, "own.txt"),
            mark("done"),
            test("test_a.py::y"),
            mark("done"),
            test("test_b.py::z"),
            mark("done"),
        ];
        insta::assert_snapshot!(pytest(&run.concat()));
    }

    #[test]
    fn a_child_is_felt_by_its_test_and_one_that_lives_on_by_all_from_then_on() {
        let run = [
            test("test_a.py::x"),
            "1 fork() = 2\n".to_owned(),
            "1 fork() = 3\n".to_owned(),
            open(2, "own.txt"),
            open(3, "lib.py"),
            "2 +++ exited with 0 +++\n".to_owned(),
            mark("done"),
            open(3, "shared.txt"),
            test("test_a.py::y"),
            open(3, "late.txt"),
            mark("done"),
            test("test_b.py::z"),
            mark("done"),
        ];
        insta::assert_snapshot!(pytest(&run.concat()));
    }

    #[test]
    fn pytest_within_a_test_belongs_to_that_test() {
        let run = [
            test("test_a.py::x"),
            "1 fork() = 2\n".to_owned(),
            test("test_b.py::inner").replacen('1', "2", 1),
            open(2, "own.txt"),
            mark("done").replacen('1', "2", 1),
            mark("done"),
        ];
        insta::assert_snapshot!(pytest(&run.concat()));
    }

    #[test]
    fn workers_of_pytest_tell_their_own_tests() {
        let run = [
            mark("load/srv/project/tests/conftest.py"),
            mark("loaded"),
            "1 fork() = 2\n".to_owned(),
            "1 fork() = 3\n".to_owned(),
            test("test_a.py::x").replacen('1', "2", 1),
            test("test_b.py::z").replacen('1', "3", 1),
            open(2, "own.txt"),
            open(3, "late.txt"),
        ];
        insta::assert_snapshot!(pytest(&run.concat()));
    }

    #[test]
    fn a_process_of_nextest_is_one_test_with_all_its_children() {
        let run = r#"1 execve("/cargo-nextest", ["cargo-nextest"], ["CARGO_PKG_NAME=p"]) = 0
1 fork() = 2
1 fork() = 3
2 execve("/t/deps/it-0123456789abcdef", ["it", "--list"], ["CARGO_PKG_NAME=p"]) = 0
2 openat(AT_FDCWD</srv/project>, "table.txt", O_RDONLY) = 3</srv/project/table.txt>
3 execve("/t/deps/it-0123456789abcdef", ["it", "--exact", "a::b"], ["NEXTEST_BINARY_ID=p::it", "NEXTEST_TEST_NAME=a::b"]) = 0
3 fork() = 4
4 execve("/srv/project/own.txt", ["own.txt"], []) = 0
4 openat(AT_FDCWD</srv/project>, "lib.py", O_RDONLY) = 3</srv/project/lib.py>
4 openat(AT_FDCWD</srv/project>, "gone.txt", O_RDONLY) = -1 ENOENT (No such file or directory)
4 io_uring_setup(8, {flags=0}) = 5"#;
        insta::assert_snapshot!(told(run));
    }

    #[test]
    fn cargo_runs_a_suite_as_one_process() {
        let run = r#"1 execve("/t/deps/my_lib-0123456789abcdef", ["my_lib"], ["CARGO_PKG_NAME=my-lib"]) = 0
1 openat(AT_FDCWD</srv/project>, "own.txt", O_RDONLY) = 3</srv/project/own.txt>
1 execve("/bin/rustdoc", ["rustdoc", "--test", "src/lib.rs"], ["CARGO_PKG_NAME=my-lib"]) = 0
1 +++ exited with 0 +++"#;
        insta::assert_snapshot!(told(run));
    }
}

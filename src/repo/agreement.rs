//! Property: after any edits, the quick way, the full way and git itself name the same changed paths.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use proptest::prelude::*;

use super::testing::{Sandbox, git_in};
use crate::model::{Mode, RepoPath};

/// One edit. Numbers choose among few names, so that edits meet.
#[derive(Clone, Debug)]
enum Edit {
    Write(usize, u8),
    Remove(usize),
    Rename(usize, usize),
    Executable(usize, bool),
    Link(usize, usize),
    Stage(usize),
    StageAll,
    Unstage(usize),
    Forget(usize),
    Ignore(u8),
    Commit,
    Mkdir(usize),
}

const NAMES: [&str; 16] = [
    "a",
    "a.py",
    "a-b/c",
    "a/b",
    "a/c/d",
    "b",
    "b/x.log",
    "build/out.o",
    "deep/er/est/file",
    "deep/er/x.log",
    "deep/keep.log",
    "sp ace/new\nline",
    "\u{fc}.txt",
    "z/q\"uote",
    "z/build",
    "z/build/inner",
];

const IGNORES: [&str; 8] = [
    "",
    "*.log\n",
    "build\n",
    "build/\n",
    "*.log\n!keep.log\n",
    "/deep/\n",
    "deep/*\n!deep/er\n",
    "**/er/\nz/q*\n",
];

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let name = 0..NAMES.len();
    let edit = prop_oneof![
        6 => (name.clone(), 0u8..4).prop_map(|(n, c)| Edit::Write(n, c)),
        2 => name.clone().prop_map(Edit::Remove),
        2 => (name.clone(), name.clone()).prop_map(|(a, b)| Edit::Rename(a, b)),
        1 => (name.clone(), any::<bool>()).prop_map(|(n, x)| Edit::Executable(n, x)),
        1 => (name.clone(), name.clone()).prop_map(|(a, b)| Edit::Link(a, b)),
        2 => name.clone().prop_map(Edit::Stage),
        1 => Just(Edit::StageAll),
        1 => name.clone().prop_map(Edit::Unstage),
        1 => name.clone().prop_map(Edit::Forget),
        1 => (0u8..8).prop_map(Edit::Ignore),
        1 => Just(Edit::Commit),
        1 => name.prop_map(Edit::Mkdir),
    ];
    prop::collection::vec(edit, 1..24)
}

/// Runs git and does not care whether it succeeds.
fn git_maybe(repo: &Sandbox, args: &[&str]) {
    let _ = std::process::Command::new("git")
        .current_dir(repo.path())
        .args(args)
        .env_remove("GIT_DIR")
        .env_remove("GIT_INDEX_FILE")
        .env_remove("GIT_WORK_TREE")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .output();
}

fn apply(repo: &Sandbox, edit: &Edit) {
    let at = |n: &usize| repo.path().join(NAMES[*n]);
    let parent = |path: &Path| std::fs::create_dir_all(path.parent().unwrap());
    match edit {
        Edit::Write(n, contents) => {
            let _ = parent(&at(n))
                .and_then(|()| std::fs::write(at(n), format!("contents {contents}\n")));
        }
        Edit::Remove(n) => {
            let _ = std::fs::remove_file(at(n)).or_else(|_| std::fs::remove_dir_all(at(n)));
        }
        Edit::Rename(a, b) => {
            let _ = parent(&at(b)).and_then(|()| std::fs::rename(at(a), at(b)));
        }
        Edit::Executable(n, on) => {
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt;
                let mode = if *on { 0o755 } else { 0o644 };
                if std::fs::symlink_metadata(at(n)).is_ok_and(|meta| meta.is_file()) {
                    let _ = std::fs::set_permissions(at(n), std::fs::Permissions::from_mode(mode));
                }
            }
        }
        Edit::Link(a, b) => {
            #[cfg(unix)]
            {
                let _ = parent(&at(a)).and_then(|()| std::os::unix::fs::symlink(NAMES[*b], at(a)));
            }
        }
        Edit::Stage(n) => git_maybe(repo, &["add", "-f", "--", NAMES[*n]]),
        Edit::StageAll => git_maybe(repo, &["add", "-A"]),
        Edit::Unstage(n) => git_maybe(repo, &["reset", "-q", "--", NAMES[*n]]),
        Edit::Forget(n) => git_maybe(repo, &["rm", "-rq", "--cached", "--", NAMES[*n]]),
        Edit::Ignore(n) => {
            repo.write(".gitignore", IGNORES[usize::from(*n) % IGNORES.len()]);
        }
        Edit::Commit => {
            repo.commit("step");
        }
        Edit::Mkdir(n) => {
            let _ = std::fs::create_dir_all(at(n));
        }
    }
}

/// What git says: HEAD against the index, the index against the disk, and untracked files.
fn git_status(repo: &Sandbox) -> BTreeSet<Vec<u8>> {
    let args = ["status", "--porcelain=v1", "-z", "-uall", "--no-renames"];
    let out = git_in(repo.path(), &args);
    out.split(|&b| b == 0)
        .filter(|line| line.len() > 3)
        .map(|line| line[3..].to_vec())
        .collect()
}

/// The tree that git would write for everything on disk, with its own cleaning: path → mode and id.
fn git_tree(repo: &Sandbox) -> BTreeMap<Vec<u8>, String> {
    let index = repo.path().join(".git/index");
    let saved = std::fs::read(&index).ok();
    git_in(repo.path(), &["add", "-A"]);
    let out = git_in(repo.path(), &["ls-files", "-s", "-z"]);
    match saved {
        Some(bytes) => std::fs::write(&index, bytes).unwrap(),
        None => std::fs::remove_file(&index).unwrap(),
    }
    out.split(|&b| b == 0)
        .filter_map(|line| {
            let tab = line.iter().position(|&b| b == b'\t')?;
            let fields = String::from_utf8(line[..tab].to_vec()).ok()?;
            let mut words = fields.split(' ');
            Some((
                line[tab + 1..].to_vec(),
                format!("{} {}", words.next()?, words.next()?),
            ))
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn every_way_to_a_change_agrees_with_git(edits in edits()) {
        let repo = Sandbox::new();
        repo.write("a", "contents 0\n").write("deep/er/x.log", "contents 1\n").commit("base");
        for edit in &edits {
            apply(&repo, edit);
        }
        let change = repo.dirty();
        let ours: BTreeSet<Vec<u8>> = change.paths.iter().map(|p| p.path.as_bytes().to_vec()).collect();
        let status = git_status(&repo);
        // Git also names what was staged and undone on disk: there HEAD and the disk agree.
        prop_assert!(ours.is_subset(&status), "only ours: {:?} of {:?}", ours, status);

        let tree = git_tree(&repo);
        let snapshot = repo.open().snapshot(&super::Side::WorkTree).unwrap().tree;
        let listed: BTreeMap<Vec<u8>, String> = snapshot
            .entries()
            .iter()
            .map(|(path, entry)| {
                let mode = match entry.mode {
                    Mode::File => "100644",
                    Mode::Executable => "100755",
                    Mode::Link => "120000",
                    Mode::Submodule => "160000",
                };
                (path.as_bytes().to_vec(), format!("{mode} {}", entry.blob))
            })
            .collect();
        prop_assert_eq!(&listed, &tree);
        for path in status.difference(&ours) {
            let head = repo.open().snapshot(&super::Side::Commit(repo.open().head().unwrap().unwrap())).unwrap();
            let path = RepoPath::new(path);
            prop_assert_eq!(head.tree.get(&path), snapshot.get(&path), "missed {}", path);
        }
    }

    #[test]
    fn directories_known_from_before_change_no_answer(
        edits in prop::collection::vec((edits(), any::<bool>()), 1..5),
        damage in prop::option::weighted(0.2, any::<prop::sample::Index>()),
    ) {
        let repo = Sandbox::new();
        repo.write("a", "contents 0\n").write("deep/er/x.log", "contents 1\n").write("b/y", "").commit("base");
        let file = repo.path().join(".git/listings");
        let answers = |kept: bool| {
            let mut open = repo.open();
            if kept {
                open.keep_listings(file.clone());
            }
            let base = super::Side::Commit(open.head().unwrap().unwrap());
            open.differences(&base, &super::Side::WorkTree, 0).unwrap()
        };
        for (step, pause) in &edits {
            if *pause {
                // all that is there now is old enough to become known
                std::thread::sleep(std::time::Duration::from_millis(30));
                for _ in 0..2 {
                    answers(true);
                    std::thread::sleep(std::time::Duration::from_millis(30));
                }
            }
            for edit in step {
                apply(&repo, edit);
                prop_assert_eq!(answers(true), answers(false), "after {:?}", edit);
            }
            if let Some(at) = &damage {
                let mut bytes = std::fs::read(&file).unwrap();
                if !bytes.is_empty() {
                    let at = at.index(bytes.len());
                    bytes[at] ^= 0x41;
                    std::fs::write(&file, bytes).unwrap();
                }
                prop_assert_eq!(answers(true), answers(false));
            }
        }
    }
}

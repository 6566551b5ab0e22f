//! The working tree in all its states, each against what `git` itself says or plainly must be.

use std::path::Path;
use std::process::Command;

use crate::model::{ChangeKind, Mode, RepoPath};

use super::testing::{Sandbox, git_in, short};
use super::{Repo, RepoError, Side};

/// A repository with two files, committed, and the stat data older than the index.
fn two_files() -> Sandbox {
    let repo = Sandbox::new();
    repo.write("a.txt", "one\n")
        .write("dir/b.txt", "two\n")
        .commit("base");
    repo
}

#[test]
fn a_clean_tree_has_no_change() {
    assert!(two_files().status().is_empty());
}

#[test]
fn staged_unstaged_and_untracked_files_count_and_ignored_ones_do_not() {
    let repo = two_files();
    repo.write(".gitignore", "*.log\nbuild/\n").commit("ignore");
    repo.write("a.txt", "more\n")
        .write("staged.txt", "s\n")
        .write("new/deep/c.txt", "c\n")
        .write("x.log", "no")
        .write("build/out/x.o", "no");
    repo.git(&["add", "staged.txt"]);
    assert_eq!(
        repo.status(),
        ["M a.txt", "A new/deep/c.txt", "A staged.txt"]
    );
}

#[test]
fn an_edit_of_the_same_size_within_the_tick_of_the_index_is_seen() {
    let repo = two_files();
    for text in ["1ne\n", "2ne\n", "3ne\n"] {
        repo.write("a.txt", text);
        repo.git(&["add", "a.txt"]);
        repo.write("a.txt", "one\n");
        assert!(repo.status().is_empty());
        repo.write("a.txt", "xxx\n");
        assert_eq!(repo.status(), ["M a.txt"]);
    }
}

#[test]
fn a_touched_file_with_the_same_contents_has_not_changed() {
    let repo = two_files();
    std::thread::sleep(std::time::Duration::from_millis(30));
    repo.write("a.txt", "one\n");
    assert!(repo.status().is_empty());
}

#[test]
fn staged_and_then_undone_on_disk_is_no_change() {
    let repo = two_files();
    repo.write("a.txt", "other\n");
    repo.git(&["add", "a.txt"]);
    repo.write("a.txt", "one\n");
    assert!(repo.status().is_empty());
    repo.write("n", "x");
    repo.git(&["add", "n"]);
    repo.remove("n");
    assert!(repo.status().is_empty());
}

#[test]
fn deletions_are_seen_staged_and_not() {
    let repo = two_files();
    repo.remove("a.txt");
    repo.git(&["rm", "-q", "dir/b.txt"]);
    assert_eq!(repo.status(), ["D a.txt", "D dir/b.txt"]);
}

#[test]
fn removed_from_the_index_but_kept_on_disk_is_untracked_and_unchanged() {
    let repo = two_files();
    repo.git(&["rm", "-q", "--cached", "a.txt"]);
    assert!(repo.status().is_empty());
    repo.write("a.txt", "x");
    assert_eq!(repo.status(), ["M a.txt"]);
}

#[cfg(unix)]
#[test]
fn the_executable_bit_is_a_change_of_mode_where_it_counts() {
    use std::os::unix::fs::PermissionsExt;
    let repo = two_files();
    let file = repo.path().join("a.txt");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(repo.status(), ["T a.txt"]);
    repo.git(&["config", "core.fileMode", "false"]);
    assert!(repo.status().is_empty());
}

#[cfg(unix)]
#[test]
fn links_are_compared_by_target_and_kinds_are_told_apart() {
    let repo = two_files();
    let link = |to: &str, at: &str| std::os::unix::fs::symlink(to, repo.path().join(at)).unwrap();
    link("a.txt", "l");
    repo.commit("link");
    assert!(repo.status().is_empty());
    repo.remove("l");
    link("dir/b.txt", "l");
    repo.remove("a.txt");
    link("l", "a.txt");
    link("nowhere", "new");
    assert_eq!(repo.status(), ["M a.txt", "M l", "A new"]);
    let snapshot = repo.open().snapshot(&Side::WorkTree).unwrap();
    assert_eq!(
        snapshot.tree.find(&"a.txt".into()),
        Some("dir/b.txt".into())
    );
    assert_eq!(snapshot.read(&"new".into()).unwrap().unwrap(), b"nowhere");
}

#[cfg(unix)]
#[test]
fn a_link_checked_out_as_a_file_has_not_changed() {
    let repo = two_files();
    std::os::unix::fs::symlink("a.txt", repo.path().join("l")).unwrap();
    repo.commit("link");
    repo.git(&["config", "core.symlinks", "false"]);
    repo.remove("l").write("l", "a.txt");
    assert!(repo.status().is_empty());
    repo.write("l", "dir/b.txt");
    assert_eq!(repo.status(), ["M l"]);
}

#[cfg(unix)]
#[test]
fn a_directory_replaced_by_a_link_loses_its_files() {
    let repo = two_files();
    std::fs::rename(repo.path().join("dir"), repo.path().join("moved")).unwrap();
    std::os::unix::fs::symlink("moved", repo.path().join("dir")).unwrap();
    assert_eq!(repo.status(), ["A dir", "D dir/b.txt", "A moved/b.txt"]);
}

#[test]
fn files_and_directories_take_each_others_place() {
    let repo = two_files();
    repo.remove("a.txt").write("a.txt/inner", "x");
    repo.remove("dir/b.txt");
    std::fs::remove_dir(repo.path().join("dir")).unwrap();
    repo.write("dir", "now a file");
    let expected = ["D a.txt", "A a.txt/inner", "A dir", "D dir/b.txt"];
    assert_eq!(repo.status(), expected);
    let base = repo.open().resolve("HEAD").unwrap();
    let head = repo.commit("swapped");
    let change = repo
        .open()
        .quick_change(&Side::Commit(base), &Side::Commit(head))
        .unwrap();
    assert_eq!(short(&change), expected);
}

#[test]
fn odd_names_survive() {
    let repo = Sandbox::new();
    let names = [
        "with space",
        "new\nline",
        "quo\"te",
        "tab\t",
        "ünï",
        "-dash",
        "*star",
        "dir [x]/a?",
        " lead",
    ];
    for name in names {
        repo.write(name, "x");
    }
    repo.commit("odd");
    assert!(repo.status().is_empty());
    for name in names {
        repo.write(name, "y");
    }
    let mut expected: Vec<RepoPath> = names.iter().map(|name| RepoPath::from(*name)).collect();
    expected.sort();
    let found: Vec<RepoPath> = repo.dirty().paths.into_iter().map(|p| p.path).collect();
    assert_eq!(found, expected);
}

#[cfg(target_os = "linux")]
#[test]
fn names_that_are_not_utf8_survive() {
    use std::os::unix::ffi::OsStrExt;
    let repo = Sandbox::new();
    let name = std::ffi::OsStr::from_bytes(b"caf\xe9/\xff.txt");
    let file = repo.path().join(name);
    std::fs::create_dir(file.parent().unwrap()).unwrap();
    std::fs::write(&file, "x").unwrap();
    assert_eq!(repo.status(), ["A caf\\xe9/\\xff.txt"]);
    repo.commit("odd");
    assert!(repo.status().is_empty());
    std::fs::write(&file, "longer").unwrap();
    assert_eq!(repo.status(), ["M caf\\xe9/\\xff.txt"]);
    let path = RepoPath::new(b"caf\xe9/\xff.txt");
    let snapshot = repo.open().snapshot(&Side::WorkTree).unwrap();
    assert_eq!(snapshot.read(&path).unwrap().unwrap(), b"longer");
}

#[cfg(target_os = "linux")]
#[test]
fn a_rename_by_case_only_is_a_deletion_and_an_addition() {
    let repo = two_files();
    std::fs::rename(repo.path().join("a.txt"), repo.path().join("A.txt")).unwrap();
    assert_eq!(repo.status(), ["A A.txt", "D a.txt"]);
    repo.git(&["config", "core.ignoreCase", "true"]);
    assert!(
        repo.status().is_empty(),
        "one file where case does not count"
    );
}

#[test]
fn moves_and_copies_know_their_other_side() {
    let repo = two_files();
    let base = repo.open().resolve("HEAD").unwrap();
    repo.git(&["mv", "a.txt", "dir/a.txt"]);
    repo.write("copy.txt", "two\n");
    let head = repo.commit("moved");
    let open = repo.open();
    let full = super::change(
        &open.snapshot(&Side::Commit(base)).unwrap().tree,
        &open.snapshot(&Side::Commit(head)).unwrap().tree,
    );
    let sides: Vec<String> = full
        .paths
        .iter()
        .map(|p| format!("{} <-> {}", p.path, p.other_side.as_ref().unwrap()))
        .collect();
    assert_eq!(
        sides,
        [
            "a.txt <-> dir/a.txt",
            "copy.txt <-> dir/b.txt",
            "dir/a.txt <-> a.txt"
        ]
    );
    let quick = open
        .quick_change(&Side::Commit(base), &Side::Commit(head))
        .unwrap();
    assert_eq!(short(&quick), short(&full));
    assert_eq!(quick.paths[0].other_side, Some("dir/a.txt".into()));
}

#[test]
fn the_checkout_filter_for_line_endings_is_no_change() {
    for (config, attributes) in [
        ("true", ""),
        ("input", ""),
        ("false", "* text=auto\n"),
        ("false", "*.txt text eol=crlf\n"),
        ("false", "*.txt eol=crlf\n"),
        ("false", "*.txt crlf\n"),
    ] {
        let repo = Sandbox::new();
        repo.git(&["config", "core.safecrlf", "false"]);
        repo.write(".gitattributes", attributes)
            .write("a.txt", "one\ntwo\n")
            .commit("lf");
        repo.git(&["config", "core.autocrlf", config]);
        repo.write("a.txt", "one\r\ntwo\r\n")
            .write("new.txt", "n\r\n");
        assert_eq!(repo.status(), ["A new.txt"], "{config} {attributes:?}");
        let id = repo.git(&["hash-object", "--path=new.txt", "new.txt"]);
        let change = repo.dirty();
        let after = change.paths[0].after.as_ref().unwrap();
        assert_eq!(after.blob.to_string(), id.trim());
        repo.write("a.txt", "one\r\n2\r\n");
        assert_eq!(repo.status(), ["M a.txt", "A new.txt"]);
        let snapshot = repo.open().snapshot(&Side::WorkTree).unwrap();
        assert_eq!(
            snapshot.read(&"a.txt".into()).unwrap().unwrap(),
            b"one\n2\n"
        );
    }
}

#[test]
fn stored_carriage_returns_and_binary_files_are_left_alone() {
    let repo = Sandbox::new();
    repo.write("crlf.txt", "a\r\nb\r\n")
        .write("bin", b"\0\r\n\r\n")
        .commit("as is");
    repo.git(&["config", "core.autocrlf", "true"]);
    std::thread::sleep(std::time::Duration::from_millis(30));
    repo.write("crlf.txt", "a\r\nb\r\n")
        .write("bin", b"\0\r\n\r\n");
    assert!(repo.status().is_empty());
    repo.write("bin", b"\0\n\n");
    assert_eq!(repo.status(), ["M bin"]);
}

#[test]
fn a_text_that_was_stored_with_carriage_returns_keeps_them_when_it_is_edited() {
    let repo = Sandbox::new();
    repo.write("a/crlf.txt", "a\r\nb\r\n").commit("as is");
    repo.git(&["config", "core.autocrlf", "true"]);
    repo.write("a/crlf.txt", "a\r\nc\r\n")
        .write("new.txt", "a\r\nc\r\n");
    assert_eq!(repo.status(), ["M a/crlf.txt", "A new.txt"]);
    let snapshot = repo.open().snapshot(&Side::WorkTree).unwrap();
    let read = |path: &str| snapshot.read(&path.into()).unwrap().unwrap();
    assert_eq!(read("a/crlf.txt"), b"a\r\nc\r\n");
    assert_eq!(read("new.txt"), b"a\nc\n");
}

#[test]
fn attribute_files_that_are_tracked_and_not_on_disk_count() {
    let repo = Sandbox::new();
    repo.git(&["config", "core.safecrlf", "false"]);
    repo.write("a/.gitattributes", "*.txt text\n")
        .write("a/b/x.txt", "one\n")
        .write("c/x.txt", "one\n")
        .commit("attributes");
    std::fs::remove_file(repo.path().join("a/.gitattributes")).unwrap();
    repo.write("a/b/x.txt", "one\r\n")
        .write("c/x.txt", "one\r\n");
    assert_eq!(repo.status(), ["D a/.gitattributes", "M c/x.txt"]);
}

#[test]
fn an_expanded_ident_is_no_change() {
    let repo = Sandbox::new();
    repo.write(".gitattributes", "*.c ident\n")
        .write("a.c", "// $Id$\n")
        .commit("ident");
    repo.write("a.c", "// $Id: 0123456789 $\n");
    assert!(repo.status().is_empty());
    repo.write("a.c", "/* $Id: 0123456789 $\n");
    assert_eq!(repo.status(), ["M a.c"]);
}

#[test]
fn the_data_behind_an_lfs_pointer_is_no_change() {
    use sha2::Digest;
    let data = b"large data";
    let digest: String = sha2::Sha256::digest(data)
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    let pointer = format!(
        "version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize {}\n",
        data.len()
    );
    let repo = Sandbox::new();
    repo.write("d.bin", &pointer).commit("pointer");
    repo.write(
        ".gitattributes",
        "*.bin filter=lfs diff=lfs merge=lfs -text\n",
    )
    .commit("attributes");
    assert!(repo.status().is_empty(), "the pointer itself");
    repo.write("d.bin", data);
    assert!(repo.status().is_empty(), "the data");
    repo.write("d.bin", "other data").write("new.bin", data);
    assert_eq!(repo.status(), ["M d.bin", "A new.bin"]);
    let snapshot = repo.open().snapshot(&Side::WorkTree).unwrap();
    assert_eq!(
        snapshot.read(&"new.bin".into()).unwrap().unwrap(),
        pointer.as_bytes()
    );
}

#[test]
fn a_file_of_an_external_filter_counts_as_changed_only_once_it_is_touched() {
    let repo = Sandbox::new();
    repo.git(&["config", "filter.up.clean", "tr a-z A-Z"]);
    repo.git(&["config", "filter.up.smudge", "tr A-Z a-z"]);
    repo.write(".gitattributes", "*.up filter=up\n")
        .write("f.up", "text\n");
    std::thread::sleep(std::time::Duration::from_millis(40));
    repo.commit("filtered");
    assert!(repo.status().is_empty());
    std::thread::sleep(std::time::Duration::from_millis(40));
    repo.write("f.up", "text\n");
    assert_eq!(repo.status(), ["M f.up"]);
}

#[test]
fn conflicts_count_with_what_is_on_disk() {
    let repo = two_files();
    repo.git(&["checkout", "-q", "-b", "other"]);
    repo.write("a.txt", "theirs\n").commit("theirs");
    repo.git(&["checkout", "-q", "main"]);
    repo.write("a.txt", "ours\n").commit("ours");
    let merge = Command::new("git")
        .current_dir(repo.path())
        .args(["merge", "-q", "other"])
        .output();
    assert!(!merge.unwrap().status.success());
    assert_eq!(repo.status(), ["M a.txt"]);
    let error = repo.open().snapshot(&Side::Index).unwrap_err();
    assert!(matches!(&error, RepoError::Unmerged { path } if *path == "a.txt".into()));
}

#[test]
fn only_intended_to_be_added_counts_as_on_disk() {
    let repo = two_files();
    repo.write("n", "x");
    repo.git(&["add", "-N", "n"]);
    assert_eq!(repo.status(), ["A n"]);
    let open = repo.open();
    let head = Side::Commit(open.head().unwrap().unwrap());
    assert!(open.quick_change(&head, &Side::Index).unwrap().is_empty());
}

#[test]
fn what_a_sparse_checkout_leaves_out_is_not_deleted() {
    for index in ["--no-sparse-index", "--sparse-index"] {
        let repo = two_files();
        repo.write("keep/k", "k")
            .write("out/deep/o", "o")
            .write("out/p", "p")
            .commit("more");
        repo.git(&["sparse-checkout", "init", "--cone", index]);
        repo.git(&["sparse-checkout", "set", "keep"]);
        assert!(!repo.path().join("out/p").exists());
        assert!(repo.status().is_empty(), "{index}");
        repo.write("out/p", "changed")
            .write("keep/k", "2")
            .write("out/new", "n");
        assert_eq!(
            repo.status(),
            ["M keep/k", "A out/new", "M out/p"],
            "{index}"
        );
        let open = repo.open();
        let head = Side::Commit(open.head().unwrap().unwrap());
        assert!(open.quick_change(&head, &Side::Index).unwrap().is_empty());
    }
}

#[test]
fn assumed_unchanged_is_not_believed() {
    let repo = two_files();
    repo.git(&["update-index", "--assume-unchanged", "a.txt"]);
    assert!(repo.status().is_empty());
    repo.write("a.txt", "changed\n");
    assert_eq!(repo.status(), ["M a.txt"]);
}

#[test]
fn submodules_count_by_pointer_and_by_what_is_checked_out() {
    let inner = two_files();
    let repo = two_files();
    repo.git(&[
        "submodule",
        "add",
        "-q",
        inner.path().to_str().unwrap(),
        "sub",
    ]);
    repo.commit("submodule");
    assert!(repo.status().is_empty());
    let sub = repo.path().join("sub");
    std::fs::write(sub.join("a.txt"), "dirty").unwrap();
    assert_eq!(repo.status(), ["M sub"], "edited inside");
    git_in(&sub, &["commit", "-q", "-a", "-m", "inside"]);
    assert_eq!(repo.status(), ["M sub"], "moved on");
    let change = repo.dirty();
    assert_eq!(
        change.paths[0].after.as_ref().unwrap().mode,
        Mode::Submodule
    );
    repo.commit("pointer");
    assert!(repo.status().is_empty());
    repo.git(&["submodule", "deinit", "-q", "-f", "sub"]);
    assert!(repo.status().is_empty(), "not checked out");
    std::fs::remove_dir(&sub).unwrap();
    assert_eq!(repo.status(), ["D sub"]);
}

#[test]
fn a_nested_repository_is_one_path() {
    let repo = two_files();
    let nested = repo.path().join("vendor/nested");
    std::fs::create_dir_all(&nested).unwrap();
    git_in(&nested, &["init", "-q"]);
    std::fs::write(nested.join("f"), "x").unwrap();
    assert_eq!(repo.status(), ["A vendor/nested"]);
    assert_eq!(
        Repo::open(&nested).unwrap().work_dir().unwrap(),
        nested.as_path()
    );
    let top = Repo::open(&repo.path().join("dir")).unwrap();
    assert_eq!(top.work_dir().unwrap(), repo.path());
}

#[cfg(unix)]
#[test]
fn pipes_and_sockets_are_no_files_and_nothing_waits_for_them() {
    let repo = two_files();
    for (path, tracked) in [("pipe", false), ("a.txt", true)] {
        if tracked {
            repo.remove(path);
        }
        let made = Command::new("mkfifo").arg(repo.path().join(path)).status();
        assert!(made.unwrap().success());
    }
    let _socket = std::os::unix::net::UnixListener::bind(repo.path().join("sock")).unwrap();
    assert_eq!(repo.status(), ["D a.txt"]);
}

#[cfg(unix)]
#[test]
fn a_file_that_may_not_be_read_counts_as_changed() {
    use std::os::unix::fs::PermissionsExt;
    let repo = two_files();
    repo.write("a.txt", "other");
    let file = repo.path().join("a.txt");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o000)).unwrap();
    if std::fs::read(&file).is_ok() {
        return; // The superuser may read anything.
    }
    assert_eq!(repo.status(), ["M a.txt"]);
    let snapshot = repo.open().snapshot(&Side::WorkTree).unwrap();
    let error = snapshot.read(&"a.txt".into()).unwrap_err();
    assert!(matches!(error, RepoError::Unreadable { .. }));
}

#[test]
fn a_file_that_changes_while_it_is_read_is_told() {
    let repo = two_files();
    repo.write("a.txt", "first");
    let snapshot = repo.open().snapshot(&Side::WorkTree).unwrap();
    assert_eq!(snapshot.read(&"a.txt".into()).unwrap().unwrap(), b"first");
    repo.write("a.txt", "second");
    let error = snapshot.read(&"a.txt".into()).unwrap_err();
    assert_eq!(error.to_string(), "`a.txt` changed while it was read");
}

#[test]
fn before_the_first_commit_everything_is_new() {
    let repo = Sandbox::new();
    repo.write("a", "x").write("b", "y");
    repo.git(&["add", "a"]);
    assert_eq!(repo.status(), ["A a", "A b"]);
    let base = repo.open().default_base(None, None).unwrap();
    assert_eq!(base.commit, None);
}

#[test]
fn a_linked_working_tree_has_its_own_head_and_index() {
    let repo = two_files();
    let linked = Sandbox::bare_dir();
    let place = linked.path().join("wt");
    repo.git(&[
        "worktree",
        "add",
        "-q",
        "-b",
        "side",
        place.to_str().unwrap(),
    ]);
    std::fs::write(place.join("a.txt"), "side").unwrap();
    let open = Repo::open(&place.join("dir")).unwrap();
    assert_eq!(open.work_dir().unwrap(), place.as_path());
    let head = Side::Commit(open.head().unwrap().unwrap());
    assert_eq!(
        short(&open.quick_change(&head, &Side::WorkTree).unwrap()),
        ["M a.txt"]
    );
    assert!(repo.status().is_empty());
}

#[test]
fn a_bare_repository_compares_commits_and_has_no_working_tree() {
    let repo = two_files();
    let base = repo.open().resolve("HEAD").unwrap();
    let head = repo.write("a.txt", "2").commit("two");
    let dir = Sandbox::bare_dir();
    repo.git(&[
        "clone",
        "-q",
        "--bare",
        ".",
        dir.path().join("x.git").to_str().unwrap(),
    ]);
    let bare = Repo::open(&dir.path().join("x.git")).unwrap();
    assert_eq!(bare.work_dir(), None);
    let change = bare
        .quick_change(&Side::Commit(base), &Side::Commit(head))
        .unwrap();
    assert_eq!(short(&change), ["M a.txt"]);
    assert_eq!(change.paths[0].kind(), ChangeKind::Modified);
    let error = bare.snapshot(&Side::WorkTree).unwrap_err();
    assert!(matches!(error, RepoError::Bare { .. }));
}

#[test]
fn blobs_are_read_from_many_threads() {
    let repo = Sandbox::new();
    for n in 0..50 {
        repo.write(&format!("f{n}"), format!("contents {n}"));
    }
    let head = repo.commit("many");
    let snapshot = repo.open().snapshot(&Side::Commit(head)).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for n in 0..50 {
                    let path = RepoPath::from(format!("f{n}").as_str());
                    let bytes = snapshot.read(&path).unwrap().unwrap();
                    assert_eq!(bytes, format!("contents {n}").as_bytes());
                }
            });
        }
    });
}

#[test]
fn what_cannot_be_opened_is_told_with_a_way_out() {
    let none = Sandbox::bare_dir();
    let error = Repo::open(none.path()).unwrap_err();
    assert!(matches!(error, RepoError::NotFound { .. }), "{error}");
    git_in(none.path(), &["init", "-q", "--object-format=sha256"]);
    let error = Repo::open(none.path()).unwrap_err();
    assert!(error.to_string().contains("SHA-256"), "{error} {error:?}");

    let split = two_files();
    split.git(&["update-index", "--split-index"]);
    let error = split.open().snapshot(&Side::WorkTree).unwrap_err();
    assert!(error.to_string().contains("split index"), "{error}");
    assert!(error.hint().unwrap().contains("--no-split-index"));
}

#[test]
fn damaged_and_missing_objects_name_path_and_object() {
    let repo = two_files();
    let head = repo.open().resolve("HEAD").unwrap();
    let id = repo.git(&["rev-parse", "HEAD:dir/b.txt"]);
    let id = id.trim();
    let object = repo
        .path()
        .join(".git/objects")
        .join(&id[..2])
        .join(&id[2..]);
    let snapshot = repo.open().snapshot(&Side::Commit(head)).unwrap();
    remove_hard(&object);
    std::fs::write(&object, b"garbage").unwrap();
    // the working tree has the same contents, under the same id
    let path = repo.path().join("dir/b.txt");
    let contents = std::fs::read(&path).unwrap();
    assert_eq!(snapshot.read(&"dir/b.txt".into()).unwrap(), Some(contents));
    std::fs::write(&path, b"something else").unwrap();
    let error = snapshot.read(&"dir/b.txt".into()).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("object {id} (`dir/b.txt`) is damaged")
    );
    remove_hard(&object);
    let error = snapshot.read(&"dir/b.txt".into()).unwrap_err();
    assert!(matches!(
        error,
        RepoError::Missing {
            promised_by: None,
            ..
        }
    ));

    let tree = repo.git(&["rev-parse", "HEAD:dir"]);
    let tree = tree.trim();
    remove_hard(
        &repo
            .path()
            .join(".git/objects")
            .join(&tree[..2])
            .join(&tree[2..]),
    );
    let error = repo.open().snapshot(&Side::Commit(head)).unwrap_err();
    assert!(
        error.to_string().contains(tree) && error.to_string().contains("`dir"),
        "{error}"
    );
}

fn remove_hard(path: &Path) {
    std::fs::remove_file(path).unwrap();
}

#[test]
fn a_damaged_index_is_told_and_never_a_panic() {
    let repo = two_files();
    let file = repo.path().join(".git/index");
    let whole = std::fs::read(&file).unwrap();
    for len in 0..whole.len() {
        let _ = super::index::Index::parse(&whole[..len]);
        let mut broken = whole.clone();
        broken[len] ^= 0x5a;
        let _ = super::index::Index::parse(&broken);
    }
    std::fs::write(&file, &whole[..100]).unwrap();
    let error = repo.open().snapshot(&Side::WorkTree).unwrap_err();
    assert!(matches!(error, RepoError::DamagedIndex { .. }), "{error}");
}

#[test]
fn a_partial_clone_opens_and_names_the_remote_that_has_the_object() {
    let origin = two_files();
    origin.git(&["config", "uploadpack.allowFilter", "true"]);
    let dir = Sandbox::bare_dir();
    let url = format!("file://{}", origin.path().display());
    git_in(
        dir.path(),
        &[
            "clone",
            "-q",
            "--no-checkout",
            "--filter=blob:none",
            &url,
            "c",
        ],
    );
    let open = Repo::open(&dir.path().join("c")).unwrap();
    let head = open.head().unwrap().unwrap();
    let snapshot = open.snapshot(&Side::Commit(head)).unwrap();
    let error = snapshot.read(&"a.txt".into()).unwrap_err();
    assert!(
        matches!(&error, RepoError::Missing { promised_by: Some(remote), .. } if remote == "origin"),
        "{error:?}"
    );
    git_in(
        &dir.path().join("c"),
        &["config", "core.repositoryFormatVersion", "1"],
    );
    git_in(
        &dir.path().join("c"),
        &["config", "extensions.partialClone", "origin"],
    );
    let error = Repo::open(&dir.path().join("c")).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("uses the extension partialclone, which is not supported")
    );
    assert!(error.hint().unwrap().contains("promisor"));
}

#[test]
fn indexes_of_every_version_read_the_same() {
    for version in ["2", "3", "4"] {
        let repo = two_files();
        repo.write("dir/b2.txt", "b")
            .write("dir/sub/x", "x")
            .write("dir-x", "y")
            .commit("more");
        repo.git(&["update-index", "--index-version", version]);
        assert!(repo.status().is_empty(), "version {version}");
        repo.write("dir/sub/x", "new").remove("dir/b2.txt");
        assert_eq!(repo.status(), ["D dir/b2.txt", "M dir/sub/x"]);
    }
}

//! What a history survives: being killed, a full disk, damage, strangers, newer versions, many writers.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tia::history::{Access, Added, History, HistoryError, Query};
use tia::model::{Failure, Part, RunContext, Seconds, Status, TestId, TestResult, Timestamp};

const NOW: Timestamp = Timestamp(1_700_000_000_000);
/// Names the store that a child of this test is to fill.
const CHILD: &str = "TIA_TEST_HISTORY_CHILD";
const PARTS: usize = 400;

fn part(writer: usize, number: usize, tests: usize) -> Part {
    let results = (0..tests).map(|at| {
        let test = TestId::of(&format!("class{}", at / 50), &format!("test{at}"));
        let bad = (at * 31 + number * 17).is_multiple_of(97);
        let status = if bad { Status::Failed } else { Status::Passed };
        let mut result = TestResult::new(test, status, Seconds::new((at % 50) as f64 / 100.0));
        if bad {
            result.failures.push(Failure {
                kind: "AssertionError".to_owned(),
                message: format!("{number} is not {at}"),
                stack: format!("at line {at}\n").repeat(40),
            });
        }
        result
    });
    Part {
        results: results.collect(),
        in_order: true,
        complete: true,
        context: RunContext {
            branch: Some("main".to_owned()),
            job: Some(format!("writer{writer}")),
            run_id: Some(format!("{number}")),
            ..RunContext::default()
        },
        ..Part::default()
    }
}

fn fill(path: &Path, writer: usize, parts: usize, tests: usize) -> Result<usize, HistoryError> {
    let mut history = History::open(path, Access::Write)?;
    let mut new = 0;
    for number in 0..parts {
        let added = history.add_part(&part(writer, number, tests), NOW)?;
        new += usize::from(matches!(added, Added::New(_)));
    }
    Ok(new)
}

/// Every part is whole, and nothing is wrong. Returns how many there are.
fn whole(path: &Path, tests: u64) -> usize {
    let history = History::open(path, Access::Read).unwrap();
    assert_eq!(history.check().unwrap(), []);
    let parts = history.parts(&Query::default()).unwrap();
    assert!(parts.iter().all(|part| u64::from(part.ran) == tests));
    parts.len()
}

/// Not a test of its own: what the children of the tests below do.
#[test]
fn child() {
    if let Some(told) = std::env::var_os(CHILD) {
        let told = told.into_string().unwrap();
        let (writer, path) = told.split_once(':').unwrap();
        fill(Path::new(path), writer.parse().unwrap(), PARTS, 300).unwrap();
    }
}

fn spawn(path: &Path, writer: usize) -> std::process::Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture"])
        .env(CHILD, format!("{writer}:{}", path.display()))
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap()
}

fn kill_at_moments(moments: u64) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("history.db");
    let (mut seed, mut before, mut cut) = (1_u64, 0, 0);
    for moment in 0..moments {
        let mut child = spawn(&path, 0);
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        std::thread::sleep(Duration::from_micros(1_000 + (seed >> 33) % 60_000));
        cut += u64::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
        if !path.exists() || std::fs::metadata(&path).unwrap().len() == 0 {
            continue;
        }
        let history = History::open(&path, Access::Write).unwrap();
        drop(history);
        let parts = whole(&path, 300);
        assert!(
            parts >= before,
            "moment {moment}: {before} parts became {parts}"
        );
        before = parts;
        if parts == PARTS {
            // all is stored: begin again, so that later moments hit the beginning, too
            std::fs::remove_file(&path).unwrap();
            before = 0;
        }
    }
    assert!(cut > moments / 2, "only {cut} children were caught at work");
    fill(&path, 0, PARTS, 300).unwrap();
    assert_eq!(whole(&path, 300), PARTS);
}

#[test]
fn a_killed_writer_leaves_whole_parts_and_the_rest_can_follow() {
    kill_at_moments(12);
}

#[test]
#[ignore = "takes half a minute; the short form runs always"]
fn a_writer_may_be_killed_at_two_hundred_moments() {
    kill_at_moments(200);
}

fn many_writers(writers: usize) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("history.db");
    let mut children: Vec<_> = (0..writers).map(|writer| spawn(&path, writer)).collect();
    for child in &mut children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(whole(&path, 300), writers * PARTS);
}

#[test]
fn two_writers_take_turns() {
    many_writers(2);
}

#[test]
fn eight_writers_take_turns() {
    many_writers(8);
}

#[test]
fn readers_see_the_last_whole_state_while_somebody_writes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("history.db");
    fill(&path, 0, 2, 300).unwrap();
    let mut writing = History::open(&path, Access::Write).unwrap();
    let part = part(1, 0, 300);
    let mut writer = writing.begin(true).unwrap();
    writer.add(&part.results).unwrap();
    assert_eq!(whole(&path, 300), 2);
    writer.finish(&part, NOW).unwrap();
    assert_eq!(whole(&path, 300), 3);
}

fn strange(make: impl FnOnce(&Path)) -> (PathBuf, tempfile::TempDir, Vec<u8>) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("history.db");
    make(&path);
    let bytes = std::fs::read(&path).unwrap();
    (path, dir, bytes)
}

#[test]
fn files_of_others_are_refused_and_left_as_they_are() {
    let text = strange(|path| std::fs::write(path, "no database\n".repeat(1000)).unwrap());
    let other = strange(|path| {
        let conn = rusqlite::Connection::open(path).unwrap();
        conn.execute_batch("CREATE TABLE part (id); INSERT INTO part VALUES (1)")
            .unwrap();
    });
    for (path, _dir, bytes) in [text, other] {
        for access in [Access::Read, Access::Write] {
            let error = History::open(&path, access).err().unwrap();
            assert!(matches!(error, HistoryError::Foreign { .. }), "{error:?}");
        }
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
    }
}

#[test]
fn a_newer_store_is_read_where_it_allows_it_and_never_written() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("history.db");
    fill(&path, 0, 1, 10).unwrap();
    let set = |sql: &str| {
        rusqlite::Connection::open(&path)
            .unwrap()
            .execute_batch(sql)
            .unwrap()
    };
    set("PRAGMA user_version = 99");
    assert!(matches!(
        History::open(&path, Access::Write),
        Err(HistoryError::Newer { found: 99, .. })
    ));
    assert_eq!(whole(&path, 10), 1);
    set("UPDATE meta SET value = 98 WHERE name = 'readable_by'");
    let bytes = std::fs::read(&path).unwrap();
    for access in [Access::Read, Access::Write] {
        assert!(matches!(
            History::open(&path, access),
            Err(HistoryError::Newer { .. })
        ));
    }
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
}

#[test]
fn a_full_store_refuses_a_part_and_keeps_the_others() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("history.db");
    let mut history = History::open(&path, Access::Write).unwrap();
    history.add_part(&part(0, 0, 300), NOW).unwrap();
    history.limit_pages(60).unwrap();
    let refused = (1..1000).find_map(|number| history.add_part(&part(0, number, 300), NOW).err());
    assert!(
        matches!(refused, Some(HistoryError::Full(_))),
        "{refused:?}"
    );
    history.limit_pages(1 << 30).unwrap();
    let before = whole(&path, 300);
    assert!(before >= 1);
    history.add_part(&part(0, 5000, 300), NOW).unwrap();
    drop(history);
    let new = fill(&path, 0, 300, 300).unwrap();
    assert!(new > 0, "nothing was refused");
    assert_eq!(whole(&path, 300), before + 1 + new);
}

#[cfg(unix)]
#[test]
fn a_file_that_may_not_grow_is_a_full_store() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("history.db");
    let limited = Command::new("sh")
        .args([
            "-c",
            "ulimit -f 600; trap '' XFSZ; exec \"$0\" --exact child",
        ])
        .arg(std::env::current_exe().unwrap())
        .env(CHILD, format!("0:{}", path.display()))
        .output()
        .unwrap();
    assert!(!limited.status.success());
    let said = String::from_utf8_lossy(&limited.stdout).into_owned()
        + &String::from_utf8_lossy(&limited.stderr);
    assert!(said.contains("Full("), "{said}");
    assert!(whole(&path, 300) < PARTS);
    fill(&path, 0, PARTS, 300).unwrap();
    assert_eq!(whole(&path, 300), PARTS);
}

#[test]
fn a_damaged_page_is_found_and_the_other_parts_can_be_carried_over() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("history.db");
    fill(&path, 0, 60, 300).unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    // inside a block of some part: found by content, so that it is one for sure
    let blob: Vec<u8> = rusqlite::Connection::open(&path)
        .unwrap()
        .query_row("SELECT block FROM chunk WHERE id = 30 * 65536", [], |row| {
            row.get(0)
        })
        .unwrap();
    let at = bytes
        .windows(blob.len())
        .position(|window| window == blob)
        .unwrap();
    bytes[at + 10..at + 20]
        .iter_mut()
        .for_each(|byte| *byte ^= 0x55);
    std::fs::write(&path, &bytes).unwrap();
    let history = History::open(&path, Access::Read).unwrap();
    let problems = history.check().unwrap();
    assert!(
        problems.iter().any(|p| p.what.contains("part 30")),
        "{problems:?}"
    );
    drop(history);
    let fresh = dir.path().join("fresh.db");
    let mut rescued = History::open(&fresh, Access::Write).unwrap();
    let merged = rescued.merge(&path).unwrap();
    assert_eq!(merged.new, 59);
    assert!(merged.unreadable[0].starts_with("part 30: "), "{merged:?}");
    drop(rescued);
    assert_eq!(whole(&fresh, 300), 59);
    assert_eq!(fill(&fresh, 0, 60, 300).unwrap(), 1);
}

#[cfg(unix)]
#[test]
fn a_read_only_file_is_read_and_not_written() {
    use std::os::unix::fs::PermissionsExt;

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("history.db");
    fill(&path, 0, 3, 300).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o444)).unwrap();
    assert_eq!(whole(&path, 300), 3);
    let mut history = History::open(&path, Access::Read).unwrap();
    let refused = history.add_part(&part(0, 7, 300), NOW).unwrap_err();
    assert!(matches!(refused, HistoryError::ReadOnly), "{refused:?}");
}

#[test]
fn a_clock_that_goes_back_costs_nothing() {
    let mut history = History::in_memory().unwrap();
    for (number, now) in [5_000, 3_000, -7_000].into_iter().enumerate() {
        history
            .add_part(&part(0, number, 10), Timestamp(now))
            .unwrap();
    }
    let starts: Vec<i64> = history
        .parts(&Query::default())
        .unwrap()
        .iter()
        .map(|part| part.start.0)
        .collect();
    assert_eq!(starts, [-7_000, 3_000, 5_000]);
    assert_eq!(history.check().unwrap(), []);
}

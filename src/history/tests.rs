//! The history as a whole.

use proptest::prelude::*;

use super::testing::{part, run_of, settled};
use super::*;
use crate::model::{Part, Seen, Status, TestId};

const NOW: Timestamp = Timestamp(1_700_000_000_000);

fn outcomes(history: &History, test: usize) -> String {
    let test = TestId::of("suite", &format!("test{test}"));
    let line = history.line(&test, &Query::default()).unwrap();
    line.iter()
        .map(|(_, _, seen)| {
            if seen.is_flaky() {
                'f'
            } else {
                seen.status.letter()
            }
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_part_comes_back_as_it_was(parts in proptest::collection::vec(part(), 1..5)) {
        let mut history = History::in_memory().unwrap();
        for part in parts {
            let added = history.add_part(&part, NOW).unwrap();
            let Added::New(id) = added else { continue };
            let back = history.part(id).unwrap();
            prop_assert_eq!(settled(back.part), settled(part));
        }
    }

    #[test]
    fn lines_and_series_say_what_the_parts_say(parts in proptest::collection::vec(part(), 1..8)) {
        let mut history = History::in_memory().unwrap();
        for part in &parts {
            history.add_part(part, NOW).unwrap();
        }
        let query = Query::default();
        let past = history.parts(&query).unwrap();
        let mut expected = Vec::new();
        for (index, past) in (0..).zip(&past) {
            for result in history.part(past.part).unwrap().part.results {
                let variant = result.variant.as_deref().cloned().unwrap_or_default();
                let bad = result.bad_attempts() as u8;
                expected.push((result.test, variant, index, result.status, bad, LogSeconds::of(result.duration)));
            }
        }
        expected.sort_by(|a, b| (&a.0, &a.1, a.2).cmp(&(&b.0, &b.1, b.2)));
        let mut seen = Vec::new();
        history.series(&past, &mut |series| {
            seen.extend(series.seen.iter().map(|seen| {
                (series.test.clone(), series.variant.clone(), seen.part, seen.status, seen.bad_attempts, seen.duration)
            }));
        }).unwrap();
        seen.sort_by(|a, b| (&a.0, &a.1, a.2).cmp(&(&b.0, &b.1, b.2)));
        prop_assert_eq!(&seen, &expected);

        let mut lines = Vec::new();
        for test in history.tests().unwrap() {
            for (part, variant, seen) in history.line(&test, &query).unwrap() {
                prop_assert_eq!(past[seen.part as usize].part, part);
                lines.push((test.clone(), variant, seen.part, seen.status, seen.bad_attempts, seen.duration));
            }
        }
        lines.sort_by(|a, b| (&a.0, &a.1, a.2).cmp(&(&b.0, &b.1, b.2)));
        prop_assert_eq!(&lines, &expected);
    }

    #[test]
    fn sifting_says_what_the_series_say(parts in proptest::collection::vec(part(), 1..8), old in 0usize..8, new in 0usize..8) {
        let mut history = History::in_memory().unwrap();
        for part in &parts {
            history.add_part(part, NOW).unwrap();
        }
        let tests = history.tests().unwrap();
        if let (Some(old), Some(new)) = (tests.get(old), tests.get(new)) {
            let _ = history.rename(old, new);
        }
        let past = history.parts(&Query::default()).unwrap();
        let mut expected = Sifted { passed: vec![0; past.len()], ..Sifted::default() };
        history.series(&past, &mut |series| {
            let bad = |seen: &Seen| seen.status.is_bad() || seen.bad_attempts > 0;
            let ran: Vec<&Seen> = series.seen.iter().filter(|seen| seen.status.is_run()).collect();
            for seen in ran.iter().filter(|seen| !bad(seen)) {
                expected.passed[seen.part as usize] += 1;
            }
            expected.ran.push(ran.len() as u32);
            expected.tests.push((series.test.clone(), series.variant.clone()));
            if series.seen.iter().any(bad) {
                expected.failing.push((expected.tests.len() as u32 - 1, series));
            }
        }).unwrap();
        prop_assert_eq!(history.sift(&past).unwrap(), expected);
    }

    #[test]
    fn windows_and_batches_store_what_one_piece_stores(part in part(), width in 1usize..8) {
        let mut one = History::in_memory().unwrap();
        let mut windows = History::in_memory().unwrap();
        let mut batch = History::in_memory().unwrap();
        let whole = one.add_part(&part, NOW).unwrap().part();
        let mut writer = windows.begin(part.in_order).unwrap();
        for window in part.results.chunks(width) {
            writer.add(window).unwrap();
        }
        let by_window = writer.finish(&part, NOW).unwrap().part();
        let batched = batch.add_parts(std::slice::from_ref(&part), NOW).remove(0).unwrap().part();
        let part = settled(part);
        for (history, id) in [(one, whole), (windows, by_window), (batch, batched)] {
            prop_assert_eq!(&settled(history.part(id).unwrap().part), &part);
        }
    }
}

#[test]
fn a_test_has_its_line_of_outcomes() {
    let mut history = History::in_memory().unwrap();
    for (day, letters) in ["PPFS", "PfF", "PFP", "PPPP"].iter().enumerate() {
        history.add_part(&run_of(letters, day as i64), NOW).unwrap();
    }
    assert_eq!(outcomes(&history, 1), "PfFP");
    assert_eq!(outcomes(&history, 3), "SP");
    let parts = history.parts(&Query::default()).unwrap();
    let counts: Vec<_> = parts.iter().map(|p| (p.ran, p.bad, p.flaky)).collect();
    assert_eq!(counts, [(3, 1, 0), (3, 1, 1), (3, 1, 0), (4, 0, 0)]);
}

#[test]
fn the_same_reports_change_nothing() {
    let mut history = History::in_memory().unwrap();
    let mut part = run_of("PFS", 1);
    part.sources = vec![crate::model::Source {
        name: "a.xml".to_owned(),
        contents: Fingerprint::of(b"a"),
        bytes: 1,
    }];
    let first = history.add_part(&part, NOW).unwrap();
    part.context.branch = Some("told otherwise".to_owned());
    let again = history.add_part(&part, NOW).unwrap();
    assert_eq!(again, Added::Known(first.part()));
    assert_eq!(
        history
            .known(&[Fingerprint::of(b"a"), Fingerprint::of(b"b")])
            .unwrap(),
        [Some(first.part()), None]
    );
    assert_eq!(history.stats().unwrap().parts, 1);
}

#[test]
fn a_part_that_names_a_test_twice_is_refused_and_costs_the_others_nothing() {
    let mut history = History::in_memory().unwrap();
    let good = run_of("PF", 1);
    let mut bad = run_of("PP", 2);
    bad.results.push(bad.results[0].clone());
    let done = history.add_parts(&[good.clone(), bad.clone(), run_of("PPP", 3)], NOW);
    assert!(matches!(done[0], Ok(Added::New(_))) && matches!(done[2], Ok(Added::New(_))));
    assert!(
        matches!(&done[1], Err(HistoryError::Twice(test)) if test == "suite::test0"),
        "{done:?}"
    );
    let mut writer = history.begin(true).unwrap();
    writer.add(&good.results).unwrap();
    assert!(matches!(
        writer.add(&good.results[1..]),
        Err(HistoryError::Twice(_))
    ));
    drop(writer);
    assert_eq!(outcomes(&history, 0), "PP");
}

#[test]
fn an_unfinished_part_was_never_there() {
    let mut history = History::in_memory().unwrap();
    let part = run_of("PF", 1);
    let mut writer = history.begin(true).unwrap();
    writer.add(&part.results).unwrap();
    drop(writer);
    let stats = history.stats().unwrap();
    assert_eq!((stats.parts, stats.tests), (0, 0));
    history.add_part(&part, NOW).unwrap();
    assert_eq!(outcomes(&history, 1), "F");
}

#[test]
fn a_renamed_test_keeps_its_past_and_gives_it_back() {
    let mut history = History::in_memory().unwrap();
    history.add_part(&run_of("PF", 1), NOW).unwrap();
    history.add_part(&run_of("P.P", 2), NOW).unwrap();
    let (old, new) = (TestId::of("suite", "test1"), TestId::of("suite", "test2"));
    history.rename(&old, &new).unwrap();
    assert_eq!(outcomes(&history, 2), "FP");
    assert_eq!(outcomes(&history, 1), "FP");
    let parts = history.parts(&Query::default()).unwrap();
    let mut names = Vec::new();
    history
        .series(&parts, &mut |series| {
            names.push((series.test.name().to_owned(), series.seen.len()))
        })
        .unwrap();
    assert_eq!(names, [("test0".to_owned(), 2), ("test2".to_owned(), 2)]);
    assert!(matches!(
        history.rename(&new, &old),
        Err(HistoryError::Circle { .. })
    ));
    assert_eq!(history.renames().unwrap(), [(old.clone(), new)]);
    assert!(history.unrename(&old).unwrap() && !history.unrename(&old).unwrap());
    assert_eq!(outcomes(&history, 1), "F");
}

#[test]
fn people_find_tests_by_what_they_type() {
    let mut history = History::in_memory().unwrap();
    history.add_part(&run_of("PPPPPPPPPPPP", 1), NOW).unwrap();
    let names = |text: &str| -> Vec<String> {
        let found = history.find(text).unwrap();
        found.iter().map(|test| test.name().to_owned()).collect()
    };
    assert_eq!(names("suite::test1"), ["test1"]);
    assert_eq!(names("suite.test1"), ["test1"]);
    assert_eq!(names("test1"), ["test1"]);
    assert_eq!(names("st1"), ["test1", "test10", "test11"]);
    assert_eq!(names("nothing"), [""; 0]);
}

#[test]
fn failures_come_with_their_texts() {
    let mut history = History::in_memory().unwrap();
    history.add_part(&run_of("FPF", 1), NOW).unwrap();
    history.add_part(&run_of("PPF", 2), NOW).unwrap();
    let of_all = history.failures(&Query::default(), None).unwrap();
    assert_eq!(of_all.len(), 3);
    let test = TestId::of("suite", "test2");
    let of_one = history.failures(&Query::default(), Some(&test)).unwrap();
    assert_eq!(of_one.len(), 2);
    assert_eq!(of_one[0].failure.message, "test2 did not hold");
    assert_eq!((of_one[0].status, of_one[0].attempt), (Status::Failed, 0));
    assert_eq!(of_one[0].failure.stack.lines().count(), 40);
}

#[test]
fn the_order_of_execution_is_kept_where_it_is_one() {
    let mut history = History::in_memory().unwrap();
    let mut part = run_of("PPPP", 1);
    let first = history.add_part(&part, NOW).unwrap().part();
    part.results.reverse();
    let second = history.add_part(&part, NOW).unwrap().part();
    part.in_order = false;
    let third = history.add_part(&part, NOW).unwrap().part();
    let names = |id| -> Option<Vec<String>> {
        let order = history.order(id).unwrap()?;
        Some(
            order
                .iter()
                .map(|(test, _)| test.name().to_owned())
                .collect(),
        )
    };
    assert_eq!(names(first).unwrap(), ["test0", "test1", "test2", "test3"]);
    assert_eq!(names(second).unwrap(), ["test3", "test2", "test1", "test0"]);
    assert_eq!(names(third), None);
}

#[test]
fn a_part_without_results_is_a_part() {
    let mut history = History::in_memory().unwrap();
    let part = Part {
        producer: "nothing ran".to_owned(),
        ..Part::default()
    };
    let id = history.add_part(&part, NOW).unwrap().part();
    assert_eq!(history.part(id).unwrap().part, part);
}

fn store_of(parts: &[Part]) -> History {
    let mut history = History::in_memory().unwrap();
    for part in parts {
        history.add_part(part, NOW).unwrap();
    }
    history
}

/// Everything that can be read of a store, without numbers.
fn told(history: &History) -> Vec<String> {
    let parts = history.parts(&Query::default()).unwrap();
    let mut told: Vec<String> = parts
        .iter()
        .map(|past| {
            let mut stored = history.part(past.part).unwrap();
            stored.part.sources.sort();
            format!("{:?} {:?}", stored.kept, settled(stored.part))
        })
        .collect();
    told.sort();
    told.push(format!("{:?}", history.renames().unwrap()));
    told
}

fn clean(history: &History) {
    assert_eq!(history.check().unwrap(), []);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_order_of_storing_gives_the_same_store(parts in proptest::collection::vec(part(), 1..6), seed in any::<u64>()) {
        // of reports that come twice the first stays, so the same sources stand for the same part here
        let mut parts = parts;
        parts.sort_by(|a, b| a.sources.cmp(&b.sources));
        parts.dedup_by(|a, b| !a.sources.is_empty() && a.sources == b.sources);
        let forth = store_of(&parts);
        let turn = seed as usize % parts.len();
        parts.rotate_left(turn);
        parts.reverse();
        let back = store_of(&parts);
        prop_assert_eq!(forth.content_print().unwrap(), back.content_print().unwrap());
        prop_assert_eq!(told(&forth), told(&back));
        clean(&forth);
        clean(&back);
    }

    #[test]
    fn merging_is_commutative_and_idempotent(
        ours in proptest::collection::vec(part(), 0..5), theirs in proptest::collection::vec(part(), 0..5),
        shared in proptest::collection::vec(part(), 0..3), old in 0i64..3,
    ) {
        let both = |own: &[Part]| store_of(&[own, &shared].concat());
        let keep = Keep { everything: old << 41 };
        let (a, mut b) = (both(&ours), both(&theirs));
        b.prune(keep, Timestamp(1 << 42)).unwrap();
        let (mut ab, mut ba) = (both(&ours), both(&theirs));
        ba.prune(keep, Timestamp(1 << 42)).unwrap();
        ab.join(&b).unwrap();
        ba.join(&a).unwrap();
        prop_assert_eq!(ab.content_print().unwrap(), ba.content_print().unwrap());
        prop_assert_eq!(told(&ab), told(&ba));
        let before = told(&ab);
        let again = ab.join(&b).unwrap();
        prop_assert_eq!(again.new, 0);
        let twin = ba;
        ab.join(&twin).unwrap();
        prop_assert_eq!(told(&ab), before);
        clean(&ab);
        clean(&twin);
    }

    #[test]
    fn thinning_keeps_every_outcome(parts in proptest::collection::vec(part(), 1..5)) {
        let mut history = store_of(&parts);
        let query = Query::default();
        let past = history.parts(&query).unwrap();
        let outcomes = |history: &History| {
            let mut all = Vec::new();
            history.series(&past, &mut |series| {
                all.extend(series.seen.iter().map(|s| {
                    format!("{} {} {} {:?} {}", series.test, series.variant, s.part, s.status, s.bad_attempts)
                }));
            }).unwrap();
            all.sort();
            all
        };
        let days = |history: &History| {
            let mut days = Vec::new();
            history.rollups(&query, &mut |day| days.push(day)).unwrap();
            days
        };
        let (before, sums) = (outcomes(&history), days(&history));
        let pruned = history.prune(Keep::days(0), Timestamp(1 << 43)).unwrap();
        prop_assert_eq!(pruned.parts, past.len());
        prop_assert_eq!(outcomes(&history), before);
        prop_assert_eq!(days(&history), sums);
        prop_assert_eq!(history.stats().unwrap().text_bytes, 0);
        prop_assert!(history.parts(&query).unwrap() == past);
        for past in &past {
            let stored = history.part(past.part).unwrap();
            prop_assert!(stored.part.results.iter().all(|r| r.duration.is_none() && r.failures.is_empty()));
        }
        clean(&history);
    }
}

#[test]
fn a_day_counts_what_its_parts_say() {
    let mut history = store_of(&[run_of("PF", 3), run_of("fS", 3), run_of("PP", 4)]);
    history.refresh_rollups().unwrap();
    history.add_part(&run_of("FF", 3), NOW).unwrap();
    let mut days = Vec::new();
    history
        .rollups(&Query::default(), &mut |day| days.push(day))
        .unwrap();
    let counts = |day: &DayRollup| -> Vec<_> {
        let numbers = |c: &DayCounts| (c.ran, c.bad, c.flaky, c.skipped, c.durations.seen);
        day.tests
            .iter()
            .map(|(_, _, counts)| numbers(counts))
            .collect()
    };
    assert_eq!(days.len(), 2);
    assert_eq!((days[0].day, days[0].branch.as_deref()), (3, Some("main")));
    assert_eq!(counts(&days[0]), [(3, 1, 1, 0, 3), (2, 2, 0, 1, 3)]);
    assert_eq!(counts(&days[1]), [(1, 0, 0, 0, 1), (1, 0, 0, 0, 1)]);
}

#[test]
fn results_are_a_table_to_sql() {
    let mut history = store_of(&[run_of("PFS", 1), run_of("fPP", 2)]);
    let table = history
        .sql("SELECT name, status, bad_attempts, round(seconds, 1), branch FROM results WHERE part = 2 ORDER BY name")
        .unwrap();
    assert_eq!(table.columns[..2], ["name", "status"]);
    let text = |text: &str| Value::Text(text.to_owned());
    assert_eq!(
        table.rows[0],
        [
            text("test0"),
            text("passed"),
            Value::Integer(1),
            Value::Real(0.5),
            text("main")
        ]
    );
    let counts = history
        .sql("SELECT status, count(*) FROM results GROUP BY 1 ORDER BY 2, 1")
        .unwrap();
    let count = |word, n| vec![text(word), Value::Integer(n)];
    assert_eq!(
        counts.rows,
        [count("failed", 1), count("skipped", 1), count("passed", 4)]
    );
    clean(&history);
}

#[test]
fn sql_can_do_nothing_but_read() {
    let dir = tempfile::tempdir().unwrap();
    let aside = dir.path().join("aside.db");
    let mut history = store_of(&[run_of("PF", 1)]);
    let aside = aside.display();
    for statement in [
        "DELETE FROM part",
        "DROP TABLE part",
        "CREATE TABLE t (a)",
        "CREATE TEMP TABLE t (a)",
        "PRAGMA user_version = 7",
        "PRAGMA query_only = OFF",
        "VACUUM",
        "BEGIN",
        "SELECT load_extension('x')",
        "not SQL",
        &format!("ATTACH '{aside}' AS a"),
        &format!("VACUUM INTO '{aside}'"),
    ] {
        let answer = history.sql(statement);
        assert!(
            matches!(answer, Err(HistoryError::Statement(_))),
            "{statement}: {answer:?}"
        );
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    assert!(history.sql("PRAGMA table_info(part)").is_ok());
    history.add_part(&run_of("PFP", 2), NOW).unwrap();
    clean(&history);
}

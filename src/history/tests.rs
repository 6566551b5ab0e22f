//! The history as a whole.

use proptest::prelude::*;

use super::testing::{part, run_of, settled};
use super::*;
use crate::model::{Part, Status, TestId};

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
        [true, false]
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

use proptest::prelude::*;

use super::*;

fn p(p: f64) -> Probability {
    Probability::clamped(p)
}

/// The published model: uniform over eight suspects and "none", a flake rate of 0.2.
fn published(results: &[(u32, bool)]) -> Belief {
    let mut search = Search::new(&[1.0; 8], 1.0, Behaviour::exactly(0.2));
    for (at, passed) in results {
        search.observe(Observation::once(*at, *passed));
    }
    search.belief()
}

fn assert_near(belief: &Belief, suspects: &[f64], none: f64) {
    let found: Vec<String> = belief.suspects.iter().map(|p| format!("{p:.3}")).collect();
    let wanted: Vec<String> = suspects.iter().map(|p| format!("{p:.3}")).collect();
    assert_eq!(found, wanted);
    assert_eq!(format!("{:.3}", belief.none), format!("{none:.3}"));
}

#[test]
fn beliefs_are_those_of_the_published_rules() {
    // by hand from P(fail | C_j) = f before the culprit, 1 from it on; normalised over all nine
    let failed = published(&[(8, false)]);
    assert_near(&failed, &[1.0 / 8.2; 8], 0.2 / 8.2);
    let twice = published(&[(8, false), (4, false)]);
    let (early, late, none) = (1.0 / 4.84, 0.2 / 4.84, 0.04 / 4.84);
    let each = [early, early, early, early, late, late, late, late];
    assert_near(&twice, &each, none);
    let passed = published(&[(8, false), (4, false), (2, true)]);
    let total = 2.0 + 4.0 * 0.2 + 0.04;
    let (early, late) = (1.0 / total, 0.2 / total);
    let each = [0.0, 0.0, early, early, late, late, late, late];
    assert_near(&passed, &each, 0.04 / total);
}

#[test]
fn a_culprit_fails_as_often_as_the_published_verifier_asks() {
    assert_eq!(reruns(p(1.0 - 1e-8), 0.1), 8);
    assert_eq!(reruns(p(0.9999), 0.2), 6);
    assert_eq!(reruns(p(0.9999), 0.5), 14);
    assert_eq!(reruns(p(0.9999), 0.9), 88);
    assert_eq!(
        reruns(p(0.99), 0.0),
        2,
        "a rate below a tenth counts as a tenth"
    );
    assert_eq!(reruns(p(0.0), 0.5), 1);
}

#[test]
fn a_first_look_at_the_end_tells_a_flake_from_a_culprit() {
    let search = Search::new(&[1.0; 2], 20.0, Behaviour::of(p(0.04), 0, 50));
    assert_eq!(search.step(p(0.99), &[]), Step::Run(2));
    let mut search = search;
    search.observe(Observation::once(2, true));
    assert_eq!(search.step(p(0.99), &[]), Step::Done(Outcome::NoCulprit));
}

#[test]
fn runs_under_way_are_taken_into_account() {
    let mut search = Search::new(&[1.0; 64], 1e-6, Behaviour::of(p(0.04), 0, 50));
    search.observe(Observation::once(64, false));
    let mut pending = Vec::new();
    for _ in 0..3 {
        let Step::Run(at) = search.step(p(0.99), &pending) else {
            panic!("a run was expected");
        };
        assert!(!pending.contains(&at), "{at} is under way: {pending:?}");
        pending.push(at);
    }
    pending.sort_unstable();
    assert!(
        (10..=24).contains(&pending[0]) && (40..=56).contains(&pending[2]),
        "three runs cut the range into four: {pending:?}"
    );
}

/// Runs a search against a world in which the test is broken from `culprit` on (0: never) and else fails as `flake` says.
fn hunt(
    search: &mut Search,
    culprit: u32,
    confidence: f64,
    untestable: &[u32],
    mut flake: impl FnMut() -> bool,
) -> (Outcome, u32) {
    let mut runs = 0;
    loop {
        match search.step(p(confidence), &[]) {
            Step::Run(at) if untestable.contains(&at) => search.rule_out_testing(at),
            Step::Run(at) => {
                runs += 1;
                assert!(runs < 500, "the search does not end");
                let broken = culprit > 0 && at >= culprit;
                search.observe(Observation::once(at, !broken && !flake()));
            }
            Step::Wait => panic!("nothing is under way"),
            Step::Done(outcome) => return (outcome, runs),
        }
    }
}

fn started(suspects: u32) -> Search {
    let weights = vec![1.0; suspects as usize];
    let mut search = Search::new(&weights, 1.0, Behaviour::of(p(0.04), 1, 50));
    search.observe(Observation::once(suspects, false));
    search.believing(&vec![0.6 / f64::from(suspects); suspects as usize], 0.4)
}

#[test]
fn what_is_known_from_elsewhere_stands_after_the_results_so_far() {
    let search = started(10);
    assert!((search.belief().none - 0.4).abs() < 1e-9);
    assert!((search.belief().suspects[3] - 0.06).abs() < 1e-9);
    assert_eq!(search.outcome(p(0.99)), Outcome::Undecided);
}

#[test]
fn every_culprit_of_a_firm_test_is_found() {
    for n in [1, 2, 3, 7, 50] {
        for culprit in 0..=n {
            let wanted = match culprit {
                0 => Outcome::NoCulprit,
                at => Outcome::Culprit(at),
            };
            let (found, runs) = hunt(&mut started(n), culprit, 0.99, &[], || false);
            assert_eq!(found, wanted, "of {n}");
            let bound = 6 + (f64::from(n)).log2().ceil() as u32;
            assert!(runs <= bound, "{runs} runs for {culprit} of {n}");
        }
    }
}

#[test]
fn suspects_that_do_not_build_end_in_a_group() {
    let found =
        |culprit, untestable: &[u32]| hunt(&mut started(12), culprit, 0.99, untestable, || false).0;
    assert_eq!(found(7, &[4, 5]), Outcome::Culprit(7));
    assert_eq!(found(6, &[4, 5]), Outcome::Among(vec![4, 5, 6]));
    assert_eq!(found(4, &[4, 5]), Outcome::Among(vec![4, 5, 6]));
    let none: Vec<u32> = (1..=12).collect();
    assert_eq!(found(3, &none), Outcome::Undecided);
}

#[test]
fn a_test_that_fails_everywhere_is_soon_known_to() {
    let mut search = started(12);
    let (found, runs) = hunt(&mut search, 1, 0.99, &[], || true);
    assert_eq!(found, Outcome::BrokenBefore);
    assert!(runs < 30, "{runs} runs");
}

#[test]
fn a_culprit_is_not_named_before_its_parent_passed() {
    // so sure beforehand that no run would be needed
    let weights = [1e-9, 1.0, 1e-9];
    let mut search = Search::new(&weights, 1e-9, Behaviour::of(p(0.04), 0, 50));
    search.observe(Observation::once(3, false));
    assert_eq!(search.outcome(p(0.99)), Outcome::Culprit(2));
    assert_eq!(search.step(p(0.99), &[]), Step::Run(2));
    search.observe(Observation::once(2, false));
    search.observe(Observation::once(2, false));
    assert_eq!(search.step(p(0.99), &[]), Step::Run(1));
    assert_eq!(search.step(p(0.99), &[1]), Step::Wait);
    search.observe(Observation::once(1, true));
    assert_eq!(search.step(p(0.99), &[]), Step::Done(Outcome::Culprit(2)));
}

#[test]
fn what_somebody_said_verifies_nothing() {
    let mut search = Search::new(&[1.0], 1e-9, Behaviour::of(p(0.04), 0, 50));
    search.observe(Observation::told(1, false));
    search.observe(Observation::told(0, true));
    assert_eq!(search.outcome(p(0.99)), Outcome::Culprit(1));
    for at in [1, 0, 1] {
        assert_eq!(search.step(p(0.99), &[]), Step::Run(at));
        search.observe(Observation::once(at, at == 0));
    }
    assert_eq!(search.step(p(0.99), &[]), Step::Done(Outcome::Culprit(1)));
}

#[test]
fn a_pass_after_a_likely_repair_clears_nobody() {
    let seen = |repaired| Observation {
        repaired: p(repaired),
        ..Observation::once(4, true)
    };
    let none = |repaired| {
        let mut search = started(4);
        search.observe(seen(repaired));
        search.belief().none
    };
    assert!(none(0.0) > 0.98, "{}", none(0.0));
    assert!((none(1.0) - 0.4).abs() < 0.02, "{}", none(1.0));
}

#[test]
fn a_failure_in_an_outage_says_little() {
    let mut search = started(4);
    let before = search.belief();
    search.observe(Observation {
        hit: p(0.999),
        ..Observation::once(2, false)
    });
    let after = search.belief();
    for (a, b) in before.suspects.iter().zip(&after.suspects) {
        assert!((a - b).abs() < 0.01);
    }
}

#[test]
fn a_search_is_read_back_as_it_was() {
    let mut search = started(5);
    search.observe(Observation::once(2, true));
    search.rule_out_testing(4);
    let text = serde_json::to_string(&search).unwrap();
    let back: Search = serde_json::from_str(&text).unwrap();
    assert_eq!(back.step(p(0.99), &[]), search.step(p(0.99), &[]));
    assert_eq!(back.seen(), search.seen());
    assert!(back.is_untestable(4) && !back.is_untestable(0) && !back.is_untestable(9));
    search.rule_out_testing(0);
    assert!(search.is_untestable(0) && search.suspects() == 5);
}

#[test]
fn weights_that_are_none_count_as_nothing_and_beyond_the_end_is_the_end() {
    let mut search = Search::new(
        &[f64::NAN, -1.0, 2.0],
        f64::INFINITY,
        Behaviour::exactly(0.1),
    );
    assert_eq!(search.belief().suspects, [0.0, 0.0, 1.0]);
    search.observe(Observation::once(99, true));
    assert_eq!(search.seen()[0].at, 3);
    let even = Search::new(&[0.0, 0.0], 0.0, Behaviour::exactly(0.1)).belief();
    assert!((even.none - 1.0 / 3.0).abs() < 1e-12);
    assert_eq!(
        Search::new(&[], 1.0, Behaviour::exactly(0.1)).step(p(0.99), &[]),
        Step::Done(Outcome::NoCulprit)
    );
}

fn observations(most: u32) -> impl Strategy<Value = Vec<Observation>> {
    let one = (0..=most, 0u8..3, any::<bool>(), 0.0..1.0f64, 0.0..1.0f64);
    let one = one.prop_map(|(at, bad, passed, hit, repaired)| Observation {
        at,
        bad,
        passed: passed || bad == 0,
        hit: p(hit),
        repaired: p(repaired),
        told: false,
    });
    prop::collection::vec(one, 0..30)
}

proptest! {
    #[test]
    fn a_belief_sums_to_one_in_any_order(
        weights in prop::collection::vec(0.0..5.0f64, 1..12),
        none in 0.0..5.0f64,
        (seen, mixed) in observations(12).prop_flat_map(|seen| (Just(seen.clone()), Just(seen).prop_shuffle())),
        failed in 0u32..20,
    ) {
        let new = || Search::new(&weights, none, Behaviour::of(p(0.04), failed, 40));
        let (mut one, mut other) = (new(), new());
        seen.iter().for_each(|seen| one.observe(*seen));
        mixed.iter().for_each(|seen| other.observe(*seen));
        let (one, other) = (one.belief(), other.belief());
        let sum: f64 = one.suspects.iter().sum::<f64>() + one.none;
        prop_assert!((sum - 1.0).abs() < 1e-9, "{sum}");
        for (a, b) in one.suspects.iter().zip(&other.suspects) {
            prop_assert!((a - b).abs() < 1e-9);
        }
        prop_assert!(one.rates.iter().all(|rate| (0.0..=1.0).contains(rate)));
    }

    #[test]
    fn a_pass_clears_those_before_it_and_a_failure_never_those(
        n in 1u32..40, at in 0u32..40, rate in 0.01..0.9f64,
    ) {
        let at = at.min(n);
        let mut search = Search::new(&vec![1.0; n as usize], 1.0, Behaviour::exactly(rate));
        let before = search.belief();
        search.observe(Observation::once(at, true));
        let after = search.belief();
        for (suspect, p) in (1..).zip(&after.suspects) {
            prop_assert_eq!(suspect > at, *p > 1e-12, "{}", suspect);
        }
        let mut search = Search::new(&vec![1.0; n as usize], 1.0, Behaviour::exactly(rate));
        search.observe(Observation::once(at, false));
        let failed = search.belief();
        for (suspect, (was, now)) in (1..).zip(before.suspects.iter().zip(&failed.suspects)) {
            prop_assert_eq!(suspect <= at, now > &(was * (1.0 - 1e-9)) && at > 0 , "{}", suspect);
        }
    }

    #[test]
    fn any_search_ends_and_a_verified_culprit_failed_and_its_parent_passed(
        n in 1u32..60, culprit in 0u32..60, seed in any::<u64>(), flaky in 0u64..60,
    ) {
        let culprit = culprit.min(n);
        let mut state = seed | 1;
        let flake = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state % 100 < flaky
        };
        let mut search = started(n);
        let (found, _) = hunt(&mut search, culprit, 0.99, &[], flake);
        prop_assert!(found != Outcome::Undecided);
        if let Outcome::Culprit(at) = found {
            let seen = |place, passed| search.seen().iter().any(|s| s.at == place && s.passed == passed);
            prop_assert!(seen(at, false) && seen(at - 1, true));
        }
    }
}

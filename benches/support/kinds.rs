//! Whether kinds of flakiness, and the commits that introduced it, are named as they were.

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};

use tia::flaky::association::{Associated, Evidence, Kind, Message, Orders, associate};
use tia::flaky::{Assessment, Past};
use tia::model::Series;

use crate::fleet::Fleet;

/// Tests with so many flakes are to be named.
const ENOUGH: usize = 15;

struct Ran<'a>(&'a Fleet, Cell<u32>);

impl Orders for Ran<'_> {
    fn order(&self, part: u32) -> Option<Vec<u32>> {
        self.1.set(self.1.get() + 1);
        Some(self.0.order[part as usize].clone())
    }
}

/// What the failures of a fleet go along with.
pub(crate) fn associated(fleet: &Fleet, past: &Past<'_>, assessment: &Assessment) -> Associated {
    let failing: Vec<(u32, Series)> = (0..)
        .zip(fleet.series.iter().cloned())
        .filter(|(_, series)| series.seen.iter().any(|seen| seen.bad_attempts > 0))
        .collect();
    let mut messages: Vec<Message> = (0..)
        .zip(&fleet.said.0)
        .flat_map(|(series, said)| {
            said.iter().map(move |(part, (_, timeout))| Message {
                series,
                part: *part,
                timeout: *timeout,
            })
        })
        .collect();
    messages.sort_unstable();
    let ran = Ran(fleet, Cell::default());
    let evidence = Evidence {
        orders: Some(&ran),
        messages: &messages,
        name: &|series| fleet.names[series as usize].clone(),
    };
    associate(past, &failing, assessment, &evidence)
}

#[derive(Default)]
pub(crate) struct Named {
    /// By kind: tests with enough flakes, named right, named wrong.
    kinds: BTreeMap<String, (u32, u32, u32)>,
    /// Tests that were introduced: with a change found, with the commit inside.
    introduced: (u32, u32, u32),
    /// Other flaky tests, and those with a change.
    steady: (u32, u32),
    /// Findings, and false ones.
    findings: (u32, u32),
}

impl Named {
    pub(crate) fn count(
        &mut self,
        fleet: &Fleet,
        assessment: &Assessment,
        found: &Associated,
        verbose: bool,
    ) {
        let mut flakes: HashMap<&str, usize> = HashMap::new();
        for failure in fleet
            .truth
            .failures
            .iter()
            .filter(|failure| failure.cause == "flake")
        {
            *flakes.entry(&failure.test).or_default() += 1;
        }
        for finding in &found.findings {
            let name = &fleet.names[finding.series as usize];
            self.findings.0 += 1;
            let right = is_true(&fleet.truth.tests[name].kind, finding);
            self.findings.1 += u32::from(!right);
            if verbose && !right {
                println!(
                    "   false finding: {name} {} {:?} {} p {:.2e} q {:.2e}: {}",
                    fleet.truth.tests[name].kind,
                    finding.kind,
                    finding.factor,
                    finding.p,
                    finding.q,
                    finding.sentence
                );
            }
        }
        for (number, (name, test)) in fleet.names.iter().zip(&assessment.tests).enumerate() {
            let character = &fleet.truth.tests[name];
            let flaked = flakes.get(name.as_str()).copied().unwrap_or(0);
            let first = found
                .findings
                .iter()
                .find(|one| one.series as usize == number && one.kind != Kind::CoFailure);
            if character.kind != "stable" && character.kind != "introduced" {
                self.steady.0 += 1;
                self.steady.1 += u32::from(!test.changes.is_empty());
                if verbose && !test.changes.is_empty() {
                    println!("   change: {name} {} {:?}", character.kind, test.changes);
                }
            }
            if flaked < ENOUGH {
                continue;
            }
            let said = first.map(|finding| finding.kind);
            let wanted = kind_of(&character.kind);
            let changed = !test.changes.is_empty();
            let (right, wrong) = match character.kind.as_str() {
                "introduced" => (changed && said.is_none(), said.is_some()),
                "random" => (said.is_none() && !changed, said.is_some() || changed),
                _ => (said == wanted, said.is_some() && said != wanted),
            };
            let entry = self.kinds.entry(character.kind.clone()).or_default();
            entry.0 += 1;
            entry.1 += u32::from(right);
            entry.2 += u32::from(wrong);
            if verbose && !right {
                println!(
                    "   kind: {name} {} ({flaked} flakes of {}): said {said:?}, changed {changed}",
                    character.kind, test.ran
                );
            }
            if let Some(since) = &character.since {
                self.introduced.0 += 1;
                let Some(change) = test
                    .changes
                    .iter()
                    .find(|change| change.then.mean > change.before.mean)
                else {
                    continue;
                };
                self.introduced.1 += 1;
                let inside = fleet.is_between(since, change.after, change.until);
                self.introduced.2 += u32::from(inside);
                if verbose && !inside {
                    println!(
                        "   since: {name} since part {:?}, said {:?}",
                        fleet.first_part(since),
                        test.changes
                    );
                }
            }
        }
    }

    pub(crate) fn print(&self, name: &str) {
        let (all, right, wrong) = self
            .kinds
            .values()
            .fold((0, 0, 0), |a, b| (a.0 + b.0, a.1 + b.1, a.2 + b.2));
        let share = |some: u32, of: u32| 100.0 * f64::from(some) / f64::from(of.max(1));
        println!(
            "  {name:10} kinds of tests with at least {ENOUGH} flakes: right {right}/{all} ({:.1} %), wrong {wrong} ({:.1} %): {:?}",
            share(right, all),
            share(wrong, all),
            self.kinds
        );
        println!(
            "  {:10} findings {}, false {}; introduced: found {}/{}, the commit inside {}; steady tests with a change {}/{}",
            "",
            self.findings.0,
            self.findings.1,
            self.introduced.1,
            self.introduced.0,
            self.introduced.2,
            self.steady.1,
            self.steady.0
        );
    }
}

/// What the simulator makes failures depend on, its main kind and what comes with it: load slows tests with a limit, fewer
/// processors make load worse, and tests under load fail slowly.
fn is_true(kind: &str, finding: &tia::flaky::association::Finding) -> bool {
    kind_of(kind) == Some(finding.kind)
        || match (kind, finding.kind) {
            ("timeout", Kind::Load) | ("load", Kind::Timing) => true,
            ("load", Kind::Environment) => finding.factor.ends_with("ci-b2"),
            _ => false,
        }
}

fn kind_of(kind: &str) -> Option<Kind> {
    Some(match kind {
        "timeout" => Kind::Timing,
        "load" => Kind::Load,
        "clock" => Kind::Clock,
        "order" => Kind::Order,
        "environment" => Kind::Environment,
        _ => return None,
    })
}

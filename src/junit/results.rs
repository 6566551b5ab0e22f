//! Results as they come, repeats told apart, handed over in windows.

use std::collections::hash_map::Entry;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use xxhash_rust::xxh3::xxh3_64;

use super::dialect::Dialect;
use super::issue::{Issues, Level, Place};
use super::repeats::{Repeats, by_content, is_skipped_then_run, join_attempts, join_parts};
use crate::model::{Failure, Status, TestId, TestResult, Variant};

/// What takes full windows.
pub(super) type Each<'a> = &'a mut dyn FnMut(Vec<TestResult>);

/// Results that room is made for before they are seen. A report may claim any number.
const MOST_EXPECTED: u64 = 1 << 14;

/// The results of one report.
pub(super) struct Results<'a> {
    each: Option<Each<'a>>,
    /// Bytes of a window.
    window: usize,
    /// Bytes of the results at hand, where they go by windows.
    held: usize,
    results: Vec<TestResult>,
    /// Print of test and variant to the place in `results`.
    index: FxHashMap<u64, u32>,
    /// Repeated tests: place of the first, and of all.
    groups: FxHashMap<u32, Group>,
    variants: Vec<(Variant, Arc<Variant>)>,
    dialect: Option<&'static dyn Dialect>,
    repeats: Option<Repeats>,
    total: u64,
}

#[derive(Debug)]
struct Group {
    members: Vec<u32>,
    /// Where the first repeat is.
    place: Place,
    is_outside: bool,
}

impl<'a> Results<'a> {
    /// Keeps all results until [`Results::finish`]; or hands them over to `each`, `window` bytes at a time.
    pub(super) fn new(each: Option<Each<'a>>, window: usize) -> Self {
        Self {
            window: if each.is_some() { window } else { usize::MAX },
            each,
            held: 0,
            results: Vec::new(),
            index: FxHashMap::default(),
            groups: FxHashMap::default(),
            variants: Vec::new(),
            dialect: None,
            repeats: None,
            total: 0,
        }
    }

    /// The producer is known; the first one counts.
    pub(super) fn set_dialect(&mut self, dialect: &'static dyn Dialect) {
        if self.dialect.is_none() {
            self.dialect = Some(dialect);
            self.repeats = Some(dialect.repeats());
        }
    }

    /// What repeats are, for streams that need no dialect.
    pub(super) fn set_repeats(&mut self, repeats: Repeats) {
        self.repeats = Some(repeats);
    }

    pub(super) fn dialect(&self) -> Option<&'static dyn Dialect> {
        self.dialect
    }

    /// How many results there were.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// One value for equal variants.
    pub(super) fn variant(&mut self, variant: Variant) -> Option<Arc<Variant>> {
        if variant.is_empty() {
            return None;
        }
        if let Some((_, known)) = self.variants.iter().find(|(known, _)| *known == variant) {
            return Some(Arc::clone(known));
        }
        let shared = Arc::new(variant.clone());
        if self.variants.len() < 64 {
            self.variants.push((variant, Arc::clone(&shared)));
        }
        Some(shared)
    }

    /// Adds a result of a test.
    pub(super) fn add(
        &mut self,
        result: TestResult,
        place: impl FnOnce() -> Place,
        issues: &mut Issues,
    ) {
        if self.each.is_some() {
            if self.held >= self.window && !self.results.is_empty() {
                self.flush(issues);
            }
            self.held = self.held.saturating_add(weight(&result));
        }
        self.put(result, place, false);
    }

    /// Adds a failure of something around tests; several of one name become one result.
    pub(super) fn add_outside(&mut self, result: TestResult) {
        self.put(result, Place::default, true);
    }

    fn put(&mut self, result: TestResult, place: impl FnOnce() -> Place, is_outside: bool) {
        self.total += 1;
        let here = self.results.len() as u32;
        let first = self.enter(&result, here);
        if first != here {
            let group = self.groups.entry(first).or_insert_with(|| Group {
                members: vec![first],
                place: place(),
                is_outside,
            });
            group.members.push(here);
        }
        self.results.push(result);
    }

    /// The place of the same test and variant; `here`, and from now on there, where there is none yet.
    fn enter(&mut self, result: &TestResult, here: u32) -> u32 {
        let mut print = xxh3_64(result.test.key().as_bytes());
        if let Some(variant) = &result.variant {
            print ^= xxh3_64(variant.to_string().as_bytes()).rotate_left(1);
        }
        loop {
            let found = match self.index.entry(print) {
                Entry::Vacant(free) => return *free.insert(here),
                Entry::Occupied(found) => *found.get(),
            };
            let known = &self.results[found as usize];
            if known.test == result.test && known.variant == result.variant {
                return found;
            }
            print = print.wrapping_add(1);
        }
    }

    /// Makes room for as many more results as a report says to follow, within reason.
    pub(super) fn expect(&mut self, results: u64) {
        let more = results.min(MOST_EXPECTED) as usize;
        self.results.reserve(more);
        self.index.reserve(more);
    }

    /// Text that explains the last result, where it failed and does not explain itself.
    pub(super) fn explain_last(&mut self, text: String) {
        if let Some(last) = self.results.last_mut()
            && last.status.is_bad()
            && let Some(failure) = last.failures.last_mut()
            && failure.stack.is_empty()
        {
            failure.stack = text;
        }
    }

    /// What is left, with its repeats told apart; nothing where windows are handed over.
    pub(super) fn finish(&mut self, issues: &mut Issues) -> Vec<TestResult> {
        if self.each.is_some() {
            if !self.results.is_empty() {
                self.flush(issues);
            }
            return Vec::new();
        }
        self.settle(issues);
        std::mem::take(&mut self.results)
    }

    fn flush(&mut self, issues: &mut Issues) {
        self.settle(issues);
        let window = std::mem::take(&mut self.results);
        self.index.clear();
        self.held = 0;
        if let Some(each) = &mut self.each {
            each(window);
        }
    }

    /// Tells the repeats of this window apart.
    fn settle(&mut self, issues: &mut Issues) {
        if self.groups.is_empty() {
            return;
        }
        let mut groups: Vec<(u32, Group)> = self.groups.drain().collect();
        groups.sort_unstable_by_key(|(first, _)| *first);
        let statuses: Vec<Vec<Status>> = groups
            .iter()
            .filter(|(_, group)| !group.is_outside)
            .map(|(_, group)| {
                let members = group.members.iter();
                members
                    .map(|member| self.results[*member as usize].status)
                    .collect()
            })
            .collect();
        let repeats = self.repeats.unwrap_or(Repeats::Unknown);
        let is_guess = repeats == Repeats::Unknown;
        let repeats = match repeats {
            Repeats::Unknown => by_content(statuses.iter().map(Vec::as_slice)),
            known => known,
        };
        let mut gone = vec![false; self.results.len()];
        for (first, group) in groups {
            let meaning = if group.is_outside {
                Repeats::Phases
            } else if repeats == Repeats::Rows
                && is_skipped_then_run(&self.statuses(&group.members))
            {
                Repeats::Attempts
            } else {
                repeats
            };
            let count = group.members.len();
            let test = self.results[first as usize].test.to_string();
            let what = match meaning {
                Repeats::Attempts | Repeats::UnorderedAttempts => "attempts at one test",
                Repeats::Phases => "phases of one test",
                Repeats::Assertions => "assertions of one test",
                Repeats::Rows | Repeats::Unknown => "tests of their own, numbered from the second",
            };
            if meaning == Repeats::Rows {
                self.number(&group.members);
            } else {
                self.join(first, &group.members, meaning, &mut gone);
            }
            if !group.is_outside {
                let by = if is_guess { ", by their outcomes" } else { "" };
                let text = format!("{count} cases of `{test}` were read as {what}{by}");
                issues.add(Level::Accepted, || group.place, text);
            }
        }
        let mut gone = gone.into_iter();
        self.results.retain(|_| gone.next() != Some(true));
    }

    fn statuses(&self, members: &[u32]) -> Vec<Status> {
        members
            .iter()
            .map(|member| self.results[*member as usize].status)
            .collect()
    }

    /// Gives the second and later members a number.
    fn number(&mut self, members: &[u32]) {
        let mut number = 2;
        for member in &members[1..] {
            let at = *member as usize;
            loop {
                let old = &self.results[at].test;
                let params = format!("{}#{number}", old.params());
                let test = old.with_params(&params);
                number += 1;
                let candidate = TestResult {
                    test,
                    variant: self.results[at].variant.clone(),
                    ..TestResult::new(TestId::of("", ""), Status::Passed, None)
                };
                if self.enter(&candidate, *member) == *member {
                    self.results[at].test = candidate.test;
                    break;
                }
            }
        }
    }

    /// Joins the members into the first.
    fn join(&mut self, first: u32, members: &[u32], meaning: Repeats, gone: &mut [bool]) {
        let taken: Vec<TestResult> = members
            .iter()
            .map(|member| {
                gone[*member as usize] = true;
                let empty = TestResult::new(TestId::of("", ""), Status::Passed, None);
                std::mem::replace(&mut self.results[*member as usize], empty)
            })
            .collect();
        self.results[first as usize] = match meaning {
            Repeats::Attempts => join_attempts(taken, true),
            Repeats::UnorderedAttempts => join_attempts(taken, false),
            _ => join_parts(taken),
        };
        gone[first as usize] = false;
    }
}

/// Bytes that a result takes in memory, about.
fn weight(result: &TestResult) -> usize {
    let texts = |failures: &[Failure]| -> usize {
        failures
            .iter()
            .map(|it| it.kind.len() + it.message.len() + it.stack.len())
            .sum()
    };
    let earlier: usize = result.earlier.iter().map(|it| texts(&it.failures)).sum();
    // its entry in the index and its share of growing tables
    2 * size_of::<TestResult>() + result.test.key().len() + texts(&result.failures) + earlier
}

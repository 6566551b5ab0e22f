//! Prints: of a test in a variant, of a set of them, of what a part says.
//!
//! Prints know nothing of a store's numbers, so two stores that were told the same agree on them whatever the order.
//! Durations count as they are kept, in one byte; names of files do not count.

use crate::model::{
    Attempt, Failure, Fingerprint, LogSeconds, Part, Printer, RunContext, Status, TestId,
    TestResult, Variant,
};

/// The print of a test.
pub(super) fn test(id: &TestId) -> Fingerprint {
    Fingerprint::of(id.key().as_bytes())
}

/// The print of a test in a variant; of the test itself where nothing varies.
pub(super) fn series(test: Fingerprint, variant: Option<Fingerprint>) -> Fingerprint {
    match variant {
        None => test,
        Some(variant) => {
            let mut pair = [0; 32];
            pair[..16].copy_from_slice(&test.0.to_le_bytes());
            pair[16..].copy_from_slice(&variant.0.to_le_bytes());
            Fingerprint::of(&pair)
        }
    }
}

/// The print of a variant; `None` for nothing.
pub(super) fn variant(variant: &Variant) -> Option<Fingerprint> {
    (!variant.is_empty()).then(|| Fingerprint::of(variant.to_string().as_bytes()))
}

/// A print of a set: a sum, so that order does not count and members can be added one by one.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct SetPrint {
    sum: u128,
    count: u64,
}

impl SetPrint {
    pub(super) fn add(&mut self, member: Fingerprint) {
        self.sum = self.sum.wrapping_add(member.0);
        self.count += 1;
    }

    pub(super) fn finish(self) -> Fingerprint {
        let mut bytes = [0; 24];
        bytes[..16].copy_from_slice(&self.sum.to_le_bytes());
        bytes[16..].copy_from_slice(&self.count.to_le_bytes());
        Fingerprint::of(&bytes)
    }
}

/// The print of one result, given the print of its series.
///
/// Most results passed at the first attempt and say nothing more: for those the print of the series, already as good as
/// random, is multiplied by an odd number that the duration chooses; all others are hashed.
pub(super) fn result(
    result: &TestResult,
    plain: bool,
    series: Fingerprint,
    duration: LogSeconds,
) -> Fingerprint {
    if plain && result.start.is_none() {
        let factor = PLAIN.wrapping_add(u128::from(duration.code()).wrapping_mul(SPREAD)) | 1;
        return Fingerprint((series.0 ^ PLAIN).wrapping_mul(factor));
    }
    let mut bytes = [0; 44];
    bytes[..16].copy_from_slice(&series.0.to_le_bytes());
    bytes[16] = result.status.letter() as u8;
    bytes[17] = duration.code();
    bytes[18] = u8::from(result.unordered);
    bytes[19] = u8::from(result.start.is_some());
    let start = result.start.map_or(0, |start| start.0);
    bytes[20..28].copy_from_slice(&start.to_le_bytes());
    if !result.failures.is_empty() || !result.earlier.is_empty() {
        let mut details = Printer::new();
        failures(&mut details, &result.failures);
        details.number(result.earlier.len() as u64);
        for attempt in &result.earlier {
            earlier(&mut details, attempt);
        }
        bytes[28..].copy_from_slice(&details.finish().0.to_le_bytes());
    }
    Fingerprint::of(&bytes)
}

/// Passed at the first attempt, with nothing more to say than how long it took and when it began.
pub(super) fn is_plain(result: &TestResult) -> bool {
    result.status == Status::Passed
        && result.earlier.is_empty()
        && result.failures.is_empty()
        && !result.unordered
}

// the golden ratio and the square root of two in 128 bits: digits that nothing here depends on
const PLAIN: u128 = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c834;
const SPREAD: u128 = 0x6a09_e667_f3bc_c908_b2fb_1366_ea95_7d3e;

fn earlier(printer: &mut Printer, attempt: &Attempt) {
    printer.number(u64::from(u32::from(attempt.status.letter())));
    printer.number(u64::from(LogSeconds::of(attempt.duration).code()));
    printer.number(u64::from(attempt.start.is_some()));
    printer.number(attempt.start.map_or(0, |start| start.0) as u64);
    failures(printer, &attempt.failures);
}

fn failures(printer: &mut Printer, failures: &[Failure]) {
    printer.number(failures.len() as u64);
    for failure in failures {
        printer.piece(&failure.kind);
        printer.piece(&failure.message);
        printer.piece(&failure.stack);
    }
}

/// A print of a sequence: a polynomial with the members as coefficients, so that it can be made piece by piece.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct SequencePrint {
    sum: u128,
    count: u64,
}

impl SequencePrint {
    pub(super) fn add(&mut self, member: Fingerprint) {
        self.sum = self.sum.wrapping_mul(PLAIN | 1).wrapping_add(member.0);
        self.count += 1;
    }

    pub(super) fn finish(self) -> Fingerprint {
        SetPrint {
            sum: self.sum,
            count: self.count,
        }
        .finish()
    }
}

/// What the results of a part come to, gathered window by window.
#[derive(Clone, Default)]
pub(super) struct ResultsPrint {
    results: SetPrint,
    order: SequencePrint,
}

impl ResultsPrint {
    /// Adds one result.
    pub(super) fn add(&mut self, result: Fingerprint) {
        self.results.add(result);
    }

    /// Adds the next series in order of execution.
    pub(super) fn add_order(&mut self, print: Fingerprint) {
        self.order.add(print);
    }

    /// The print of the whole part.
    pub(super) fn finish(&self, header: &Part) -> Fingerprint {
        let mut printer = Printer::new();
        context(&mut printer, &header.context);
        printer.number(
            header
                .duration
                .map_or(u64::MAX, |duration| duration.get().to_bits()),
        );
        printer.number(u64::from(header.complete));
        printer.number(u64::from(header.in_order));
        printer.number(u64::from(header.errors_outside_tests));
        printer.piece(&header.producer);
        printer.piece(sources(header).0.to_le_bytes());
        printer.piece(self.results.finish().0.to_le_bytes());
        if header.in_order {
            printer.piece(self.order.finish().0.to_le_bytes());
        }
        printer.finish()
    }
}

fn context(printer: &mut Printer, context: &RunContext) {
    let all = context.all();
    printer.number(all.len() as u64);
    for (name, value) in all {
        printer.piece(name);
        printer.piece(value);
    }
    printer.number(u64::from(context.start.is_some()));
    printer.number(context.start.map_or(0, |start| start.0) as u64);
}

/// The print of the set of contents that a part was read from.
pub(super) fn sources(header: &Part) -> Fingerprint {
    let mut prints: Vec<Fingerprint> = header.sources.iter().map(|s| s.contents).collect();
    prints.sort_unstable();
    prints.dedup();
    let mut set = SetPrint::default();
    prints.into_iter().for_each(|print| set.add(print));
    set.finish()
}

/// What a part is known by: its sources; where it has none, what it says.
pub(super) fn key(header: &Part, print: Fingerprint) -> Fingerprint {
    if header.sources.is_empty() {
        print
    } else {
        sources(header)
    }
}

/// What a run is known by: pipeline and run id; where there is no id, its only part.
pub(super) fn run(context: &RunContext, key: Fingerprint) -> Fingerprint {
    let mut printer = Printer::new();
    match &context.run_id {
        Some(run_id) => {
            printer.piece(context.pipeline.as_deref().unwrap_or_default());
            printer.piece(run_id);
        }
        None => printer.number(key.0 as u64),
    }
    printer.finish()
}

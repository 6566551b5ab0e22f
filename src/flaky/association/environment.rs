//! Environment: where the test ran: host, operating system, architecture, runner, job, or any other attribute of the run
//! with a few values.
//!
//! Each value is compared with all others by Fisher's exact test; the strongest counts, corrected for the number of values.
//! Not seen here: attributes that nobody reported, and values that only ever occur together.

use rustc_hash::FxHashMap;

use super::exact::{Counts, fisher};
use super::sample::{Candidate, Looked, Sample, compared};
use super::{Kind, load};
use crate::model::{PastPart, attribute};

/// One attribute of all parts.
#[derive(Debug)]
pub(super) struct Column {
    name: String,
    values: Vec<String>,
    /// For each part, the number of its value; `NONE` where it has none.
    of_part: Vec<u32>,
}

const NONE: u32 = u32::MAX;
/// More values than this are an identity, not an environment.
const MOST_VALUES: usize = 200;
/// Names that tell a run apart, or say what it was for.
const IDENTITIES: &[&str] = &[
    attribute::COMMIT,
    attribute::BRANCH,
    attribute::BASE_COMMIT,
    attribute::BASE_BRANCH,
    attribute::CHANGE,
    attribute::RUN_ID,
    attribute::RUN_URL,
    attribute::JOB_RUN_ID,
    attribute::ATTEMPT,
    attribute::COMMAND,
];

/// The attributes that tell environments apart. Cost: O(parts × attributes).
pub(super) fn columns(parts: &[PastPart]) -> Vec<Column> {
    let mut columns: Vec<Column> = Vec::new();
    let mut known: FxHashMap<String, usize> = FxHashMap::default();
    let mut numbers: Vec<FxHashMap<String, u32>> = Vec::new();
    for (part, past) in parts.iter().enumerate() {
        for (name, value) in past.context.all() {
            if IDENTITIES.contains(&name) || load::is_load(name) {
                continue;
            }
            let at = *known.entry(name.to_owned()).or_insert_with(|| {
                columns.push(Column {
                    name: name.to_owned(),
                    values: Vec::new(),
                    of_part: vec![NONE; parts.len()],
                });
                numbers.push(FxHashMap::default());
                columns.len() - 1
            });
            let column = &mut columns[at];
            if column.values.len() > MOST_VALUES {
                continue;
            }
            let number = *numbers[at].entry(value.clone()).or_insert_with(|| {
                column.values.push(value);
                column.values.len() as u32 - 1
            });
            column.of_part[part] = number;
        }
    }
    columns.retain(|column| {
        let known = column
            .of_part
            .iter()
            .filter(|value| **value != NONE)
            .count();
        let values = column.values.len();
        (2..=MOST_VALUES).contains(&values) && values * 3 <= known
    });
    columns.sort_by(|a, b| a.name.cmp(&b.name));
    columns
}

/// Compares the failures of one test over all attributes. Cost: O(attributes × rows).
pub(super) fn look(columns: &[Column], sample: &Sample<'_>, looked: &mut Looked) {
    for column in columns {
        let mut per_value = vec![(0, 0); column.values.len()];
        let (mut fails, mut passes) = (0, 0);
        for row in &sample.rows {
            let value = column.of_part[row.part as usize];
            if value == NONE {
                continue;
            }
            let entry = &mut per_value[value as usize];
            if row.failed {
                entry.0 += 1;
                fails += 1;
            } else {
                entry.1 += 1;
                passes += 1;
            }
        }
        let present = per_value.iter().filter(|(f, p)| f + p > 0).count();
        if present < 2 {
            continue;
        }
        let count = |value: usize| Counts {
            fail_with: per_value[value].0,
            fails,
            pass_with: per_value[value].1,
            passes,
        };
        let best = (0..per_value.len())
            .map(|value| (fisher(count(value)), value))
            .min_by(|a, b| a.0.total_cmp(&b.0));
        let Some((p, value)) = best else { continue };
        looked.add((p * present as f64).min(1.0), || {
            let of = |part: u32| column.of_part[part as usize];
            let with: Vec<bool> = sample
                .rows
                .iter()
                .map(|row| of(row.part) == value as u32)
                .collect();
            let bins = sample
                .rows
                .iter()
                .map(|row| (of(row.part) % 251) as u8)
                .collect();
            let (name, text) = (&column.name, &column.values[value]);
            Candidate {
                series: sample.series,
                kind: Kind::Environment,
                factor: format!("{name} = {text}"),
                p,
                bins,
                effect: false,
                sentence: format!(
                    "fails where `{name}` is `{text}` {}",
                    compared(count(value), "elsewhere")
                ),
                what: format!(
                    "run it in turn where `{name}` is `{text}` and where it is not, on one commit"
                ),
                with,
            }
        });
    }
}

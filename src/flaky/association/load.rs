//! Load: how busy or how small the machine was: load average (also by processor), processors, memory.
//!
//! Numbers are compared by the rank-sum test; the sentence names the threshold that tells failures best.
//! Not seen here: load at the moment of the failure; a part has one value.

use super::Kind;
use super::exact::{Counts, fisher, rank_sum};
use super::sample::{Candidate, Looked, Sample, compared};
use crate::model::{PastPart, attribute};

/// One number for each part.
#[derive(Debug)]
pub(super) struct Column {
    name: String,
    of_part: Vec<Option<f64>>,
}

/// Thresholds that are tried for the sentence.
const THRESHOLDS: usize = 24;
/// Bins within which other factors are compared.
const BINS: usize = 5;

/// Whether an attribute says how busy or how large a machine is.
pub(super) fn is_load(name: &str) -> bool {
    name.starts_with("system.")
        || [attribute::LOAD, attribute::CPUS, attribute::MEMORY].contains(&name)
}

/// The numbers that say how busy or how large the machines were. Cost: O(parts × attributes).
pub(super) fn columns(parts: &[PastPart]) -> Vec<Column> {
    let mut names: Vec<&str> = parts
        .iter()
        .flat_map(|part| part.context.attributes.keys().map(String::as_str))
        .filter(|name| is_load(name))
        .collect();
    names.sort_unstable();
    names.dedup();
    let number = |part: &PastPart, name: &str| {
        let value: f64 = part.context.attributes.get(name)?.parse().ok()?;
        value.is_finite().then_some(value)
    };
    let column = |name: &str, value: &dyn Fn(&PastPart) -> Option<f64>| Column {
        name: name.to_owned(),
        of_part: parts.iter().map(value).collect(),
    };
    let mut columns: Vec<Column> = names
        .iter()
        .map(|name| column(name, &|part| number(part, name)))
        .collect();
    columns.push(column("load average by processor", &|part| {
        let cpus = number(part, attribute::CPUS).filter(|cpus| *cpus > 0.0)?;
        Some(number(part, attribute::LOAD)? / cpus)
    }));
    columns.retain(|column| {
        let mut known = column.of_part.iter().flatten();
        known
            .next()
            .is_some_and(|first| known.any(|other| other != first))
    });
    columns
}

/// Compares the failures of one test over all numbers. Cost: O(columns × rows log rows).
pub(super) fn look(columns: &[Column], sample: &Sample<'_>, looked: &mut Looked) {
    for column in columns {
        let of = |part: u32| column.of_part[part as usize];
        let texts = Texts {
            kind: Kind::Load,
            name: &column.name,
            what: format!(
                "run it in turn on a machine that is kept busy (`stress-ng --cpu 0`), or has fewer processors (`taskset -c 0`), and on a quiet one; watch `{}`",
                column.name
            ),
        };
        numbers(sample, &of, &texts, looked);
    }
}

/// What a number is about.
pub(super) struct Texts<'a> {
    pub kind: Kind,
    pub name: &'a str,
    pub what: String,
}

/// Compares a number between failing and passing results.
pub(super) fn numbers(
    sample: &Sample<'_>,
    of: &dyn Fn(u32) -> Option<f64>,
    texts: &Texts<'_>,
    looked: &mut Looked,
) {
    let known: Vec<(f64, bool)> = sample
        .rows
        .iter()
        .filter_map(|row| Some((of(row.part)?, row.failed)))
        .collect();
    let mut sorted = known.clone();
    let (p, larger) = rank_sum(&mut sorted);
    let varies = sorted.first().map(|v| v.0) != sorted.last().map(|v| v.0);
    if !varies || !sorted.iter().any(|value| value.1) {
        return;
    }
    looked.add(p, || {
        let beyond = |value: f64, threshold: f64| {
            if larger {
                value >= threshold
            } else {
                value <= threshold
            }
        };
        let count = |t: f64| {
            Counts::of(
                known
                    .iter()
                    .map(|(value, failed)| (*failed, beyond(*value, t))),
            )
        };
        let quantile = |k: usize, of: usize| sorted[(sorted.len() - 1) * k / of].0;
        let threshold = (1..=THRESHOLDS)
            .map(|k| quantile(k, THRESHOLDS + 1))
            .map(|t| (fisher(count(t)), t))
            .min_by(|a, b| a.0.total_cmp(&b.0))
            .map_or(0.0, |best| best.1);
        let edges: Vec<f64> = (1..BINS).map(|k| quantile(k, BINS)).collect();
        let bin = |value: f64| edges.iter().filter(|edge| value > **edge).count() as u8;
        let side = if larger { "or more" } else { "or less" };
        let name = texts.name;
        Candidate {
            series: sample.series,
            kind: texts.kind,
            factor: name.to_owned(),
            p,
            with: sample
                .rows
                .iter()
                .map(|row| of(row.part).is_some_and(|value| beyond(value, threshold)))
                .collect(),
            bins: sample
                .rows
                .iter()
                .map(|row| of(row.part).map_or(u8::MAX, bin))
                .collect(),
            effect: false,
            sentence: format!(
                "fails when `{name}` is {} {side} {}",
                rounded(threshold),
                compared(count(threshold), "otherwise")
            ),
            what: texts.what.clone(),
        }
    });
}

/// Three digits that matter.
pub(super) fn rounded(value: f64) -> String {
    if value == 0.0 || value.abs() >= 1000.0 {
        return format!("{value:.0}");
    }
    let digits = (2.0 - value.abs().log10().floor()).clamp(0.0, 8.0) as usize;
    let text = format!("{value:.digits$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::rounded;

    #[test]
    fn numbers_keep_three_digits() {
        let texts = [0.0, 0.001234, 1.5, 12.345, 123.4, 123_456.0].map(rounded);
        assert_eq!(texts, ["0", "0.00123", "1.5", "12.3", "123", "123456"]);
    }
}

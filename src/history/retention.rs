//! Which parts are thinned, given what there is, how long to keep everything, and now. Pure.

use super::Kept;
use crate::model::{PartId, Timestamp};

/// How much is kept for how long.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Keep {
    /// Parts that began (where unknown: were stored) within so many milliseconds before now keep everything. Older
    /// ones keep their outcomes: durations, order, messages and stacks go, daily rollups stay.
    pub everything: i64,
}

impl Keep {
    /// Everything of so many days.
    pub fn days(days: u32) -> Self {
        Self {
            everything: i64::from(days) * Timestamp::DAY,
        }
    }
}

/// The parts that are to be thinned. A part that seems to come from the future is young.
pub(super) fn to_thin(
    parts: impl IntoIterator<Item = (PartId, Timestamp, Kept)>,
    keep: Keep,
    now: Timestamp,
) -> Vec<PartId> {
    let oldest = now.0.saturating_sub(keep.everything);
    parts
        .into_iter()
        .filter(|(_, start, kept)| *kept == Kept::All && start.0 < oldest)
        .map(|(part, _, _)| part)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_old_parts_that_are_whole_are_thinned() {
        let now = Timestamp(100 * Timestamp::DAY);
        let part = |id, days, kept| (PartId(id), Timestamp(now.0 - days * Timestamp::DAY), kept);
        let parts = [
            part(1, 91, Kept::All),
            part(2, 90, Kept::All),
            part(3, 95, Kept::Outcomes),
            part(4, -5, Kept::All),
        ];
        assert_eq!(to_thin(parts, Keep::days(90), now), [PartId(1)]);
        let long_ago = Timestamp(i64::MIN);
        assert_eq!(to_thin(parts, Keep::days(90), long_ago), []);
    }
}

//! How many runs an experiment needs.

/// Runs of both kinds together that tell two failure rates apart, at the 5 % level (two sides) with 80 % power: the normal
/// approximation without correction for continuity (Fleiss, Levin and Paik, Statistical Methods for Rates and
/// Proportions, 3rd edition, formula 4.14). Half of them with the factor, half without; at least [`FEWEST`], at most
/// [`MOST`].
pub(super) fn runs(with: f64, without: f64) -> u32 {
    const LEVEL: f64 = 1.959_964;
    const POWER: f64 = 0.841_621;
    let spread = |p: f64| p * (1.0 - p);
    let mean = (with + without) / 2.0;
    let top = LEVEL * (2.0 * spread(mean)).sqrt() + POWER * (spread(with) + spread(without)).sqrt();
    let each = (top / (with - without)).powi(2);
    if each.is_finite() {
        (2.0 * each.ceil()).clamp(f64::from(FEWEST), f64::from(MOST)) as u32
    } else {
        MOST
    }
}

/// Fewer runs convince nobody.
const FEWEST: u32 = 10;
/// More runs nobody will do.
const MOST: u32 = 100_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_example_needs_its_number() {
        // Fleiss, Levin and Paik, table A.4 with the correction for continuity taken off: 60 % against 70 %, 356 each.
        assert_eq!(runs(0.7, 0.6), 712);
    }

    #[test]
    fn nearer_rates_need_more_runs() {
        assert!(runs(0.5, 0.4) > runs(0.5, 0.1));
        assert_eq!(runs(1.0, 0.0), FEWEST);
        assert_eq!(runs(0.3, 0.3), MOST);
    }
}

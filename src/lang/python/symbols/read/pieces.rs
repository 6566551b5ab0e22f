//! Texts with gaps: names may be put together of what stands around one.

/// What may stand in a gap.
pub(super) const GAP: char = '*';

/// Shorter beginnings and ends say nothing.
const SHORT: usize = 3;

/// The beginnings (`get_*`) and ends (`*Handler`) of names that a text with gaps may give; of each name the longer of both.
pub(super) fn pieces(text: &str) -> impl Iterator<Item = String> {
    let names = text.split(['.', ':']).filter(|name| name.contains(GAP));
    let plain = |name: &&str| {
        let mut chars = name.chars();
        chars.all(|c| c.is_alphanumeric() || c == '_' || c == GAP)
    };
    names.filter(plain).filter_map(|name| {
        let first = name.split(GAP).next().unwrap_or_default();
        let last = name.rsplit(GAP).next().unwrap_or_default();
        match first.len() >= last.len() {
            true => (first.len() >= SHORT).then(|| format!("{first}{GAP}")),
            false => (last.len() >= SHORT).then(|| format!("{GAP}{last}")),
        }
    })
}

/// A text as a format: what is put into it are gaps. `None` where it has none.
pub(super) fn format(text: &str) -> Option<String> {
    if text.contains(GAP) || !text.contains(['{', '%']) {
        return None;
    }
    let mut found = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['{', '%']) {
        let (before, gap) = rest.split_at(at);
        let Some(end) = gap_end(gap) else { break };
        found.push_str(before);
        found.push(GAP);
        rest = gap.get(end + 1..).unwrap_or_default();
    }
    found.push_str(rest);
    found.contains(GAP).then_some(found)
}

/// Where the gap ends that a text begins with: `{name}`, `%s`, `%(name)s`.
fn gap_end(gap: &str) -> Option<usize> {
    if gap.starts_with('{') {
        return gap.find('}');
    }
    let kind = |c: char| c.is_ascii_alphabetic();
    let named = gap.strip_prefix("%(").and_then(|name| name.find(')'));
    let from = named.map_or(0, |close| close + 3);
    gap.get(from..)?.find(kind).map(|at| at + from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<String> {
        pieces(text).collect()
    }

    #[test]
    fn names_begin_and_end_as_what_stands_around_a_gap() {
        assert_eq!(all("get_*"), ["get_*"]);
        assert_eq!(all("*Handler"), ["*Handler"]);
        assert_eq!(all("get_*_display"), ["*_display"]);
        assert_eq!(all("app.plugins.*Plugin"), ["*Plugin"]);
        assert_eq!(all("app.*"), Vec::<String>::new());
        assert_eq!(all("no * name"), Vec::<String>::new());
        assert_eq!(all("plain"), Vec::<String>::new());
    }

    #[test]
    fn what_is_put_into_a_format_is_a_gap() {
        for (text, gaps) in [
            ("get_{}", Some("get_*")),
            ("get_{name!r}_x", Some("get_*_x")),
            ("%sHandler", Some("*Handler")),
            ("get_%(name)s_x", Some("get_*_x")),
            ("%5.2f", Some("*")),
            ("100 %", None),
            ("plain", None),
            ("{open", None),
            ("é{}é", Some("é*é")),
        ] {
            assert_eq!(format(text).as_deref(), gaps, "{text}");
        }
    }
}

//! Names of definitions that a file of data may give to code which looks them up: those on dotted ways, as in
//! `handler = shop.mail:Sender` or `"class": "shop.log.Filter"`.

use rustc_hash::FxHashSet;

/// A file with more names is taken to hold all there are.
const MANY: usize = 10_000;

/// The names on dotted ways in a text, sorted, each once; `None` where they are too many. Cost: linear in the text.
pub(super) fn names(blob: &[u8]) -> Option<Vec<String>> {
    let text = String::from_utf8_lossy(blob);
    let mut found: FxHashSet<&str> = FxHashSet::default();
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | ':');
    for way in text.split(|c: char| !is_part(c)) {
        if !way.contains(['.', ':']) {
            continue;
        }
        let parts = way.split(['.', ':']).filter(|part| is_name(part));
        if parts.clone().nth(1).is_some() {
            found.extend(parts);
        }
        if found.len() > MANY {
            return None;
        }
    }
    let mut found: Vec<String> = found.into_iter().map(str::to_owned).collect();
    found.sort_unstable();
    Some(found)
}

/// Whether code may have a name like this.
fn is_name(part: &str) -> bool {
    let first = part.chars().next();
    first.is_some_and(|c| c.is_alphabetic() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_on_dotted_ways() {
        let text = r#"
            # see shop
            [loggers]
            handler = shop.mail:Sender
            {"class": "shop.log.Filter", "at": "12:30", "version": "1.2.3", "a": "one. Two"}
        "#;
        let found = names(text.as_bytes());
        assert_eq!(
            found.as_deref().map(|all| all.join(" ")).as_deref(),
            Some("Filter Sender log mail shop")
        );
        assert_eq!(
            names(b"\xff\xfe a.b"),
            Some(vec!["a".to_owned(), "b".to_owned()])
        );
    }

    #[test]
    fn too_many_names_are_not_told_apart() {
        let text: String = (0..MANY).map(|n| format!("a{n}.b\n")).collect();
        assert_eq!(names(text.as_bytes()), None);
    }
}

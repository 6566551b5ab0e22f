//! Patterns that Python's `re` is sure to accept: a small part of the language, so that a "yes" needs no second thought.

use ruff_python_ast::{Expr, ExprCall, Operator};

use super::pure::dotted;

/// Whether a call compiles a pattern that is sure to be accepted. `names` gathers what it calls.
pub(super) fn is_sure(call: &ExprCall, names: &mut Vec<String>) -> bool {
    if dotted(&call.func).as_deref() != Some("re.compile") || !call.arguments.keywords.is_empty() {
        return false;
    }
    names.push("re.compile".to_owned());
    let (pattern, flags) = match &*call.arguments.args {
        [pattern] => (pattern, None),
        [pattern, flags] => (pattern, Some(flags)),
        _ => return false,
    };
    pattern
        .as_string_literal_expr()
        .is_some_and(|text| is_pattern(text.value.to_str()))
        && flags.is_none_or(are_plain)
}

/// Flags that change what a pattern matches, but not how it is read.
fn are_plain(flags: &Expr) -> bool {
    match flags {
        Expr::BinOp(op) => op.op == Operator::BitOr && are_plain(&op.left) && are_plain(&op.right),
        _ => dotted(flags).is_some_and(|name| {
            matches!(
                name.as_str(),
                "re.I" | "re.IGNORECASE" | "re.M" | "re.MULTILINE" | "re.S" | "re.DOTALL"
            )
        }),
    }
}

/// Whether `re` accepts a pattern, without a warning. Linear.
pub(super) fn is_pattern(text: &str) -> bool {
    let mut reader = Reader {
        rest: text,
        names: Vec::new(),
        depth: 0,
    };
    reader.alternatives().is_some() && reader.rest.is_empty()
}

struct Reader<'t> {
    rest: &'t str,
    names: Vec<&'t str>,
    depth: u32,
}

/// Deeper groups are not looked into.
const DEEP: u32 = 50;

impl<'t> Reader<'t> {
    fn takes(&mut self, text: &str) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn next(&mut self) -> Option<char> {
        let char = self.rest.chars().next()?;
        self.rest = &self.rest[char.len_utf8()..];
        Some(char)
    }

    /// Up to the end, or the end of the group.
    fn alternatives(&mut self) -> Option<()> {
        while let Some(char) = self.rest.chars().next() {
            match char {
                ')' => return Some(()),
                '|' => {
                    self.next();
                }
                _ => {
                    let repeats = self.atom()?;
                    self.quantifier(repeats)?;
                }
            }
        }
        Some(())
    }

    /// One thing to match; whether it can be repeated.
    fn atom(&mut self) -> Option<bool> {
        match self.next()? {
            '\\' => self.escape().map(|matched| matched.repeats),
            '^' | '$' => Some(false),
            '.' => Some(true),
            '(' => self.group(),
            '[' => self.set(),
            '*' | '+' | '?' | ')' | ']' | '{' | '}' | '|' => None,
            _ => Some(true),
        }
    }

    fn group(&mut self) -> Option<bool> {
        let mut repeats = true;
        if self.takes("?P<") {
            let (name, rest) = self.rest.split_once('>')?;
            let mut chars = name.chars();
            let fits = chars
                .next()
                .is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
                && chars.all(|c| c.is_ascii_alphanumeric() || c == '_');
            if !fits || self.names.contains(&name) {
                return None;
            }
            self.names.push(name);
            self.rest = rest;
        } else if self.takes("?=") || self.takes("?!") {
            repeats = false;
        } else if !self.takes("?:") && self.rest.starts_with('?') {
            return None;
        }
        self.depth += 1;
        if self.depth > DEEP {
            return None;
        }
        self.alternatives()?;
        self.depth -= 1;
        self.takes(")").then_some(repeats)
    }

    fn escape(&mut self) -> Option<Matched> {
        let one = |char| {
            Some(Matched {
                repeats: true,
                one: Some(char),
            })
        };
        match self.next()? {
            'd' | 'D' | 'w' | 'W' | 's' | 'S' => Some(Matched {
                repeats: true,
                one: None,
            }),
            'b' | 'B' | 'A' | 'Z' => Some(Matched {
                repeats: false,
                one: None,
            }),
            'n' => one('\n'),
            'r' => one('\r'),
            't' => one('\t'),
            char if char.is_ascii_punctuation() => one(char),
            _ => None,
        }
    }

    fn set(&mut self) -> Option<bool> {
        self.takes("^");
        if self.rest.starts_with(']') {
            return None;
        }
        let mut from: Option<char> = None;
        let mut first = true;
        loop {
            // what may once mean an operation on sets is warned of
            if ["[", "--", "&&", "~~", "||"]
                .iter()
                .any(|text| self.rest.starts_with(text))
            {
                return None;
            }
            let char = self.next()?;
            match char {
                ']' => return Some(true),
                '-' if !(first || self.rest.starts_with(']')) => {
                    // up to another character
                    let to = match self.next()? {
                        '\\' => self.in_set()?.one?,
                        '[' | '-' | ']' => return None,
                        to => to,
                    };
                    if from.take()? > to {
                        return None;
                    }
                }
                '\\' => from = self.in_set()?.one,
                char => from = Some(char),
            }
            first = false;
        }
    }

    /// An escape within a set, where there are no boundaries.
    fn in_set(&mut self) -> Option<Matched> {
        self.escape().filter(|matched| matched.repeats)
    }

    fn quantifier(&mut self, repeats: bool) -> Option<()> {
        let found = if self.takes("{") {
            let (counts, rest) = self.rest.split_once('}')?;
            let (least, most) = counts.split_once(',').unwrap_or((counts, counts));
            let number = |text: &str| {
                let digits = !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
                text.parse::<u32>().ok().filter(|n| digits && *n < 1000)
            };
            let least = number(least)?;
            if !most.is_empty() && number(most)? < least {
                return None;
            }
            self.rest = rest;
            true
        } else {
            self.takes("*") || self.takes("+") || self.takes("?")
        };
        if !found {
            return Some(());
        }
        self.takes("?");
        let again = self.rest.starts_with(['*', '+', '?', '{']);
        (repeats && !again).then_some(())
    }
}

struct Matched {
    repeats: bool,
    /// The one character that it is.
    one: Option<char>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_sure_where_python_takes_it() {
        for pattern in [
            "",
            "a|b",
            r"^\S+@\w[\w.-]*\.\w+$",
            r"(?P<year>\d{4})-(?P<month>\d{2,})",
            "[a-z0-9_]+?",
            "[^-a]",
            "[a-]",
            r"(?:a(?=b)|c){1,3}",
            r"[\]\[\n-\r]",
            "x*?y+?",
            r"\bé\b",
            r"\\",
            "(|a)",
        ] {
            assert!(is_pattern(pattern), "{pattern}");
        }
        for pattern in [
            "(",
            ")",
            "[",
            "a)",
            "*a",
            "a**",
            "a{2,1}",
            "a{x}",
            "[z-a]",
            "[a--b]",
            "[[a]",
            r"\1",
            r"\q",
            "(?i)a",
            "(?<=a+)b",
            "(?P<a>x)(?P<a>y)",
            "(?P<1>x)",
            "^*",
            r"\b+",
            "a++",
            "[]",
            r"[\b]",
            r"[\d-x]",
            "a{1001}",
            "(?P=a)",
            "\\",
        ] {
            assert!(!is_pattern(pattern), "{pattern}");
        }
    }
}

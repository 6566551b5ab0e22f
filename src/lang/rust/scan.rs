//! Finds `mod` declarations and tests in the tokens of a source, in one walk.
//!
//! Not seen here: modules and tests that a macro makes of its arguments. The first are reported and widen to the
//! package; for the second, macros and their calls are noted, and put together over all files of a target.

use super::attributes::{self, Role};
use super::macros::{self, Call};
use super::prints::is_macro_call;
use super::source::{ModDecl, ModName, Source};
use super::tokens::{Kind, Token, Tokens, value};

/// Macros that may stand among items and make no tests of their own accord.
const QUIET_MACROS: &[&str] = &[
    "macro_rules",
    "thread_local",
    "lazy_static",
    "bitflags",
    "cfg_if",
    "include",
    "compile_error",
    "const_assert",
    "assert_impl_all",
    "assert_not_impl_any",
    "assert_eq_size",
    "pin_project",
    "global_asm",
    "proptest",
    "criterion_group",
    "criterion_main",
    "println",
];

/// Derives that make tests.
const TEST_DERIVES: &[&str] = &["TS"];

/// Nesting of inline modules beyond this is not written down; declarations in there are reported.
const DEEPEST: usize = 64;

/// Collects modules and tests into `source`.
pub(super) fn scan(tokens: &Tokens<'_>, source: &mut Source, trouble: &mut Vec<(u32, String)>) {
    let mut inline: Vec<(usize, ModName)> = Vec::new();
    // Up to where the walk is inside something that is no module, and inside a macro's definition.
    let (mut body_end, mut definition_end) = (0, 0);
    for (index, token) in tokens.iter().enumerate() {
        while inline.last().is_some_and(|(end, _)| *end <= index) {
            inline.pop();
        }
        match token.kind {
            Kind::Open if index >= body_end => {
                let is_module = token.text == "{"
                    && index > 1
                    && tokens.is(index - 2, "mod")
                    && tokens.ident(index - 1).is_some();
                if !is_module {
                    body_end = token.partner;
                    if is_macro_call(tokens, index) {
                        called(tokens, index, &inline, source);
                    }
                }
            }
            Kind::Ident if token.text == "macro_rules" => {
                let open = (index..index + 6).find(|i| tokens.close(*i).is_some());
                let end = open.and_then(|open| tokens.close(open)).unwrap_or_default();
                definition_end = definition_end.max(end);
                if let (Some(open), Some(name)) = (open, tokens.ident(index + 2)) {
                    source.makers.push(macros::maker(tokens, name, open));
                }
            }
            Kind::Ident if token.text == "mod" => {
                module(tokens, index, token, &mut inline, source, trouble);
            }
            Kind::Ident if token.text == "automod" && tokens.is(index + 4, "!") => {
                let literal = tokens.inside(index + 5).last();
                let dir = literal.and_then(|i| value(tokens.get(i)?.text));
                source.mod_dirs.extend(dir.map(|dir| (dir, token.line)));
            }
            Kind::Ident if token.text == "fn" => {
                // what a definition makes shows where it is called
                if index < definition_end {
                    continue;
                }
                let Some(name) = tokens.ident(index + 1) else {
                    source.hides_tests |= role_of(tokens, index) != Role::Plain;
                    continue;
                };
                match role_of(tokens, index) {
                    Role::Plain => {}
                    Role::Test => {
                        let modules = inline.iter().map(|(_, module)| module.name.as_str());
                        let path: Vec<_> = modules.chain([name]).collect();
                        source.tests.push(path.join("::"));
                        source.hides_tests |= has_parameters(tokens, index);
                    }
                    Role::Unknown => source.hides_tests = true,
                }
            }
            Kind::Ident => source.hides_tests |= TEST_DERIVES.contains(&token.text),
            _ => {}
        }
    }
    source.tests.sort();
    source.tests.dedup();
}

fn module(
    tokens: &Tokens<'_>,
    index: usize,
    token: &Token<'_>,
    inline: &mut Vec<(usize, ModName)>,
    source: &mut Source,
    trouble: &mut Vec<(u32, String)>,
) {
    let Some(name) = tokens.ident(index + 1) else {
        // An inline module of any name matters only where it holds modules in files.
        let mut inside = tokens.inside(index + 3);
        let mut holds_files = || inside.any(|i| tokens.is(i, "mod") && !tokens.is(i + 2, "{"));
        if tokens.is(index + 1, "$") && (!tokens.is(index + 3, "{") || holds_files()) {
            source.any_module = true;
            unwritten(token, "source", trouble);
        }
        return;
    };
    let (names, computed_path, role) = name_of(tokens, index, name);
    source.hides_tests |= role == Role::Unknown;
    if computed_path || inline.len() >= DEEPEST {
        source.opaque = true;
        unwritten(token, "file", trouble);
    }
    if tokens.is(index + 2, ";") {
        source.mods.push(ModDecl {
            inside: inline
                .iter()
                .take(DEEPEST)
                .map(|(_, module)| module.clone())
                .collect(),
            name: names,
            line: token.line,
        });
    } else if tokens.is(index + 2, "{")
        && let Some(end) = tokens.close(index + 2)
    {
        inline.push((end, names));
    }
}

fn unwritten(token: &Token<'_>, what: &str, trouble: &mut Vec<(u32, String)>) {
    trouble.push((
        token.line,
        format!("a module whose file is not written out: it may be any {what} of the package"),
    ));
}

/// The name with its `#[path]`s, whether one of them is computed, and what its attributes make of it.
fn name_of(tokens: &Tokens<'_>, index: usize, name: &str) -> (ModName, bool, Role) {
    let mut out = ModName {
        name: name.to_owned(),
        ..ModName::default()
    };
    let (mut computed, mut role) = (false, Role::Plain);
    let mut at = before_qualifiers(tokens, index);
    while let Some(open) = tokens.attribute_before(at) {
        if attributes::role(tokens, open) == Role::Unknown {
            role = Role::Unknown;
        }
        let conditional = tokens.is(open + 1, "cfg_attr");
        for part in attributes::parts(tokens, open) {
            if tokens.is(part, "path") && tokens.is(part + 1, "=") {
                let literal = tokens.get(part + 2).filter(|t| t.kind == Kind::Str);
                match literal.and_then(|t| value(t.text)) {
                    Some(path) => {
                        out.paths.push(path);
                        out.only_paths |= !conditional;
                    }
                    None => computed = true,
                }
            }
        }
        at = open - 1;
    }
    (out, computed, role)
}

/// What its attributes make of the function whose keyword is at `index`.
pub(super) fn role_of(tokens: &Tokens<'_>, index: usize) -> Role {
    let mut at = before_qualifiers(tokens, index);
    let mut found = Role::Plain;
    while let Some(open) = tokens.attribute_before(at) {
        match attributes::role(tokens, open) {
            Role::Unknown => found = Role::Unknown,
            Role::Test if found == Role::Plain => found = Role::Test,
            _ => {}
        }
        at = open - 1;
    }
    found
}

/// Steps back from a keyword over `pub(crate) unsafe extern "C"` and the like.
fn before_qualifiers(tokens: &Tokens<'_>, index: usize) -> usize {
    let mut at = index;
    while let Some(before) = at.checked_sub(1) {
        let Some(token) = tokens.get(before) else {
            break;
        };
        let qualifies = match token.kind {
            Kind::Ident => matches!(
                token.text,
                "pub" | "async" | "unsafe" | "const" | "extern" | "default" | "safe" | "gen"
            ),
            Kind::Str => before > 0 && tokens.is(before - 1, "extern"),
            Kind::Close if token.text == ")" && token.partner > 0 => {
                if tokens.is(token.partner - 1, "pub") {
                    at = token.partner;
                    continue;
                }
                false
            }
            _ => false,
        };
        if !qualifies {
            break;
        }
        at = before;
    }
    at
}

/// Whether an attribute among a test's parameters gives it several cases (`#[case]`, `#[values(..)]`).
fn has_parameters(tokens: &Tokens<'_>, index: usize) -> bool {
    let range = tokens.inside(index + 2);
    range
        .into_iter()
        .any(|i| tokens.is(i, "#") && tokens.is(i + 1, "["))
}

/// Notes a macro call among items, and the calls in what it is given.
fn called(tokens: &Tokens<'_>, open: usize, inline: &[(usize, ModName)], source: &mut Source) {
    let around: String = inline
        .iter()
        .map(|(_, module)| format!("{}::", module.name))
        .collect();
    let name = name_of_call(tokens, open);
    if name == Some("macro_rules") {
        return;
    }
    if name.is_none_or(|name| !QUIET_MACROS.contains(&name)) {
        source.hides_tests |= macros::hands_tests(tokens, open);
        let given = macros::arguments(tokens, open).into_iter();
        source.calls.push(Call {
            name: name.unwrap_or_default().to_owned(),
            around: around.clone(),
            given: given
                .map(|at| Some(tokens.ident(at?)?.to_owned()))
                .collect(),
            nested: false,
        });
    }
    for inner in tokens.inside(open).filter(|i| is_macro_call(tokens, *i)) {
        let name = name_of_call(tokens, inner).unwrap_or_default();
        if !macros::EXPRESSIONS.contains(&name) && !QUIET_MACROS.contains(&name) {
            source.calls.push(Call {
                name: name.to_owned(),
                nested: true,
                ..Call::default()
            });
        }
    }
}

/// The name of the macro that is called with the bracket at `open`.
fn name_of_call<'a>(tokens: &Tokens<'a>, open: usize) -> Option<&'a str> {
    let bang = |back: usize| open.checked_sub(back).is_some_and(|i| tokens.is(i, "!"));
    let back = if bang(1) { 2 } else { 3 };
    open.checked_sub(back).and_then(|i| tokens.ident(i))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scanned(text: &str) -> Source {
        let mut source = Source::default();
        scan(&Tokens::of(text), &mut source, &mut Vec::new());
        source
    }

    #[test]
    fn modules_are_found_wherever_they_stand() {
        for (text, expected) in [
            ("mod a; pub(crate) mod r#b;", "a b"),
            ("mod x { mod y { pub mod a; } mod b; }", "x/y/a x/b"),
            ("#[path = \"q.rs\"] mod a;", "a=q.rs!"),
            (
                "#[cfg_attr(unix, path = \"u.rs\")]\n/// d\n#[cfg_attr(windows, path = \"w.rs\")] mod a;",
                "a=w.rs=u.rs",
            ),
            ("#[path = \"d\"] mod x { mod a; }", "x=d!/a"),
            (
                "cfg_if! { if #[cfg(unix)] { mod a; } else { mod b; } }",
                "a b",
            ),
            ("macro_rules! m { () => { mod a; } }", "a"),
            ("fn f() { mod a; }", "a"),
            ("// mod a;\nlet s = \"mod b;\";", ""),
        ] {
            let show = |m: &ModName| {
                let paths: String = m.paths.iter().map(|p| format!("={p}")).collect();
                format!("{}{paths}{}", m.name, if m.only_paths { "!" } else { "" })
            };
            let got: Vec<_> = scanned(text)
                .mods
                .iter()
                .map(|m| {
                    m.inside
                        .iter()
                        .chain([&m.name])
                        .map(show)
                        .collect::<Vec<_>>()
                        .join("/")
                })
                .collect();
            assert_eq!(got.join(" "), expected, "{text}");
        }
    }

    #[test]
    fn a_computed_module_may_be_any_source_and_a_computed_path_any_file() {
        assert!(scanned("macro_rules! m { ($a:ident) => { mod $a; } }").any_module);
        assert!(scanned("#[path = concat!(\"a\", \"b\")] mod x;").opaque);
        assert!(!scanned("mod x { mod y; }").any_module);
        assert!(!scanned("macro_rules! m { ($a:ident) => { mod $a { fn f() {} } } }").any_module);
        assert!(scanned("macro_rules! m { ($a:ident) => { mod $a { mod b; } } }").any_module);
    }

    #[test]
    fn tests_are_listed_with_their_modules() {
        for (text, expected, complete) in [
            (
                "#[test] fn a() {} mod tests { #[test]\n#[ignore] pub(crate) async fn b() {} fn c() {} }",
                "a tests::b",
                true,
            ),
            ("#[tokio::test] async fn a() {}", "a", true),
            ("proptest! { #[test] fn a(x in 0..1) {} }", "a", true),
            ("#[rstest] #[case(1)] fn a(#[case] x: u8) {}", "", false),
            ("#[rstest] fn a(#[values(1, 2)] x: u8) {}", "a", false),
            ("t!(#[test] fn a() {});", "a", false),
            ("fn f() { println!(); vec![1]; }", "", true),
            ("#[my_test] fn a() {}", "", false),
            ("#[suite] mod a { fn b() {} }", "", false),
        ] {
            let source = scanned(text);
            assert_eq!(source.tests.join(" "), expected, "{text}");
            assert_eq!(!source.hides_tests, complete, "{text}");
        }
    }
}

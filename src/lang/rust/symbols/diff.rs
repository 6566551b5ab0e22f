//! Two versions of a file → the units that differ, or why they cannot be told.
//!
//! Rust checks bodies one by one against signatures, so a changed body stays with its unit. What may change the meaning
//! of other code (signatures, types, impls, imports, macros), or whether it compiles at all, counts for the whole file;
//! a compiler that refuses a body refuses every test of the crate, which the build shows and no selection has to.

use rustc_hash::FxHashMap;

use super::{Kind, REST, Symbols, Unit};
use crate::lang::UnitChange;
use crate::model::Attributed;

/// What differs between two versions of a file.
pub(in crate::lang::rust) fn diff(before: &Symbols, after: &Symbols) -> UnitChange {
    match told(before, after) {
        Ok(change) => change,
        Err(why) => UnitChange::Whole(why),
    }
}

fn told(before: &Symbols, after: &Symbols) -> Result<UnitChange, String> {
    let (old, new) = (keyed(before), keyed(after));
    let (mut units, mut heads) = (Vec::new(), Vec::new());
    let mut moved = false;
    let mut last = None;
    for (at, key) in new.order.iter().enumerate() {
        let (place, unit) = (at as u32, &after.units[at]);
        let Some(&was) = old.places.get(key) else {
            appears(before, after, &old, unit)?;
            units.push((None, Some(place)));
            continue;
        };
        if last.is_some_and(|last| last > was) {
            return Err("its items changed places".to_owned());
        }
        last = Some(was);
        if before.units[was as usize].module != unit.module {
            return Err(format!("`{}` stands in another module", unit.name));
        }
        moved |= before.units[was as usize].lines.0 != unit.lines.0;
        if differs(&before.units[was as usize], unit)? {
            units.push((Some(was), Some(place)));
            if before.units[was as usize].head != unit.head {
                heads.push((Some(was), Some(place)));
            }
        }
    }
    for (at, key) in old.order.iter().enumerate() {
        if new.places.contains_key(key) {
            continue;
        }
        let unit = &before.units[at];
        if unit.kind != Kind::Test {
            return Err(format!("`{}` is gone", unit.name));
        }
        units.push((Some(at as u32), None));
    }
    Ok(UnitChange::Units(Attributed {
        units,
        heads,
        moved,
        ..Attributed::default()
    }))
}

/// Whether a unit differs, where that stays with it.
fn differs(was: &Unit, is: &Unit) -> Result<bool, String> {
    if (was.head, was.body) == (is.head, is.body) {
        return Ok(false);
    }
    let stays = match is.kind {
        Kind::Docs | Kind::Test => true,
        Kind::Function => was.head == is.head,
        // another value of the same type; a macro that makes the same items of the same types
        Kind::Value | Kind::Macro => was.shape == is.shape,
        _ => false,
    };
    match is.kind {
        _ if stays => Ok(true),
        Kind::Rest => Err("what stands outside of its items changed".to_owned()),
        Kind::Function => Err(format!("the signature of `{}` changed", is.name)),
        Kind::Value | Kind::Macro => Err(format!("`{}` changed in more than texts", is.name)),
        _ => Err(format!("`{}` changed", is.name)),
    }
}

/// Whether a unit may appear without changing more than what its name reaches.
fn appears(before: &Symbols, after: &Symbols, old: &Keyed, unit: &Unit) -> Result<(), String> {
    let no = || Err(format!("`{}` is new", unit.name));
    let stands_free = match unit.holder {
        None => true,
        // a method may take a call away from a trait's, but only for its own type
        Some(holder) => {
            let inherent = after.units[holder as usize].header.as_ref();
            let known = keyed(after).order.get(holder as usize).cloned();
            inherent.is_some_and(|header| header.of_trait.is_none())
                && known.is_some_and(|key| old.places.contains_key(&key))
        }
    };
    let plain = match unit.kind {
        Kind::Test => true,
        Kind::Function | Kind::Value => !unit.kept,
        // a type that only this file can name may take the name from one that others see
        Kind::Type => !unit.kept && !unit.hidden,
        _ => false,
    };
    // a second one of the same name is another's under some condition
    let twin = before.units.iter().any(|other| other.name == unit.name);
    if stands_free && plain && !twin {
        Ok(())
    } else {
        no()
    }
}

/// Units by kind and name; namesakes by their order.
struct Keyed<'a> {
    places: FxHashMap<(Kind, &'a str, u32), u32>,
    order: Vec<(Kind, &'a str, u32)>,
}

fn keyed(symbols: &Symbols) -> Keyed<'_> {
    let mut seen: FxHashMap<(Kind, &str), u32> = FxHashMap::default();
    let mut out = Keyed {
        places: FxHashMap::default(),
        order: Vec::with_capacity(symbols.units.len()),
    };
    for (at, unit) in symbols.units.iter().enumerate() {
        let count = seen.entry((unit.kind, &unit.name)).or_default();
        let key = (unit.kind, unit.name.as_str(), *count);
        *count += 1;
        out.places.insert(key, at as u32);
        out.order.push(key);
    }
    debug_assert_eq!(
        out.order.first().map(|key| key.0),
        symbols.units.get(REST as usize).map(|u| u.kind)
    );
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::rust::prints::each_piece;
    use crate::lang::rust::symbols::read;
    use crate::lang::rust::tokens::Tokens;

    fn symbols(text: &str) -> Symbols {
        let tokens = Tokens::of(text);
        let mut pieces = Vec::new();
        let prints = each_piece(&tokens, |piece| pieces.push(piece));
        read(&tokens, &pieces, &prints)
    }

    /// The names of the units that differ, or why they cannot be told.
    fn told(before: &str, after: &str) -> String {
        let (before, after) = (symbols(before), symbols(after));
        match diff(&before, &after) {
            UnitChange::Whole(why) => format!("whole: {why}"),
            UnitChange::Units(Attributed { units, .. }) => {
                let name = |pair: &(Option<u32>, Option<u32>)| match pair {
                    (Some(_), Some(at)) => after.units[*at as usize].name.clone(),
                    (None, Some(at)) => format!("+{}", after.units[*at as usize].name),
                    (Some(at), None) => format!("-{}", before.units[*at as usize].name),
                    (None, None) => String::new(),
                };
                units.iter().map(name).collect::<Vec<_>>().join(" ")
            }
        }
    }

    #[test]
    fn bodies_and_values_stay_with_their_units() {
        for (before, after, expected) in [
            ("fn f() { 1 } fn g() {}", "fn f() { 2 } fn g() {}", "f"),
            ("mod a { fn f() { 1 } }", "mod a { fn f() { 2 } }", "a::f"),
            (
                "impl A { pub fn f() { 1 } }",
                "impl A { pub fn f() { 2 } }",
                "A::f",
            ),
            (
                "impl B for A { fn f() { 1 } }",
                "impl B for A { fn f() { 2 } }",
                "<A as B>::f",
            ),
            (
                "trait A { fn f() { 1 } }",
                "trait A { fn f() { 2 } }",
                "A::f",
            ),
            ("const A: &str = \"a\";", "const A: &str = \"b\";", "A"),
            (
                "static A: B = B { c: true };",
                "static A: B = B { c: false };",
                "A",
            ),
            (
                "macro_rules! m { () => { \"a\" } }",
                "macro_rules! m { () => { \"b\" } }",
                "m",
            ),
            (
                "#[test] fn a() { 1 }",
                "#[test] #[ignore] fn a() { 1 }",
                "a",
            ),
            ("fn f() {}", "fn f() {} #[test] fn a() {}", "+a"),
            ("#[test] fn a() {}", "", "-a"),
            ("fn f() {}", "fn f() {} fn g() {}", "+g"),
            (
                "impl A { fn f() {} }",
                "impl A { fn f() {} fn g() {} }",
                "+A::g",
            ),
            (
                "/// ```\n/// a()\n/// ```\nfn f() {}",
                "/// ```\n/// b()\n/// ```\nfn f() {}",
                "code in docs",
            ),
            ("fn f() -> A<{ 1 }> { 1 }", "fn f() -> A<{ 1 }> { 2 }", "f"),
        ] {
            assert_eq!(told(before, after), expected, "{before} / {after}");
        }
    }

    #[test]
    fn what_others_are_compiled_against_counts_for_the_file() {
        for (before, after) in [
            ("fn f() { 1 }", "pub fn f() { 1 }"),
            ("fn f(a: u8) {}", "fn f(a: u16) {}"),
            ("#[inline] fn f() {}", "#[cfg(a)] fn f() {}"),
            ("fn f() -> A<{ 1 }> { 1 }", "fn f() -> A<{ 2 }> { 1 }"),
            ("struct A;", "struct A(u8);"),
            ("#[derive(Debug)] struct A;", "#[derive(Clone)] struct A;"),
            ("use a::b;", "use a::c;"),
            ("fn f() {}", "#![no_std] fn f() {}"),
            ("fn f() {}", "fn f() {} impl A for B {}"),
            ("impl A for B {}", "impl A for B { fn f() {} }"),
            ("trait A {}", "trait A { fn f() {} }"),
            ("fn f() {} fn g() {}", "fn g() {}"),
            ("fn f() {} fn g() {}", "fn g() {} fn f() {}"),
            ("const A: u8 = 1;", "const A: u8 = 2;"),
            ("const A: B = a..=b;", "const A: B = a..b;"),
            (
                "macro_rules! m { () => { a } }",
                "macro_rules! m { () => { b } }",
            ),
            ("m! { a }", "m! { b }"),
            ("mod a { fn f() {} }", "mod b { fn f() {} }"),
            ("fn f() {}", "fn f() {} #[no_mangle] fn g() {}"),
            ("fn f() {}", "fn f() {} #[cfg(a)] fn f() {}"),
            ("const _: () = { 1 };", "const _: () = { 2 };"),
            ("type A = B;", "type A = C;"),
            ("extern \"C\" { fn f(); }", "extern \"C\" { fn g(); }"),
            ("fn f() {}", "fn f() {} ???"),
            ("fn f() {}", "fn f() {} struct A;"),
            (
                "#[cfg(a)] mod m { fn f() {} } #[cfg(b)] mod m {}",
                "#[cfg(a)] mod m {} #[cfg(b)] mod m { fn f() {} }",
            ),
            (
                "#[cfg(a)] impl A { fn f() {} } #[cfg(b)] impl A {}",
                "#[cfg(a)] impl A {} #[cfg(b)] impl A { fn f() {} }",
            ),
        ] {
            let found = told(before, after);
            assert!(found.starts_with("whole"), "{before} / {after}: {found}");
        }
    }

    #[test]
    fn layout_and_plain_docs_change_no_unit() {
        assert_eq!(told("fn f() {}", "\n// x\n/// y\nfn f() { }"), "");
    }

    proptest::proptest! {
        #[test]
        fn code_that_differs_differs_in_some_unit(
            words in proptest::collection::vec(proptest::prop_oneof![
                "fn|impl|trait|struct|mod|const|static|use|macro_rules|pub|#|!|=|;|,|<|>|::|as|for|where",
                "\\{|\\}|\\(|\\)|\\[|\\]", "a|b|m!|\"s\"|1|/// d\n",
            ], 0..60),
            at in 0_usize..60,
        ) {
            let before = words.join(" ");
            let mut changed = words.clone();
            if let Some(word) = changed.get_mut(at) {
                *word = "changed".to_owned();
            }
            let after = changed.join(" ");
            let code = |text: &str| each_piece(&Tokens::of(text), |_| {}).code;
            if code(&before) != code(&after) {
                proptest::prop_assert_ne!(told(&before, &after), "");
            }
        }
    }
}

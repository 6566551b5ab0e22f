//! Which tests a file holds: what stands in it, and what a runner would make of that.
//!
//! pytest's rules, with unittest's for subclasses of `TestCase`. Where a runner may find more (inherited methods, tests
//! made by calls), the list is said to be incomplete, and only the file as a whole is named.

use ruff_python_ast::{Decorator, Expr, StmtClassDef, StmtFunctionDef};

use super::glob;
use super::source::{Class, Definition, Source};

/// Gathers definitions while the file is walked.
#[derive(Default)]
pub(super) struct Collector {
    pub(super) definitions: Vec<Definition>,
    pub(super) hidden: Option<u32>,
    open: Vec<u32>,
}

/// The naming rules in force.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Naming {
    /// Patterns of classes.
    pub(super) classes: Vec<String>,
    /// Patterns of functions and methods.
    pub(super) functions: Vec<String>,
    /// These are pytest's own rules.
    pub(super) default: bool,
}

/// What a runner would collect from a file.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Collected {
    /// Spelled as below the file in a node id.
    pub(super) cases: Vec<String>,
    /// There are no others.
    pub(super) complete: bool,
    /// A subclass of `TestCase` with tests is among them.
    pub(super) unittest: bool,
}

impl Default for Naming {
    fn default() -> Self {
        Self {
            classes: vec!["Test".to_owned()],
            functions: vec!["test".to_owned()],
            default: true,
        }
    }
}

impl Collector {
    pub(super) fn function(&mut self, function: &StmtFunctionDef, line: u32) {
        let name = function.name.as_str();
        match self.open.last() {
            None if name == "load_tests" => self.hide(line),
            Some(&class) if name == "__init__" || name == "__new__" => {
                if let Some(class) = self.class(class) {
                    class.has_init = true;
                }
                return;
            }
            _ => {}
        }
        let no_test = |d: &Decorator| {
            matches!(
                last_name(&d.expression),
                "fixture" | "yield_fixture" | "property"
            )
        };
        if !function.decorator_list.iter().any(no_test) {
            self.push(name, None);
        }
    }

    pub(super) fn enter(&mut self, class: &StmtClassDef) {
        let mut found = Class::default();
        if let Some(arguments) = &class.arguments {
            found.bases = arguments.args.iter().map(dotted).collect();
            let metaclass = |k: &&ruff_python_ast::Keyword| {
                k.arg.as_deref().is_none_or(|name| name == "metaclass")
                    && last_name(&k.value) != "ABCMeta"
            };
            found.rewritten = arguments.keywords.iter().any(|k| metaclass(&k));
        }
        found.rewritten |= class
            .decorator_list
            .iter()
            .any(|d| !harmless(&dotted(called(&d.expression))));
        let place = self.definitions.len() as u32;
        self.push(class.name.as_str(), Some(found));
        self.open.push(place);
    }

    pub(super) fn leave(&mut self) {
        self.open.pop();
    }

    pub(super) fn star_import(&mut self, line: u32) {
        self.hide(line);
    }

    pub(super) fn imported(&mut self, name: &str, module: &str, line: u32) {
        if may_be_test(name) && module != "unittest" && !is_known_test_case(name) {
            self.hide(line);
        }
    }

    pub(super) fn assigned(&mut self, target: &Expr, value: &Expr, line: u32) {
        let Expr::Name(name) = target else { return };
        if name.id.as_str() == "__test__" {
            let off = matches!(value, Expr::BooleanLiteral(b) if !b.value);
            if let Some(&class) = self.open.last()
                && let Some(class) = self.class(class)
            {
                class.opted_out = off;
            }
        } else if may_be_test(&name.id) && !value.is_literal_expr() {
            self.hide(line);
        }
    }

    pub(super) fn module_call(&mut self, name: &str, line: u32) {
        if matches!(name, "globals" | "setattr" | "vars" | "locals" | "exec") {
            self.hide(line);
        }
    }

    fn push(&mut self, name: &str, class: Option<Class>) {
        self.definitions.push(Definition {
            name: name.to_owned(),
            parent: self.open.last().copied(),
            class,
        });
    }

    fn class(&mut self, place: u32) -> Option<&mut Class> {
        self.definitions.get_mut(place as usize)?.class.as_mut()
    }

    fn hide(&mut self, line: u32) {
        self.hidden.get_or_insert(line);
    }
}

/// What a runner would collect from a file under these naming rules.
pub(super) fn collected(source: &Source, naming: &Naming) -> Collected {
    let all = &source.definitions;
    let mut found = Collected {
        complete: source.hidden_tests.is_none() && !source.unread && naming.default,
        ..Collected::default()
    };
    // The spelling of each class that is collected, by place; children come after their parents.
    let mut open: Vec<Option<(String, Of)>> = vec![None; all.len()];
    for (place, definition) in all.iter().enumerate() {
        let parent = match definition.parent {
            None => None,
            Some(parent) => match open.get(parent as usize).cloned().flatten() {
                Some(parent) => Some(parent),
                None => continue,
            },
        };
        let name = &definition.name;
        let spelled = match &parent {
            Some((outer, _)) => format!("{outer}::{name}"),
            None => name.clone(),
        };
        let Some(class) = &definition.class else {
            let wanted = match &parent {
                Some((_, Of::Unittest)) => name.starts_with("test") || name == "runTest",
                Some((_, Of::Whole)) => false,
                _ => matches_any(&naming.functions, name),
            };
            if wanted {
                found.unittest |= matches!(parent, Some((_, Of::Unittest)));
                found.cases.push(spelled);
            }
            continue;
        };
        let named = matches_any(&naming.classes, name);
        match family(all, place, 0) {
            _ if class.opted_out => {}
            Family::Unittest { plain } if parent.is_none() => {
                found.complete &= !class.rewritten;
                if plain {
                    open[place] = Some((spelled, Of::Unittest));
                } else {
                    // The class as a whole names inherited tests too.
                    found.unittest = true;
                    found.cases.push(spelled.clone());
                    open[place] = Some((spelled, Of::Whole));
                }
            }
            Family::Unittest { .. } => found.complete = false,
            Family::Unknown => {
                let tests = all
                    .iter()
                    .filter(|d| d.parent == Some(place as u32) && d.class.is_none())
                    .any(|d| d.name.starts_with("test") || matches_any(&naming.functions, &d.name));
                if named || tests || may_be_test(name) {
                    found.complete = false;
                }
            }
            Family::Plain { init, .. } if !named || init || class.has_init => {}
            Family::Plain { alone, .. } => {
                found.complete &= !class.rewritten;
                if alone {
                    open[place] = Some((spelled, Of::Pytest));
                } else {
                    found.cases.push(spelled.clone());
                    open[place] = Some((spelled, Of::Whole));
                }
            }
        }
    }
    let mut seen = std::collections::HashSet::new();
    found.cases.retain(|case| seen.insert(case.clone()));
    found
}

/// How methods of a class are collected.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Of {
    Pytest,
    Unittest,
    /// The class has been named as a whole.
    Whole,
}

/// What a class descends from.
#[derive(Clone, Copy, Debug)]
enum Family {
    /// Of `TestCase`; `plain` where all its tests stand in it.
    Unittest { plain: bool },
    /// Of classes of this file and of well-known ones; `alone` where it inherits no tests.
    Plain { alone: bool, init: bool },
    /// Of classes that this file does not show.
    Unknown,
}

fn family(all: &[Definition], place: usize, depth: u32) -> Family {
    let class = all.get(place).and_then(|d| d.class.as_ref());
    let Some(class) = class.filter(|_| depth < 20) else {
        return Family::Unknown;
    };
    let (mut alone, mut init, mut unknown) = (true, class.has_init, false);
    let mut unittest: Option<bool> = None;
    for base in &class.bases {
        let local = all
            .iter()
            .position(|d| d.class.is_some() && d.parent.is_none() && d.name == *base)
            .filter(|&at| at != place);
        if let Some(at) = local {
            alone = false;
            match family(all, at, depth + 1) {
                Family::Unittest { .. } => unittest = Some(false),
                Family::Plain {
                    init: inherited, ..
                } => init |= inherited,
                Family::Unknown => unknown = true,
            }
            continue;
        }
        let last = base.rsplit('.').next().unwrap_or(base);
        if last.ends_with("TestCase") {
            let known = matches!(last, "TestCase" | "IsolatedAsyncioTestCase");
            unittest = Some(unittest.unwrap_or(true) && known);
        } else if !is_known_plain(last) {
            unknown = true;
        }
    }
    match unittest {
        Some(plain) => Family::Unittest {
            plain: plain && alone && !unknown,
        },
        None if unknown => Family::Unknown,
        None => Family::Plain { alone, init },
    }
}

/// pytest's way with `python_classes` and `python_functions`: a prefix, or a pattern.
fn matches_any(patterns: &[String], name: &str) -> bool {
    patterns
        .iter()
        .any(|pattern| name.starts_with(pattern.as_str()) || glob::matches(pattern, name))
}

/// Whether a runner might take this name for a test, whatever stands behind it.
fn may_be_test(name: &str) -> bool {
    name.starts_with("test") || name.contains("Test")
}

fn is_known_test_case(name: &str) -> bool {
    matches!(
        name,
        "TestCase"
            | "IsolatedAsyncioTestCase"
            | "SimpleTestCase"
            | "TransactionTestCase"
            | "LiveServerTestCase"
            | "TestSuite"
            | "TestLoader"
            | "TestResult"
            | "TestClient"
            | "TestServer"
    )
}

fn is_known_plain(name: &str) -> bool {
    matches!(
        name,
        "object"
            | "Protocol"
            | "ABC"
            | "NamedTuple"
            | "TypedDict"
            | "Enum"
            | "IntEnum"
            | "StrEnum"
            | "Flag"
            | "IntFlag"
            | "Exception"
            | "BaseException"
            | "ValueError"
            | "TypeError"
            | "RuntimeError"
            | "dict"
            | "list"
            | "tuple"
            | "set"
            | "str"
            | "int"
            | "float"
            | "bytes"
    )
}

/// Decorators that make no tests of their own.
fn harmless(decorator: &str) -> bool {
    [
        "pytest.mark.",
        "mark.",
        "unittest.skip",
        "skip",
        "mock.patch",
        "patch",
        "dataclass",
    ]
    .iter()
    .any(|known| decorator.starts_with(known))
        || decorator.ends_with(".dataclass")
        || decorator.contains("usefixtures")
}

fn called(expr: &Expr) -> &Expr {
    match expr {
        Expr::Call(call) => &call.func,
        other => other,
    }
}

fn last_name(expr: &Expr) -> &str {
    match called(expr) {
        Expr::Name(name) => name.id.as_str(),
        Expr::Attribute(attribute) => attribute.attr.as_str(),
        _ => "",
    }
}

/// A dotted name as written; subscripts (`Base[T]`) are taken off, anything else is `?`.
fn dotted(expr: &Expr) -> String {
    let mut parts = Vec::new();
    let mut current = expr;
    loop {
        match current {
            Expr::Attribute(attribute) if parts.len() < 32 => {
                parts.push(attribute.attr.as_str());
                current = &attribute.value;
            }
            Expr::Subscript(subscript) => current = &subscript.value,
            Expr::Name(name) => {
                parts.push(name.id.as_str());
                break;
            }
            _ => return "?".to_owned(),
        }
    }
    if parts.len() == 1 && parts[0] == "Generic" {
        return "object".to_owned();
    }
    parts.reverse();
    parts.join(".")
}

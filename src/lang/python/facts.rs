//! Bytes of a Python source file → facts. One parse and one walk.
//!
//! Not seen: code that is put together at run time from pieces none of which is a name.

use ruff_python_ast::visitor::Visitor;
use ruff_python_ast::{Expr, Mod};
use ruff_python_parser::{Mode, ParseOptions, parse_unchecked};
use rustc_hash::FxHashSet;

use super::decode::{self, TOO_LONG};
use super::fold::{Bindings, literal_elements};
use super::given::given;
use super::lines::Lines;
use super::project::ProjectFile;
use super::reader::{Ask, Reader};
use super::source::{
    By, Computed, Import, OWN_DIR, OWN_FILE, OWN_NAME, OWN_PACKAGE, SearchPath, Source,
};
use super::text::Text;
use super::{requirements, strings, symbols, tokens};
use crate::lang::{Detail, Facts, Mention};
use crate::model::{Fingerprint, Printer};

/// What the bytes of a source file say.
pub(super) fn source(blob: &[u8], definitions: bool) -> Facts {
    if blob.len() > TOO_LONG {
        return unread(blob, 1, "too long to be parsed");
    }
    let decoded = decode::decode(blob);
    let text = &*decoded.text;
    if decode::too_deep(text) {
        return unread(blob, 1, "nested too deeply to be parsed");
    }
    let parsed = parse_unchecked(text, ParseOptions::from(Mode::Module));
    let lines = Lines::new(text);
    let mut facts = Facts::default();
    let mut source = Source::default();
    match parsed.errors().first() {
        None if decoded.trouble.is_none() => {
            let prints = tokens::prints(text, parsed.tokens(), &lines, decoded.cookie);
            (facts.code, facts.layout) = (prints.code, prints.layout);
        }
        error => {
            facts.code = Fingerprint::of(blob);
            facts.layout = facts.code;
            if let Some(error) = error {
                let line = lines.of(error.location.start());
                facts.trouble.push((
                    line,
                    "syntax error: may import anything of its package".to_owned(),
                ));
                source.unread = true;
            }
        }
    }
    facts
        .trouble
        .extend(decoded.trouble.map(|trouble| (1, trouble)));
    if let Mod::Module(module) = parsed.syntax() {
        let mut reader = Reader::new(&lines);
        reader.visit_body(&module.body);
        if reader.too_deep {
            source.unread = true;
            facts.trouble.push((
                1,
                "nested too deeply: may import anything of its package".to_owned(),
            ));
        }
        settle(reader, &mut facts, &mut source);
        if definitions && !source.unread && facts.trouble.is_empty() {
            source.symbols =
                symbols::read(&module.body, text, parsed.tokens(), &lines).map(Box::new);
        }
    }
    facts.shapes_project =
        !source.search_paths.is_empty() || source.edits_path || source.setup.is_some();
    facts.detail = Detail::Python(Box::new(source));
    facts
}

/// A file that is not parsed at all.
fn unread(blob: &[u8], line: u32, why: &str) -> Facts {
    let print = Fingerprint::of(blob);
    Facts {
        code: print,
        layout: print,
        tests: print,
        reads_lines: true,
        lists_directories: true,
        trouble: vec![(line, format!("{why}: may import anything of its package"))],
        detail: Detail::Python(Box::new(Source {
            unread: true,
            ..Source::default()
        })),
        ..Facts::default()
    }
}

/// Turns what the walk gathered into facts.
fn settle(mut reader: Reader<'_>, facts: &mut Facts, source: &mut Source) {
    let bindings = Bindings::new(std::mem::take(&mut reader.bindings));
    let mut mentions: Vec<(std::borrow::Cow<'_, str>, u32)> = Vec::new();
    for name in reader
        .exports
        .iter()
        .filter_map(|e| literal_elements(e))
        .flatten()
    {
        let name = name.as_string_literal_expr().map(|l| l.value.to_str());
        source.exports.extend(name.map(str::to_owned));
    }
    for (ask, line) in &reader.asks {
        let line = *line;
        match *ask {
            Ask::Import(call, by) => import_call(call, by, line, &bindings, source),
            Ask::ImportValue => source.computed.push(Computed {
                line,
                ..Computed::default()
            }),
            Ask::Modules(prefix, imports) => {
                let texts = prefix.map_or_else(|| vec![Text::default()], |p| bindings.texts(p));
                for text in texts {
                    source.computed.push(Computed {
                        prefix: text.prefix,
                        listed: !(imports || reader.loads),
                        line,
                        ..Computed::default()
                    });
                }
            }
            // Other programs have an option `-m` too: without an interpreter only a known name counts.
            Ask::Run(module, interpreter) => {
                for text in bindings.texts(module) {
                    if interpreter || text.exact {
                        named(text, false, By::Run, line, source);
                    }
                }
            }
            Ask::Plugins(value) => {
                let single = value.as_string_literal_expr();
                let names = single
                    .map(|_| vec![value])
                    .or_else(|| literal_elements(value));
                for name in names.unwrap_or_else(|| vec![value]) {
                    for text in bindings.texts(name) {
                        named(text, false, By::Plugin, line, source);
                    }
                }
            }
            Ask::SearchPath(path) => {
                for text in bindings.texts(path).into_iter().filter(|t| t.exact) {
                    let path = text.prefix;
                    source.search_paths.push(SearchPath { path, line });
                }
            }
            Ask::Join(expr) => {
                for text in bindings.texts(expr) {
                    let joined = if text.exact { text.prefix } else { text.suffix };
                    let joined =
                        joined.trim_start_matches([OWN_DIR, OWN_FILE, OWN_NAME, OWN_PACKAGE, '/']);
                    if strings::may_name_path(joined) {
                        mentions.push((joined.to_owned().into(), line));
                    }
                }
            }
            Ask::Setup(call) => {
                source.setup = setup(call, &bindings).map(Box::new).or(source.setup.take())
            }
        }
    }
    uses(&mut reader, source);
    source.imports.append(&mut reader.imports);
    source.edits_path = reader.edits_path;
    source.doctests = reader.doctests;
    source.hidden_tests = reader.collector.hidden;
    source.definitions = std::mem::take(&mut reader.collector.definitions);
    facts.tests = tests_print(source);
    // the beginning of a module's name: with what follows it may be given to whoever imports
    let begins: Vec<_> = reader
        .texts
        .iter()
        .filter(|(text, _)| strings::begins_module_name(text))
        .collect();
    for (text, line) in begins {
        let mut own = source.computed.iter().map(|computed| &computed.prefix);
        let mut named = source.imports.iter().filter(|import| import.by == By::Name);
        if own.any(|prefix| prefix.starts_with(*text))
            || named.any(|import| import.module.starts_with(*text))
        {
            continue;
        }
        source.computed.push(Computed {
            prefix: (*text).to_owned(),
            line: *line,
            ..Computed::default()
        });
    }
    source.computed.sort();
    source.computed.dedup_by(|a, b| {
        Computed {
            line: b.line,
            ..a.clone()
        } == *b
    });
    facts.reads_lines = reader.reads_lines;
    facts.lists_directories = reader.lists_directories;
    facts.lists_unread = reader.lists_unread;
    mentions.extend(
        reader
            .texts
            .iter()
            .map(|(text, line)| ((*text).into(), *line)),
    );
    let mut seen = FxHashSet::default();
    mentions.retain(|(text, _)| seen.insert(text.clone()));
    let own = mentions.into_iter().map(|(text, line)| Mention {
        text: text.into_owned(),
        line,
    });
    facts.mentions = own.collect();
}

/// The print of everything that test discovery reads.
fn tests_print(source: &Source) -> Fingerprint {
    let mut printer = Printer::new();
    for definition in &source.definitions {
        printer.piece(&definition.name);
        printer.number(definition.parent.map_or(0, |parent| u64::from(parent) + 1));
        let Some(class) = &definition.class else {
            continue;
        };
        printer.number(
            1 + u64::from(class.has_init)
                + 2 * u64::from(class.opted_out)
                + 4 * u64::from(class.rewritten),
        );
        class.bases.iter().for_each(|base| printer.piece(base));
    }
    printer.number(2 * u64::from(source.hidden_tests.is_some()) + u64::from(source.doctests));
    printer.finish()
}

/// Attributes of imported names, as imports of submodules that may exist.
fn uses(reader: &mut Reader<'_>, source: &mut Source) {
    // most are of other names, or come again and again: sorting fewer costs less than telling them apart
    let names: FxHashSet<&str> = reader.modules.iter().map(|(name, ..)| *name).collect();
    let mut seen = FxHashSet::default();
    reader
        .attributes
        .retain(|found| names.contains(found.0) && seen.insert(*found));
    reader.attributes.sort_unstable();
    reader.modules.sort_unstable();
    reader
        .modules
        .dedup_by(|a, b| (a.0, &a.1, a.2) == (b.0, &b.1, b.2));
    for (name, module, level, line) in &reader.modules {
        let from = reader.attributes.partition_point(|(n, ..)| n < name);
        let of = reader.attributes[from..]
            .iter()
            .take_while(|(n, ..)| n == name);
        let mut first = Import {
            by: By::Text,
            level: *level,
            module: module.clone(),
            line: *line,
            ..Import::default()
        };
        let mut deeper: Vec<Import> = Vec::new();
        for (_, attribute, next) in of {
            if first.names.last().is_none_or(|last| last != attribute) {
                first.names.push((*attribute).to_owned());
            }
            if !next.is_empty() {
                let module = [module, ".", attribute].concat();
                match deeper.last_mut().filter(|d| d.module == module) {
                    Some(import) => import.names.push((*next).to_owned()),
                    None => deeper.push(Import {
                        module,
                        names: vec![(*next).to_owned()],
                        ..first.clone()
                    }),
                }
            }
        }
        if !first.names.is_empty() {
            source.uses.push(first);
            source.uses.extend(deeper);
        }
    }
}

/// A call of a function that imports the module named by its first argument.
fn import_call<'a>(
    call: &'a ruff_python_ast::ExprCall,
    by: By,
    line: u32,
    bindings: &Bindings<'a>,
    source: &mut Source,
) {
    let name = match &*call.func {
        Expr::Name(name) => name.id.as_str(),
        Expr::Attribute(attribute) => attribute.attr.as_str(),
        _ => "",
    };
    // Helpers of projects bear the other names: what they are given need not be a module.
    let own = matches!(
        name,
        "import_module" | "__import__" | "run_module" | "_run_module_as_main"
    );
    let argument = ["name", "modname", "module_name", "mod_name"]
        .iter()
        .find_map(|key| call.arguments.find_argument_value(key, 0));
    let Some(argument) = argument else {
        if own && !call.arguments.is_empty() {
            named(Text::default(), false, by, line, source);
        }
        return;
    };
    let package = call.arguments.find_argument_value("package", 1);
    for text in bindings.texts(argument) {
        if !own && !text.exact {
            continue;
        }
        if name == "import_module" && text.prefix.starts_with('.') {
            let dots = text.prefix.len() - text.prefix.trim_start_matches('.').len();
            let bases = package.map_or_else(|| vec![Text::default()], |p| bindings.texts(p));
            for base in bases {
                let known = base.exact && dots == 1;
                let full = Text {
                    prefix: if known {
                        [&base.prefix, ".", &text.prefix[dots..]].concat()
                    } else {
                        String::new()
                    },
                    suffix: match text.exact {
                        true if known => String::new(),
                        true => text.prefix[dots..].to_owned(),
                        false => text.suffix.clone(),
                    },
                    exact: text.exact && known,
                };
                named(full, false, by, line, source);
            }
        } else {
            let given = text.is_unknown() && given(bindings, argument);
            named(text.clone(), given, by, line, source);
        }
    }
    // `__import__("a", fromlist=["b"])` loads the submodule too.
    if name == "__import__"
        && let Some(list) = call.arguments.find_argument_value("fromlist", 3)
        && let Some(import) = source
            .imports
            .last_mut()
            .filter(|i| i.line == line && i.by == by)
    {
        for item in literal_elements(list).unwrap_or_default() {
            let item = item.as_string_literal_expr().map(|l| l.value.to_str());
            import.names.extend(item.map(str::to_owned));
        }
    }
}

/// A module asked for by a folded name.
fn named(text: Text, given: bool, by: By, line: u32, source: &mut Source) {
    let own = text.prefix.starts_with([OWN_NAME, OWN_PACKAGE]);
    if text.exact && !own {
        if let Some(module) = strings::module_name(&text.prefix, true) {
            source.imports.push(Import {
                module: module.to_owned(),
                by,
                line,
                ..Import::default()
            });
        }
        return;
    }
    // An exact name below the module's own: the pattern that is just this name.
    let suffix = if text.exact {
        text.prefix.clone()
    } else {
        text.suffix
    };
    source.computed.push(Computed {
        prefix: text.prefix,
        suffix,
        listed: false,
        given,
        line,
    });
}

/// What a call of setuptools' `setup()` says of the project.
fn setup<'a>(call: &'a ruff_python_ast::ExprCall, bindings: &Bindings<'a>) -> Option<ProjectFile> {
    let known = [
        "name",
        "packages",
        "py_modules",
        "package_dir",
        "install_requires",
        "ext_modules",
        "entry_points",
    ];
    let has = |key: &&str| call.arguments.find_keyword(key).is_some();
    if !known.iter().any(has) {
        return None;
    }
    let mut found = ProjectFile::default();
    for keyword in &call.arguments.keywords {
        let value = &keyword.value;
        match keyword.arg.as_deref() {
            Some("name") => {
                let name = bindings.texts(value).into_iter().find(|t| t.exact);
                found.name = name.map(|t| requirements::normal(&t.prefix));
            }
            Some("package_dir") => {
                if let Expr::Dict(dict) = value {
                    for item in dict {
                        let dirs = bindings.texts(&item.value).into_iter();
                        found
                            .roots
                            .extend(dirs.filter(|t| t.exact).map(|t| t.prefix));
                    }
                }
            }
            Some("install_requires" | "tests_require") => {
                for item in literal_elements(value).unwrap_or_default() {
                    let texts = bindings.texts(item).into_iter().filter(|t| t.exact);
                    found
                        .pins
                        .extend(texts.filter_map(|t| requirements::requirement(&t.prefix)));
                }
            }
            _ => {}
        }
    }
    Some(found)
}

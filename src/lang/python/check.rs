//! Tests over small trees: files in, edges out, as text.

use super::Python;
use crate::lang::{Detail, Facts, FileFacts, Lang};
use crate::model::{BlobId, EdgeSink, Entry, Mode, Node, NodeRef, RepoPath, Snapshot};
use proptest::prelude::*;

fn laid(files: &[(&str, &str)]) -> EdgeSink {
    let entry = Entry {
        mode: Mode::File,
        blob: BlobId::default(),
    };
    let entries = files
        .iter()
        .map(|(path, _)| (RepoPath::from(*path), entry.clone()));
    let tree = Snapshot::new(entries.collect(), Vec::new());
    let mut facts: Vec<(RepoPath, Facts)> = Vec::new();
    for (path, text) in files {
        let path = RepoPath::from(*path);
        if let Some(kind) = Python.claims(&path) {
            facts.push((path, Python.facts(kind, text.as_bytes())));
        }
    }
    facts.sort_by(|a, b| a.0.cmp(&b.0));
    let files: Vec<_> = facts
        .iter()
        .map(|(path, facts)| FileFacts { path, facts })
        .collect();
    let mut out = EdgeSink::default();
    Python.resolve(&files, &tree, &mut out);
    out
}

fn edges(files: &[(&str, &str)]) -> Vec<String> {
    let out = laid(files);
    let name = |node: NodeRef| {
        out.nodes
            .get_index(node.0 as usize)
            .map(|(n, _)| n.to_string())
            .unwrap_or_default()
    };
    let show = out
        .edges
        .iter()
        .map(|e| format!("{} {:?} {}", name(e.from), e.kind, name(e.to)));
    show.collect()
}

/// Whether the first path reaches the second over any edges.
fn reaches(files: &[(&str, &str)], from: &str, to: &str) -> bool {
    let out = laid(files);
    let find = |path: &str| {
        out.nodes
            .get_index_of(&Node::Path(path.into()))
            .map(|i| NodeRef(i as u32))
    };
    let (Some(from), Some(to)) = (find(from), find(to)) else {
        return false;
    };
    let mut seen = vec![from];
    let mut at = 0;
    while let Some(&node) = seen.get(at) {
        at += 1;
        for edge in out.edges.iter().filter(|e| e.from == node) {
            if !seen.contains(&edge.to) {
                seen.push(edge.to);
            }
        }
    }
    seen.contains(&to)
}

fn cases(text: &str) -> (Vec<String>, bool) {
    let out = laid(&[("test_x.py", text)]);
    let test = out
        .nodes
        .iter()
        .find(|(node, _)| matches!(node, Node::Test(_)));
    test.map(|(_, info)| (info.cases.clone(), info.cases_complete))
        .unwrap_or_default()
}

const PACKAGE: &[(&str, &str)] = &[
    ("src/pkg/__init__.py", ""),
    ("src/pkg/a.py", ""),
    ("src/pkg/sub/__init__.py", ""),
    ("src/pkg/sub/b.py", ""),
    ("src/pkg/sub/c_plugin.py", ""),
    ("lib2/other/d.py", ""),
    ("pyproject.toml", "[project]\nname='pkg'\n"),
];

#[test]
fn every_way_of_importing_reaches_its_modules_and_no_others() {
    let all = [
        "src/pkg/a.py",
        "src/pkg/sub/b.py",
        "src/pkg/sub/c_plugin.py",
        "lib2/other/d.py",
    ];
    for (text, expected) in [
        ("import pkg.a", "a"),
        ("import pkg", ""),
        ("import pkg\npkg.sub.b.f()", "b"),
        ("import pkg as p\np.a.f()", "a"),
        ("from pkg import a", "a"),
        ("from pkg.sub import *", ""),
        ("from pkg.sub.b import f", "b"),
        ("def f():\n  from pkg import a", "a"),
        ("if TYPE_CHECKING:\n  import pkg.a", "a"),
        ("import importlib\nimportlib.import_module('pkg.a')", "a"),
        ("importorskip = 0\npytest.importorskip('pkg.a')", "a"),
        ("__import__('pkg.sub.b')", "b"),
        ("import_module('.b', 'pkg.sub')", "b"),
        ("import_module('.b', package='pkg.sub')", "b"),
        ("import_module(f'pkg.sub.{x}')", "bc"),
        ("import_module('pkg.sub.%s_plugin' % x)", "c"),
        ("import_module('pkg.sub.{}_plugin'.format(x))", "c"),
        ("import_module('pkg.sub.' + x + '_plugin')", "c"),
        (
            "for m in ['a', 'sub.b']:\n  import_module('pkg.' + m)",
            "ab",
        ),
        (
            "NAMES = {'x': 'pkg.a'}\ndef __getattr__(n):\n  return import_module(NAMES[n])",
            "a",
        ),
        ("def f(name):\n  return import_module(name)", "abcd"),
        ("list(map(importlib.import_module, names))", "abcd"),
        ("mock.patch('pkg.sub.b.thing')", "b"),
        ("run([sys.executable, '-m', 'pkg.a'])", "a"),
        ("run('python -m pkg.a --x')", "a"),
        ("code = '''\nimport pkg.a\n'''", "a"),
        (
            "@pytest.mark.parametrize('m', ['pkg.a', 'pkg.sub.b'])\ndef test_x(m):\n  import_module(m)",
            "ab",
        ),
        ("import other.d", "d"),
        ("import pkg.a, (", "abcd"),
    ] {
        let mut files = PACKAGE.to_vec();
        files.push(("tests/test_x.py", text));
        let reached: String = all
            .iter()
            .zip(["a", "b", "c", "d"])
            .filter(|(path, _)| reaches(&files, "tests/test_x.py", path))
            .map(|(_, letter)| letter)
            .collect();
        assert_eq!(reached, expected, "{text}");
    }
}

#[test]
fn importing_a_module_runs_the_packages_around_it() {
    let mut files = PACKAGE.to_vec();
    files.push((
        "tests/test_x.py",
        "from pkg.sub.b import f\ndef test(): f()",
    ));
    for init in ["src/pkg/__init__.py", "src/pkg/sub/__init__.py"] {
        assert!(reaches(&files, "tests/test_x.py", init), "{init}");
    }
}

#[test]
fn relative_imports_climb_and_computed_names_stay_below_their_own_package() {
    let from_b = |text: &str, to: &str| {
        let mut files = PACKAGE.to_vec();
        files[3].1 = text;
        reaches(&files, "src/pkg/sub/b.py", to)
    };
    assert!(from_b("from .. import a", "src/pkg/a.py"));
    assert!(from_b("from ..a import x", "src/pkg/a.py"));
    assert!(from_b("from . import c_plugin", "src/pkg/sub/c_plugin.py"));
    assert!(from_b(
        "import_module('.' + x, __package__)",
        "src/pkg/sub/c_plugin.py"
    ));
    assert!(!from_b(
        "import_module('.' + x, __package__)",
        "src/pkg/a.py"
    ));
    assert!(from_b("import_module('..a', __package__)", "src/pkg/a.py"));
    assert!(from_b(
        "import_module('.c_plugin', __package__)",
        "src/pkg/sub/c_plugin.py"
    ));
    assert!(from_b("import_module(x)", "src/pkg/a.py"));
    assert!(!from_b("import_module(x)", "lib2/other/d.py"));
}

#[test]
fn names_with_own_package_start_are_resolved_from_an_init() {
    let files = [
        (
            "pkg/__init__.py",
            "def __getattr__(name):\n  return import_module(f'{__name__}.{name}')",
        ),
        ("pkg/a.py", ""),
        ("test_x.py", "import pkg\ndef test(): pass"),
    ];
    assert!(reaches(&files, "test_x.py", "pkg/a.py"));
    let files = [
        ("pkg/__init__.py", "__all__ = ['a']"),
        ("pkg/a.py", ""),
        ("test_x.py", "from pkg import *"),
    ];
    assert!(reaches(&files, "test_x.py", "pkg/a.py"));
}

#[test]
fn the_standard_library_is_not_a_module_of_some_package() {
    let files = [
        ("src/pkg/__init__.py", ""),
        ("src/pkg/json.py", ""),
        ("tests/test_x.py", "import json\ndef test(): pass"),
    ];
    assert!(!reaches(&files, "tests/test_x.py", "src/pkg/json.py"));
    let files = [
        ("tests/json.py", ""),
        ("tests/test_x.py", "import json\ndef test(): pass"),
    ];
    assert!(reaches(&files, "tests/test_x.py", "tests/json.py"));
}

#[test]
fn a_mere_directory_does_not_hide_a_package_and_parts_of_a_package_are_joined() {
    let files = [
        ("pkg/notes.py", ""),
        ("one/setup.py", ""),
        ("one/pkg/__init__.py", ""),
        ("two/setup.py", ""),
        ("two/pkg/__init__.py", ""),
        ("two/pkg/late.py", ""),
        ("two/vendor/requests.py", ""),
        ("one/test_y.py", "import pkg.late"),
        ("test_x.py", "import pkg\nimport requests"),
    ];
    assert!(reaches(&files, "test_x.py", "one/pkg/__init__.py"));
    assert!(reaches(&files, "test_x.py", "two/pkg/__init__.py"));
    assert!(reaches(&files, "test_x.py", "two/vendor/requests.py"));
    assert!(reaches(&files, "one/test_y.py", "one/pkg/__init__.py"));
    assert!(reaches(&files, "one/test_y.py", "two/pkg/late.py"));
}

#[test]
fn conftests_plugins_and_configuration_reach_the_tests_below() {
    let files = [
        ("conftest.py", "pytest_plugins = ['helpers.plug']"),
        ("helpers/__init__.py", ""),
        ("helpers/plug.py", ""),
        ("tests/conftest.py", ""),
        ("tests/a/test_x.py", "def test(): pass"),
        ("tests/b/conftest.py", ""),
        ("pytest.ini", "[pytest]\naddopts = -p extra\n"),
        ("extra.py", ""),
    ];
    let test = "tests/a/test_x.py";
    for to in [
        "conftest.py",
        "tests/conftest.py",
        "helpers/plug.py",
        "extra.py",
    ] {
        assert!(reaches(&files, test, to), "{to}");
    }
    assert!(!reaches(&files, test, "tests/b/conftest.py"));
    assert!(edges(&files).contains(&"test tests/a/test_x.py Config pytest.ini".to_owned()));
}

#[test]
fn tests_are_listed_as_the_runner_spells_them() {
    let (found, complete) = cases(
        "import unittest\nimport pytest\n\
         def test_f(): pass\nasync def test_g(): pass\ndef helper(): pass\n\
         @pytest.fixture\ndef test_data(): pass\n\
         class TestA:\n  def test_m(self): pass\n  class TestIn:\n    def test_n(self): pass\n\
         class TestInit:\n  def __init__(self): pass\n  def test_no(self): pass\n\
         class Suite(unittest.TestCase):\n  def test_u(self): pass\n  def other(self): pass\n\
         class TestChild(TestA):\n  pass\n",
    );
    let expected = [
        "test_f",
        "test_g",
        "TestA::test_m",
        "TestA::TestIn::test_n",
        "Suite::test_u",
        "TestChild",
    ];
    assert_eq!(found, expected);
    assert!(complete);
}

#[test]
fn tests_that_may_be_elsewhere_make_the_list_incomplete() {
    for text in [
        "from base import *\ndef test_a(): pass",
        "from base import BaseTest\nclass TestA(BaseTest): pass",
        "from base import test_things",
        "test_x = make()",
        "globals()['test_y'] = f",
        "def test_a(:\n pass",
    ] {
        assert!(
            laid(&[("test_x.py", text)])
                .nodes
                .keys()
                .any(|n| matches!(n, Node::Test(_))),
            "{text}"
        );
        assert!(!cases(text).1, "{text}");
    }
    assert!(
        !laid(&[("test_x.py", "X = 1")])
            .nodes
            .keys()
            .any(|n| matches!(n, Node::Test(_)))
    );
}

#[test]
fn a_pinned_distribution_reaches_its_importers_and_plugins_reach_all() {
    let files = [
        ("a.py", "import yaml"),
        ("b.py", "import requests"),
        (
            "pyproject.toml",
            "[project]\nname='me'\ndependencies=['PyYAML', 'requests', 'ghost']\n[dependency-groups]\ntest=['pytest-xdist']",
        ),
        (
            "uv.lock",
            "version = 1\n[[package]]\nname='requests'\nversion='1'\nsource={registry='x'}\ndependencies=[{name='urllib3'}]\n[[package]]\nname='urllib3'\nversion='2'\n",
        ),
    ];
    let all = edges(&files);
    for expected in [
        "module yaml External pypi package pyyaml",
        "module requests External pypi package requests",
        "pypi package requests External pypi package urllib3",
        "python package . External pypi package ghost",
        "python package . External pypi package pytest-xdist",
    ] {
        assert!(all.contains(&expected.to_owned()), "{expected}\n{all:#?}");
    }
    assert!(!all.contains(&"python package . External pypi package requests".to_owned()));
}

#[test]
fn prose_and_linters_leave_no_trace_in_a_project_and_the_build_does() {
    let print = |text: &str| {
        let kind = Python.claims(&"pyproject.toml".into()).unwrap_or("python");
        Python.facts(kind, text.as_bytes()).code
    };
    let base = print("[project]\nname='a'\nversion='1'\n");
    assert_eq!(
        base,
        print("# c\n[project]\nversion='1'\nname='a'\ndescription='x'\n[tool.ruff]\nx=1\n")
    );
    assert_eq!(
        base,
        print("[project]\nname='a'\nversion='1'\ndependencies=['x']\n")
    );
    assert_ne!(base, print("[project]\nname='a'\nversion='2'\n"));
    assert_ne!(
        base,
        print("[project]\nname='a'\nversion='1'\n[tool.pytest.ini_options]\naddopts='-x'\n")
    );
}

#[test]
fn paths_that_are_joined_are_mentioned_as_a_whole() {
    let facts = Python.facts("python", b"p = os.path.join(os.path.dirname(__file__), 'data', 'x.txt')\nq = HERE / 'a' / 'b.md'\n'''doc'''\n");
    let mut texts: Vec<_> = facts.mentions.iter().map(|m| m.text.as_str()).collect();
    texts.sort_unstable();
    assert_eq!(texts, ["a/b.md", "b.md", "data", "data/x.txt", "x.txt"]);
}

#[test]
fn names_bound_to_each_other_end() {
    let text = "a = b + c\nb = c + a\nc = a + b\nimport_module(a + b + c)\n".repeat(20);
    let facts = Python.facts("python", text.as_bytes());
    assert!(matches!(facts.detail, Detail::Python(_)));
}

#[test]
fn hostile_files_end_in_facts() {
    for text in [
        "(".repeat(100_000),
        "x = ".to_owned() + &"-".repeat(100_000) + "1",
        "x".to_owned() + &"[0]".repeat(50_000),
        "if x:\n ".repeat(2000),
        "f'".to_owned() + &"{f'".repeat(300),
        "x = '%(' % y\nx = '%' % y\nx = '{'.format(1)\nx = '%(a' % {}".to_owned(),
    ] {
        let _ = Python.facts("python", text.as_bytes());
    }
}

proptest! {
    #[test]
    fn any_bytes_give_facts(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        for path in ["a.py", "pyproject.toml", "setup.cfg", "tox.ini", "requirements.txt", "uv.lock", "Pipfile", "Pipfile.lock"] {
            if let Some(kind) = Python.claims(&path.into()) {
                let _ = Python.facts(kind, &bytes);
            }
        }
    }

    #[test]
    fn any_python_like_text_gives_facts_and_edges(words in proptest::collection::vec(
        prop_oneof!["import |from |\\.|a|b|'%s'|%|\\(|\\)|\\{|\\}|\\[|\\]|:|\n|  |def f|class T|=|,|f'|'|\\+|/|import_module|__name__|-m|for x in |\\*"], 0..60)) {
        let text = words.concat();
        let _ = laid(&[("pkg/__init__.py", ""), ("pkg/test_a.py", &text)]);
    }

    #[test]
    fn comments_and_blank_lines_leave_the_code_alone(at in 0usize..6, blank in "[ \t]{0,4}(#[a-z ]{0,8})?") {
        let lines = ["def f(a):", "    '''doc'''", "    x = (a +", "         1)", "    return x", "y = f(1)"];
        let plain = lines.join("\n");
        let mut more = lines.to_vec();
        more.insert(at, &blank);
        let more = more.join("\n");
        let (plain, more) = (Python.facts("python", plain.as_bytes()), Python.facts("python", more.as_bytes()));
        prop_assert_eq!(plain.code, more.code);
        prop_assert_ne!(plain.layout, more.layout);
    }
}

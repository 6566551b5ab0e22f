"""Plugin of pytest that `tia record` writes out: tells the tracer which test runs.

A marker is a question for a path below `/dev/null`, which is never there: it stands in the trace in its place among
what the process opens, and leaves nothing behind.
"""

import importlib.machinery
import os

import pytest

_stat = os.stat
_depth = 0


def _mark(*parts):
    try:
        _stat("/dev/null/tia/" + "/".join(part.lstrip("/") for part in parts))
    except (OSError, ValueError):
        pass


def _watch_finder(finder):
    """Marks where the search for a module looks around."""
    find = finder.find_spec

    def find_spec(self, *args, **kwargs):
        _mark("find")
        try:
            return find(self, *args, **kwargs)
        finally:
            _mark("found")

    finder.find_spec = find_spec


def _watch_loader(loader):
    """Marks where each module begins and ends to run."""
    load = loader.exec_module

    def exec_module(self, module):
        spec = getattr(module, "__spec__", None)
        _mark("load", str(getattr(spec, "origin", None)))
        try:
            return load(self, module)
        finally:
            _mark("loaded")

    loader.exec_module = exec_module


_watch_finder(importlib.machinery.FileFinder)
_watch_loader(importlib.machinery.SourceFileLoader)
try:
    from _pytest.assertion.rewrite import AssertionRewritingHook

    _watch_loader(AssertionRewritingHook)
except ImportError:
    pass


def _file(node):
    return str(getattr(node, "path", None) or getattr(node, "fspath", ""))


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_make_collect_report(collector):
    # what is read to find the tests of a file is read while it is loaded
    within = collector.getparent(pytest.File)
    if within is not None:
        _mark("load", _file(within))
    try:
        yield
    finally:
        if within is not None:
            _mark("loaded")


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_protocol(item, nextitem):
    global _depth
    # tests of plugins run pytest within a test: what happens there belongs to that test
    outermost, _depth = _depth == 0, _depth + 1
    if outermost:
        _mark("test", _file(item) + "::" + _case(item))
    try:
        yield
    finally:
        _depth -= 1
        if outermost:
            _mark("done")


def _case(item):
    """The test below its file: `Class::name`, without parameters and the group that pytest-xdist adds."""
    _, _, case = item.nodeid.partition("::")
    return case.split("[", 1)[0].split("@", 1)[0].replace("::()::", "::")


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_fixture_setup(fixturedef, request):
    scope = str(getattr(fixturedef, "scope", "function"))
    wide = _depth <= 1 and scope != "function"
    if wide:
        _mark("wide", scope, _file(getattr(request, "node", None)))
    try:
        yield
    finally:
        if wide:
            _mark("narrow")

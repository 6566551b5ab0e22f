//! Two versions of a function → the lines of the older one that a run has to reach before it can do anything else than it did.
//!
//! A run does in the newer version what it did in the older one until it comes to a statement that is another. So it is told by
//! lines: of the statement that changed or is gone; where one is new, of the one before it, or of the first of its block. Whoever
//! ran none of them ran nothing that changed. This holds where both versions bind the same names and are of one kind: an
//! assignment that is new makes a name local everywhere in the function.
//!
//! Python tells a line for each statement that does something (PEP 626; older ones may leave out jumps). One that may have no line
//! of its own stands for the one before it.

use std::collections::BTreeSet;

use ruff_python_ast::comparable::ComparableStmt;
use ruff_python_ast::visitor::{self, Visitor};
use ruff_python_ast::{ExceptHandler, Expr, Stmt, StmtFunctionDef, Suite};
use ruff_python_parser::parse_module;
use ruff_text_size::{Ranged, TextRange};

use super::scope::Names;
use crate::lang::python::decode;
use crate::lang::python::lines::Lines;

/// Lines, both included.
type Span = (u32, u32);

/// For each function, told by its first line in both versions of a file, the lines of the older version of which whoever feels the
/// change ran one; `None` where only the whole function can be told. Cost: both versions are parsed.
pub fn felt(before: &[u8], after: &[u8], functions: &[(u32, u32)]) -> Vec<Option<Vec<Span>>> {
    let decoded = [decode::decode(before), decode::decode(after)];
    let texts = [&*decoded[0].text, &*decoded[1].text];
    let [Some(old), Some(new)] = texts.map(parsed) else {
        return functions.iter().map(|_| None).collect();
    };
    let lines = texts.map(Lines::new);
    let all = [functions_of(&old, &lines[0]), functions_of(&new, &lines[1])];
    let at = |side: usize, line: u32| {
        let mut found = all[side].iter().filter(|(first, _)| *first == line);
        let (_, function) = found.next()?;
        // two that begin on one line cannot be told apart
        found.next().is_none().then_some(*function)
    };
    let told = functions.iter().map(|(was, is)| {
        let (was, is) = (at(0, *was)?, at(1, *is)?);
        let mut felt = Felt(Vec::new());
        if !felt.function(was, is) {
            return None;
        }
        felt.add_nested(was);
        let spans = felt.0.iter();
        let spans: BTreeSet<Span> = spans
            .map(|range| (lines[0].of(range.start()), lines[0].of(range.end())))
            .collect();
        Some(spans.into_iter().collect())
    });
    told.collect()
}

/// The statements of a file; `None` where it cannot be read.
pub(super) fn parsed(text: &str) -> Option<Suite> {
    let plain = text.len() <= decode::TOO_LONG && !decode::too_deep(text);
    let parsed = plain.then(|| parse_module(text).ok()).flatten()?;
    Some(parsed.into_suite())
}

/// Every function of a file with its first line.
pub(super) fn functions_of<'a>(body: &'a [Stmt], lines: &Lines) -> Vec<(u32, &'a StmtFunctionDef)> {
    let mut nested = Nested::default();
    body.iter().for_each(|stmt| nested.visit_stmt(stmt));
    let all = nested.functions.into_iter();
    all.map(|function| (lines.of(function.start()), function))
        .collect()
}

/// What has to be reached.
struct Felt(Vec<TextRange>);

impl Felt {
    /// Takes what has to be reached of a function; whether it can be told.
    fn function(&mut self, was: &StmtFunctionDef, is: &StmtFunctionDef) -> bool {
        binds_alike(was, is) && self.block(without_doc(&was.body), without_doc(&is.body))
    }

    fn block(&mut self, was: &[Stmt], is: &[Stmt]) -> bool {
        let same =
            |(was, is): &(&Stmt, &Stmt)| ComparableStmt::from(*was) == ComparableStmt::from(*is);
        let above = was.iter().zip(is).take_while(same).count();
        let (old, new) = (&was[above..], &is[above..]);
        let below = old.iter().rev().zip(new.iter().rev());
        let below = below.take_while(same).count();
        let (old, new) = (&old[..old.len() - below], &new[..new.len() - below]);
        if old.len() == new.len() {
            // a run comes to each in turn
            let pairs = old.iter().zip(new).enumerate();
            return pairs
                .filter(|(_, pair)| !same(pair))
                .all(|(at, (old, new))| {
                    self.within(old, new) || {
                        self.0.push(old.range());
                        self.reach(was, above + at)
                    }
                });
        }
        // all but the first run after it, or hold what is called later
        self.0.extend(old.iter().map(Ranged::range));
        let first = match old {
            [] => above.saturating_sub(1),
            _ => above,
        };
        self.reach(was, first)
    }

    /// Takes the statement at a place of a block, or the nearest before it that has lines of its own; whether there is one.
    fn reach(&mut self, block: &[Stmt], at: usize) -> bool {
        for stmt in block.iter().take(at + 1).rev() {
            if let Stmt::Try(attempt) = stmt {
                return self.reach(&attempt.body, 0);
            }
            if has_lines(stmt) {
                self.0.push(stmt.range());
                return true;
            }
        }
        false
    }

    /// Takes what has to be reached of a statement that differs only deeper; whether it does.
    fn within(&mut self, was: &Stmt, is: &Stmt) -> bool {
        let heads = (without_blocks(was), without_blocks(is));
        if ComparableStmt::from(&heads.0) != ComparableStmt::from(&heads.1) {
            return false;
        }
        if let (Stmt::FunctionDef(was), Stmt::FunctionDef(is)) = (was, is) {
            return self.function(was, is);
        }
        let (old, new) = (blocks(was), blocks(is));
        !old.is_empty()
            && old.len() == new.len()
            && old
                .iter()
                .zip(new)
                .all(|(was, is)| was.is_empty() == is.is_empty() && self.block(was, is))
    }

    /// Takes the functions within another one where something around them changed, which may give out others.
    fn add_nested(&mut self, function: &StmtFunctionDef) {
        let mut nested = Nested::default();
        function
            .body
            .iter()
            .for_each(|stmt| nested.visit_stmt(stmt));
        let functions = nested.functions.iter().map(|function| function.range());
        let inner: Vec<TextRange> = functions.chain(nested.lambdas).collect();
        let is_inner = |range: &TextRange| inner.iter().any(|inner| inner.contains_range(*range));
        if !self.0.iter().all(is_inner) {
            self.0.extend(inner);
        }
    }
}

/// Functions and lambdas.
#[derive(Default)]
struct Nested<'a> {
    functions: Vec<&'a StmtFunctionDef>,
    lambdas: Vec<TextRange>,
}

impl<'a> Visitor<'a> for Nested<'a> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        if let Stmt::FunctionDef(function) = stmt {
            self.functions.push(function);
        }
        visitor::walk_stmt(self, stmt);
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        if let Expr::Lambda(lambda) = expr {
            self.lambdas.push(lambda.range);
        }
        visitor::walk_expr(self, expr);
    }
}

/// Whether two functions bind the same names, and both or none of them yields.
fn binds_alike(was: &StmtFunctionDef, is: &StmtFunctionDef) -> bool {
    let names = |function: &StmtFunctionDef| {
        let names = Names::of_body(&function.body);
        let bound: BTreeSet<String> = names.bound.into_iter().collect();
        (bound, names.elsewhere)
    };
    was.is_async == is.is_async && names(was) == names(is) && yields(was) == yields(is)
}

/// Whether calling a function only makes a generator.
pub(super) fn yields(function: &StmtFunctionDef) -> bool {
    let mut yields = Yields(false);
    function
        .body
        .iter()
        .for_each(|stmt| yields.visit_stmt(stmt));
    yields.0
}

/// Looks for a `yield` of the function itself.
struct Yields(bool);

impl<'a> Visitor<'a> for Yields {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        if !matches!(stmt, Stmt::FunctionDef(_) | Stmt::ClassDef(_)) {
            visitor::walk_stmt(self, stmt);
        }
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        self.0 |= matches!(expr, Expr::Yield(_) | Expr::YieldFrom(_));
        if !expr.is_lambda_expr() {
            visitor::walk_expr(self, expr);
        }
    }
}

fn without_doc(body: &[Stmt]) -> &[Stmt] {
    match body.split_first() {
        Some((Stmt::Expr(first), rest)) if first.value.is_string_literal_expr() => rest,
        _ => body,
    }
}

/// Whether Python surely tells a line where a statement is run.
fn has_lines(stmt: &Stmt) -> bool {
    match stmt {
        Stmt::Pass(_)
        | Stmt::Break(_)
        | Stmt::Continue(_)
        | Stmt::Global(_)
        | Stmt::Nonlocal(_)
        | Stmt::Assert(_)
        | Stmt::Try(_) => false,
        Stmt::Expr(expr) => !is_known(&expr.value),
        Stmt::AnnAssign(assign) => assign.value.is_some(),
        Stmt::If(branch) => !is_known(&branch.test),
        Stmt::While(each) => !is_known(&each.test),
        _ => true,
    }
}

/// Whether an expression names nothing, so that it may be computed before.
fn is_known(expr: &Expr) -> bool {
    struct Names(bool);
    impl<'a> Visitor<'a> for Names {
        fn visit_expr(&mut self, expr: &'a Expr) {
            self.0 |= matches!(expr, Expr::Name(name) if name.id.as_str() != "__debug__");
            visitor::walk_expr(self, expr);
        }
    }
    let mut names = Names(false);
    names.visit_expr(expr);
    !names.0
}

/// The blocks of a statement, in order.
fn blocks(stmt: &Stmt) -> Vec<&[Stmt]> {
    match stmt {
        Stmt::If(branch) => {
            let clauses = branch.elif_else_clauses.iter();
            let clauses = clauses.map(|clause| &clause.body[..]);
            std::iter::once(&branch.body[..]).chain(clauses).collect()
        }
        Stmt::While(each) => vec![&each.body, &each.orelse],
        Stmt::For(each) => vec![&each.body, &each.orelse],
        Stmt::With(with) => vec![&with.body],
        Stmt::Match(choice) => choice.cases.iter().map(|case| &case.body[..]).collect(),
        Stmt::Try(attempt) => {
            let handlers = attempt.handlers.iter().map(|handler| {
                let ExceptHandler::ExceptHandler(handler) = handler;
                &handler.body[..]
            });
            let own: [&[Stmt]; 3] = [&attempt.body, &attempt.orelse, &attempt.finalbody];
            own.into_iter().chain(handlers).collect()
        }
        _ => Vec::new(),
    }
}

/// A statement with nothing in its blocks.
fn without_blocks(stmt: &Stmt) -> Stmt {
    let mut stmt = stmt.clone();
    match &mut stmt {
        Stmt::If(branch) => {
            branch.body.clear();
            let clauses = branch.elif_else_clauses.iter_mut();
            clauses.for_each(|clause| clause.body.clear());
        }
        Stmt::While(each) => {
            each.body.clear();
            each.orelse.clear();
        }
        Stmt::For(each) => {
            each.body.clear();
            each.orelse.clear();
        }
        Stmt::With(with) => with.body.clear(),
        Stmt::Match(choice) => choice.cases.iter_mut().for_each(|case| case.body.clear()),
        Stmt::Try(attempt) => {
            attempt.body.clear();
            attempt.orelse.clear();
            attempt.finalbody.clear();
            for handler in &mut attempt.handlers {
                let ExceptHandler::ExceptHandler(handler) = handler;
                handler.body.clear();
            }
        }
        Stmt::FunctionDef(function) => function.body.clear(),
        _ => {}
    }
    stmt
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines of the first function of a text that are felt by an edit.
    fn lines(before: &str, edits: &[(&str, &str)]) -> Option<Vec<u32>> {
        let after = edits.iter().fold(before.to_owned(), |text, (from, to)| {
            assert!(text.contains(from), "{from}");
            text.replacen(from, to, 1)
        });
        let told = felt(before.as_bytes(), after.as_bytes(), &[(1, 1)]);
        let spans = told.into_iter().next().flatten()?;
        let lines: BTreeSet<u32> = spans
            .into_iter()
            .flat_map(|(first, last)| first..=last)
            .collect();
        Some(lines.into_iter().collect())
    }

    const CODE: &str = "\
def f(x):
    '''Text.'''
    y = x
    if y > 1:
        y = 2
        pass
        y = 3
    elif y > 0:
        y = 4
    try:
        y = g(y)
    except KeyError:
        y = 5
    finally:
        h(y)
    for z in y:
        assert z
    return y
";

    #[test]
    fn a_change_is_felt_by_who_ran_the_statement() {
        for (from, to, felt) in [
            ("y = x", "y = -x", &[3][..]),
            ("y = 2", "y = 20", &[5]),
            ("y = 4", "y = 40", &[9]),
            ("y = g(y)", "y = h(y)", &[11]),
            ("y = 5", "y = 6", &[13]),
            ("return y", "return x", &[18]),
            // a head counts for what it leads to
            ("y > 1", "y > 2", &[4, 5, 6, 7, 8, 9]),
            ("elif y > 0", "elif y > 3", &[4, 5, 6, 7, 8, 9]),
            ("in y:", "in x:", &[16, 17]),
            (
                "except KeyError",
                "except ValueError",
                &[10, 11, 12, 13, 14, 15],
            ),
            // gone, or new after another
            ("        y = 2\n", "", &[5]),
            ("    return y\n", "    return y\n    return x\n", &[18]),
            ("        y = 3\n", "        y = 3\n        g(x)\n", &[7]),
            // new at the beginning of a block
            ("        y = 2\n", "        g(x)\n        y = 2\n", &[5]),
            ("    y = x\n", "    g(x)\n    y = x\n", &[3]),
            // one without a line of its own stands for the one before it, or around it
            ("        pass\n", "        g(x)\n", &[5, 6]),
            ("        assert z\n", "        assert x\n", &[16, 17]),
            ("        h(y)\n", "        g(y)\n", &[15]),
        ] {
            assert_eq!(
                lines(CODE, &[(from, to)]).as_deref(),
                Some(felt),
                "{from} -> {to}"
            );
        }
        assert_eq!(lines(CODE, &[("Text", "More")]), Some(Vec::new()));
        assert_eq!(
            lines(CODE, &[("y = 2", "y = 20"), ("y = 5", "y = 50")]),
            Some(vec![5, 13])
        );
    }

    #[test]
    fn what_changes_the_whole_function_is_not_told_by_lines() {
        for (from, to) in [
            // a name that becomes local is so everywhere
            ("y = 4", "g = 4"),
            ("y = 4", "global y"),
            ("y = 4", "yield y"),
            ("y = 4", "(w := 4)"),
            ("y = 4", "from m import g"),
            ("return y", "return [(w := y) for z in y]"),
        ] {
            assert_eq!(lines(CODE, &[(from, to)]), None, "{from} -> {to}");
        }
        // what a function does first, where it may have no line
        let first = "def f(x):\n    assert x\n    return x\n";
        assert_eq!(lines(first, &[("assert x", "assert not x")]), None);
        let one = "def f(x): return x\n\n\ndef g(x): return x\n";
        assert_eq!(lines(one, &[("return x", "return 1")]), Some(vec![1]));
        assert_eq!(lines("def f(:\n    pass\n", &[("pass", "g()")]), None);
    }

    #[test]
    fn functions_within_are_felt_where_they_run() {
        let code = "\
def f(x):
    y = 1
    def g():
        if x:
            return 1
        return 2
    return lambda: y
";
        let of = |from, to| lines(code, &[(from, to)]);
        assert_eq!(of("return 1", "return 3"), Some(vec![5]));
        assert_eq!(of("y = 1", "y = 2"), Some(vec![2, 3, 4, 5, 6, 7]));
        assert_eq!(of("def g():", "def g(z):"), Some(vec![3, 4, 5, 6]));
        assert_eq!(
            of("            return 1\n", "            y = 2\n"),
            // `y` is the inner function's own now: all of that
            Some(vec![3, 4, 5, 6])
        );
        assert_eq!(of("lambda: y", "lambda: x"), Some(vec![3, 4, 5, 6, 7]));
        assert_eq!(of("return 2", "return 3"), Some(vec![6]));
    }
}

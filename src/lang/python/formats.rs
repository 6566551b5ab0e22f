//! Folding of `%` and `str.format`.

use ruff_python_ast::{Expr, ExprCall};

use super::fold::Bindings;
use super::text::{Text, product, unknown};

impl<'a> Bindings<'a> {
    /// `"…%s…" % …`
    pub(super) fn percent(&self, op: &'a ruff_python_ast::ExprBinOp, depth: u32) -> Vec<Text> {
        let Expr::StringLiteral(template) = &*op.left else {
            return unknown();
        };
        let args: Vec<&Expr> = match &*op.right {
            Expr::Tuple(tuple) => tuple.elts.iter().collect(),
            Expr::Dict(_) => Vec::new(),
            single => vec![single],
        };
        let mut args = args.into_iter();
        let mut all = vec![Text::exact("")];
        let mut rest = template.value.to_str();
        while let Some((before, after)) = rest.split_once('%') {
            all = product(&all, &[Text::exact(before)], Text::then);
            let mut chars = after.chars();
            let next = match chars.next() {
                Some('%') => vec![Text::exact("%")],
                Some('s') => args
                    .next()
                    .map_or_else(unknown, |arg| self.fold(arg, depth)),
                // Anything else is a number or a named field: the end of the field is not worth finding.
                _ => {
                    let end = after.find(|c: char| c.is_ascii_alphabetic() && c != 'l');
                    let end = match after.strip_prefix('(').and_then(|n| n.find(')')) {
                        Some(close) => after[close + 2..]
                            .find(|c: char| c.is_ascii_alphabetic())
                            .map(|at| at + close + 2),
                        None => end,
                    };
                    rest = end.and_then(|at| after.get(at + 1..)).unwrap_or_default();
                    all = product(&all, &unknown(), Text::then);
                    args.next();
                    continue;
                }
            };
            all = product(&all, &next, Text::then);
            rest = chars.as_str();
        }
        product(&all, &[Text::exact(rest)], Text::then)
    }

    /// `"…{}…".format(…)`
    pub(super) fn format(&self, template: &'a str, call: &'a ExprCall, depth: u32) -> Vec<Text> {
        let mut all = vec![Text::exact("")];
        let mut rest = template;
        let mut auto = 0;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, field) = rest.split_at(at);
            all = product(&all, &[Text::exact(before)], Text::then);
            if field.starts_with("{{") || field.starts_with("}}") {
                all = product(&all, &[Text::exact(&field[..1])], Text::then);
                rest = &field[2..];
                continue;
            }
            let Some(end) = field.find('}') else {
                return unknown();
            };
            let name = field.get(1..end).unwrap_or_default();
            let value = if name.is_empty() || name.bytes().all(|b| b.is_ascii_digit()) {
                let index = name.parse().unwrap_or(auto);
                auto += 1;
                call.arguments.args.get(index)
            } else {
                call.arguments.find_keyword(name).map(|k| &k.value)
            };
            let next = value.map_or_else(unknown, |value| self.fold(value, depth));
            all = product(&all, &next, Text::then);
            rest = &field[end + 1..];
        }
        product(&all, &[Text::exact(rest)], Text::then)
    }
}

//! TOML values → prints and lists, whatever the order of keys.
//!
//! Not seen here: comments and layout, on purpose.

use toml::{Table, Value};

use crate::model::{Fingerprint, Printer};

/// Strings of an array.
pub(super) fn strings(list: &[Value]) -> Vec<String> {
    list.iter()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

/// The print of a table, whatever the order of its keys.
pub(super) fn print_table(table: &Table, printer: &mut Printer) {
    printer.number(table.len() as u64);
    for (key, value) in sorted(table) {
        print_entry(key, value, printer);
    }
}

pub(super) fn is_lent(table: &Table) -> bool {
    table.get("workspace").and_then(Value::as_bool) == Some(true)
}

pub(super) fn print_value(value: &Value) -> Fingerprint {
    let mut printer = Printer::new();
    print_entry("", value, &mut printer);
    printer.finish()
}

/// TOML's own limit on nesting keeps this walk short.
pub(super) fn print_entry(key: &str, value: &Value, printer: &mut Printer) {
    printer.piece(key);
    match value {
        Value::Table(table) => print_table(table, printer),
        Value::Array(list) => {
            printer.number(list.len() as u64);
            for value in list {
                print_entry("", value, printer);
            }
        }
        Value::String(text) => printer.piece(format!("s{text}")),
        other => printer.piece(other.to_string()),
    }
}

pub(super) fn sorted(table: &Table) -> Vec<(&str, &Value)> {
    let mut entries: Vec<_> = table
        .iter()
        .map(|(key, value)| (key.as_str(), value))
        .collect();
    entries.sort_by_key(|(key, _)| *key);
    entries
}

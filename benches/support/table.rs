//! Gzipped CSV with a header line.

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;

pub(crate) struct Table {
    columns: HashMap<String, usize>,
    pub rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn read(path: &Path) -> Self {
        let mut text = String::new();
        let file = std::fs::File::open(path).unwrap();
        flate2::read::MultiGzDecoder::new(file)
            .read_to_string(&mut text)
            .unwrap();
        let mut rows = parse(&text);
        let columns = rows
            .remove(0)
            .into_iter()
            .enumerate()
            .map(|(number, name)| (name, number))
            .collect();
        Self { columns, rows }
    }

    /// The cell, or nothing where there is no such column.
    pub(crate) fn get(&self, row: usize, column: &str) -> &str {
        self.columns
            .get(column)
            .map_or("", |column| &self.rows[row][*column])
    }
}

fn parse(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => cell.extend(chars.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\n' if !quoted => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            '\r' if !quoted => {}
            c => cell.push(c),
        }
    }
    if !cell.is_empty() || !row.is_empty() {
        row.push(cell);
        rows.push(row);
    }
    rows
}

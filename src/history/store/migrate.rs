//! Gate and ladder: whose file this is, and how an older one is brought up to date.
//!
//! Each step is a numbered file that is never edited once released. A newer file may be read where it says so
//! (`meta.readable_by`), is never written, and is otherwise refused untouched.

use std::path::Path;

use rusqlite::Connection;

use crate::history::{Access, HistoryError};

/// The steps, in order; the version of the schema is their number.
const STEPS: &[(&str, &str)] = &[
    ("0001_base.sql", include_str!("schema/sqlite/0001_base.sql")),
    (
        "0002_quarantine.sql",
        include_str!("schema/sqlite/0002_quarantine.sql"),
    ),
];

/// The newest schema that this program knows.
pub(super) const SCHEMA_VERSION: i64 = STEPS.len() as i64;

/// The oldest schema that is read as it is: of what came later, it holds nothing.
const READABLE: i64 = 1;

/// `tia1`, big-endian: in the file's header, so that `file` and we know our own.
const APPLICATION: i64 = 0x7469_6131;

/// What the gate found.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum State {
    /// Nothing was ever written.
    Empty,
    /// Ours, of this version.
    At(i64),
}

/// Tells our files from others without changing anything.
pub(super) fn gate(conn: &Connection, path: &Path) -> Result<State, HistoryError> {
    let foreign = |what: &str| HistoryError::Foreign {
        path: path.to_owned(),
        what: what.to_owned(),
    };
    let number = |pragma: &str| conn.query_row(pragma, [], |row| row.get::<_, i64>(0));
    let application = match number("PRAGMA application_id") {
        Ok(application) => application,
        Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::NotADatabase) => {
            return Err(foreign("not an SQLite file"));
        }
        Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::CannotOpen) => {
            return Err(HistoryError::Open {
                path: path.to_owned(),
                source: error,
            });
        }
        Err(error) => return Err(error.into()),
    };
    let version = number("PRAGMA user_version")?;
    match application {
        APPLICATION if version > SCHEMA_VERSION => {
            let readable_by = number("SELECT value FROM meta WHERE name = 'readable_by'");
            match readable_by {
                Ok(lowest) if lowest <= SCHEMA_VERSION => Ok(State::At(version)),
                _ => Err(newer(path, version)),
            }
        }
        APPLICATION => Ok(State::At(version)),
        0 if version == 0 && number("SELECT count(*) FROM sqlite_schema")? == 0 => Ok(State::Empty),
        _ => Err(foreign("an SQLite file of another program")),
    }
}

/// Brings the schema up to date, each step whole or not at all.
pub(super) fn climb(
    conn: &mut Connection,
    path: &Path,
    access: Access,
    state: State,
) -> Result<(), HistoryError> {
    match (access, state) {
        (_, State::At(SCHEMA_VERSION)) => Ok(()),
        (Access::Read, State::At(version)) if version >= READABLE => Ok(()),
        (Access::Write, State::At(version)) if version > SCHEMA_VERSION => {
            Err(newer(path, version))
        }
        (Access::Read, State::Empty) => Err(HistoryError::Missing(path.to_owned())),
        (Access::Read, _) => Err(HistoryError::Older(path.to_owned())),
        (Access::Write, _) => {
            let transaction =
                conn.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
            // somebody else may have been here while we waited
            let done = match gate(&transaction, path)? {
                State::Empty => 0,
                State::At(version) => version,
            };
            for (number, (_, step)) in (1..).zip(STEPS).skip(done as usize) {
                transaction.execute_batch(step)?;
                transaction.pragma_update(None, "user_version", number)?;
            }
            if done == 0 {
                transaction.pragma_update(None, "application_id", APPLICATION)?;
                transaction.execute_batch(
                    "INSERT INTO meta (name, value) VALUES ('generation', 0), ('readable_by', 1);
                     INSERT INTO variant (id, pairs) VALUES (0, '');",
                )?;
            }
            Ok(transaction.commit()?)
        }
    }
}

fn newer(path: &Path, found: i64) -> HistoryError {
    HistoryError::Newer {
        path: path.to_owned(),
        found,
        known: SCHEMA_VERSION,
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;
    use std::path::PathBuf;

    use super::*;

    fn root() -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR"))
    }

    #[test]
    fn every_step_is_in_the_manifest_and_in_the_ladder() {
        let dir = root().join("src/history/store/schema/sqlite");
        let manifest = std::fs::read_to_string(dir.join("MANIFEST")).unwrap();
        let ladder: Vec<&str> = STEPS.iter().map(|(name, _)| *name).collect();
        assert_eq!(manifest.lines().collect::<Vec<_>>(), ladder);
        for (number, name) in (1..).zip(&ladder) {
            assert!(name.starts_with(&format!("{number:04}_")), "{name}");
        }
        assert_eq!(std::fs::read_dir(dir).unwrap().count(), ladder.len() + 1);
    }

    /// The page, made from the comments of the steps.
    fn page() -> String {
        let mut page = "# The history's tables\n\n\
            Made from `src/history/store/schema` by a test. `tia db sql` reads them all, and the view `results`.\n"
            .to_owned();
        let mut about = String::new();
        for line in STEPS.iter().flat_map(|(_, step)| step.lines()) {
            if let Some(comment) = line.strip_prefix("--") {
                about.push_str(comment);
                continue;
            }
            if let Some(table) = line.strip_prefix("CREATE TABLE ") {
                let table = table.split(' ').next().unwrap();
                write!(page, "\n## {table}\n\n{}\n\n", about.trim()).unwrap();
                page.push_str("| column | type | meaning |\n| --- | --- | --- |\n");
            } else if let Some((column, meaning)) = line.split_once(" -- ") {
                let mut words = column.split_whitespace();
                let name = words.next().unwrap();
                let kind = words.collect::<Vec<_>>().join(" ");
                let kind = kind.trim_end_matches(',');
                writeln!(
                    page,
                    "| `{name}` | {kind} | {} |",
                    meaning.trim().replace('|', "\\|")
                )
                .unwrap();
            } else if line.is_empty() && !about.is_empty() && !page.contains("## ") {
                write!(page, "\n{}\n", about.trim()).unwrap();
            }
            about.clear();
        }
        page
    }

    #[test]
    fn an_older_store_is_read_as_it_is_and_brought_up_to_date_for_writing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("history.db");
        let old = Connection::open(&path).unwrap();
        old.execute_batch(STEPS[0].1).unwrap();
        old.execute_batch(
            "INSERT INTO meta (name, value) VALUES ('generation', 3), ('readable_by', 1);
             INSERT INTO variant (id, pairs) VALUES (0, '');",
        )
        .unwrap();
        old.pragma_update(None, "user_version", 1).unwrap();
        old.pragma_update(None, "application_id", APPLICATION)
            .unwrap();
        drop(old);
        let open = |access| crate::history::History::open(&path, access);
        assert_eq!(open(Access::Read).unwrap().stays().unwrap(), []);
        let version = |path| {
            let conn = Connection::open(path).unwrap();
            conn.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0))
                .unwrap()
        };
        assert_eq!(version(&path), 1);
        let history = open(Access::Write).unwrap();
        assert_eq!(history.stays().unwrap(), []);
        assert_eq!(history.check().unwrap(), []);
        drop(history);
        assert_eq!(version(&path), SCHEMA_VERSION);
    }

    #[test]
    fn the_schema_page_is_up_to_date() {
        let path = root().join("docs/schema.md");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(&path, page()).unwrap();
        }
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            written == page(),
            "docs/schema.md is out of date: run this test with UPDATE_DOCS=1"
        );
    }

    #[test]
    fn every_column_has_a_comment() {
        let conn = Connection::open_in_memory().unwrap();
        for (_, step) in STEPS {
            conn.execute_batch(step).unwrap();
        }
        let columns = "SELECT m.name, c.name FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.type = 'table'";
        let mut query = conn.prepare(columns).unwrap();
        let rows = query
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap();
        let page = page();
        for row in rows {
            let (table, column): (String, String) = row.unwrap();
            let section = page
                .split("\n## ")
                .find(|s| s.starts_with(&format!("{table}\n")))
                .unwrap();
            assert!(
                section.contains(&format!("| `{column}` |")),
                "{table}.{column}"
            );
        }
    }
}

//! Statements of other people, held to reading.

use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;
use rusqlite::types::ValueRef;

use super::Store;
use crate::history::HistoryError;
use crate::history::sql::{Table, Value, block_as_json};

/// The table `results`. The cross joins keep the order: parts, their chunks, their results.
const RESULTS: &str = "CREATE TEMP VIEW IF NOT EXISTS results AS
  SELECT p.id AS part, p.run AS run, t.file AS file, replace(t.suite, char(30), ' > ') AS suite, t.class AS class,
         t.name AS name, t.params AS params, v.pairs AS variant, r.value ->> 1 AS status,
         r.value ->> 2 AS bad_attempts, r.value ->> 3 AS seconds, r.value ->> 4 AS start, p.commit_id AS commit_id,
         p.branch AS branch, p.pipeline AS pipeline, p.job AS job, coalesce(p.start, p.stored) AS at
  FROM main.part p
  CROSS JOIN main.chunk c ON c.id BETWEEN p.id * 65536 AND p.id * 65536 + 65535
  CROSS JOIN main.roster o ON o.id = c.roster
  LEFT JOIN main.ordering d ON d.id = c.ordering
  CROSS JOIN json_each(tia_results(c.block, o.members, o.usual, d.steps)) r
  CROSS JOIN main.series s ON s.id = r.value ->> 0
  CROSS JOIN main.test t ON t.id = s.test
  CROSS JOIN main.variant v ON v.id = s.variant";

/// The pragmas that describe tables, and can do nothing else.
const DESCRIBING: &[&str] = &[
    "table_info",
    "table_xinfo",
    "table_list",
    "index_list",
    "index_info",
    "foreign_key_list",
];

impl Store {
    pub(in crate::history) fn ask(&mut self, text: &str) -> Result<Table, HistoryError> {
        self.conn.create_scalar_function(
            "tia_results",
            4,
            FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_UTF8,
            results_of,
        )?;
        let query_only: bool = self
            .conn
            .query_row("PRAGMA query_only", [], |row| row.get(0))?;
        self.conn.execute_batch("PRAGMA query_only = OFF")?;
        let made = self.conn.execute_batch(RESULTS);
        self.conn.execute_batch("PRAGMA query_only = ON")?;
        let attached = self.conn.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
        self.conn.authorizer(Some(only_reading))?;
        let answer = made.and_then(|()| self.answer(text));
        self.conn
            .authorizer(None::<fn(AuthContext<'_>) -> Authorization>)?;
        self.conn
            .set_limit(Limit::SQLITE_LIMIT_ATTACHED, attached)?;
        if !query_only {
            self.conn.execute_batch("PRAGMA query_only = OFF")?;
        }
        answer.map_err(|error| match HistoryError::from(error) {
            HistoryError::Sqlite(error) => HistoryError::Statement(match error.sqlite_error() {
                Some(_) => match &error {
                    rusqlite::Error::SqliteFailure(_, Some(message)) => message.clone(),
                    error => error.to_string(),
                },
                None => error.to_string(),
            }),
            HistoryError::ReadOnly => HistoryError::Statement("it would write".to_owned()),
            other => other,
        })
    }

    fn answer(&self, text: &str) -> rusqlite::Result<Table> {
        let mut statement = self.conn.prepare(text)?;
        let mut table = Table {
            columns: statement.column_names().map(str::to_owned).collect(),
            rows: Vec::new(),
        };
        let width = table.columns.len();
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let mut values = Vec::with_capacity(width);
            for at in 0..width {
                values.push(match row.get_ref(at)? {
                    ValueRef::Null => Value::Null,
                    ValueRef::Integer(number) => Value::Integer(number),
                    ValueRef::Real(number) => Value::Real(number),
                    ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
                    ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
                });
            }
            table.rows.push(values);
        }
        Ok(table)
    }
}

fn results_of(context: &Context<'_>) -> rusqlite::Result<String> {
    let blob = |at| context.get_raw(at).as_blob().unwrap_or_default();
    let steps = context.get_raw(3).as_blob_or_null().unwrap_or_default();
    block_as_json(blob(0), blob(1), blob(2), steps)
        .map_err(|error| rusqlite::Error::UserFunctionError(Box::new(error)))
}

fn only_reading(context: AuthContext<'_>) -> Authorization {
    let allowed = match context.action {
        AuthAction::Select | AuthAction::Read { .. } | AuthAction::Recursive => true,
        AuthAction::Function { function_name } => function_name != "load_extension",
        AuthAction::Pragma { pragma_name, .. } => DESCRIBING.contains(&pragma_name),
        _ => false,
    };
    if allowed {
        Authorization::Allow
    } else {
        Authorization::Deny
    }
}

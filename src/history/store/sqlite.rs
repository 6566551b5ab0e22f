//! The connection: opening, pragmas, transactions, waiting for others.
//!
//! Write-ahead log, so readers see the last whole state and never wait; writers queue for the lock at the start of
//! their transaction. Foreign keys are declared but not enforced row by row: rows are written by this program only,
//! and `check` looks at all of them.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::migrate;
use crate::history::{Access, HistoryError};

/// How long a writer waits for another, at most.
const PATIENCE: Duration = Duration::from_secs(120);

/// An open store.
pub(in crate::history) struct Store {
    pub(super) conn: Connection,
}

impl Store {
    /// Opens the file; `Write` makes it where it is not there, and brings an older one up to date.
    pub(in crate::history) fn open(path: &Path, access: Access) -> Result<Self, HistoryError> {
        let there = path
            .try_exists()
            .map_err(|_| HistoryError::Missing(path.to_owned()))?;
        let conn = match access {
            Access::Read if !there => return Err(HistoryError::Missing(path.to_owned())),
            Access::Read => open_to_read(path)?,
            Access::Write => {
                let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
                    | OpenFlags::SQLITE_OPEN_CREATE
                    | OpenFlags::SQLITE_OPEN_NO_MUTEX;
                Connection::open_with_flags(path, flags).map_err(at(path))?
            }
        };
        let mut store = Self { conn };
        store.prepare(path, access)?;
        Ok(store)
    }

    /// A store that ends with its process.
    pub(in crate::history) fn in_memory() -> Result<Self, HistoryError> {
        let conn = Connection::open_in_memory()?;
        let mut store = Self { conn };
        store.prepare(Path::new(":memory:"), Access::Write)?;
        Ok(store)
    }

    /// Sets write-ahead logging. SQLite does not ask the busy handler here, so another process that does the same to a
    /// new file is waited for.
    fn log_ahead(&self) -> Result<(), HistoryError> {
        let mut tries = 0;
        loop {
            let set = self
                .conn
                .query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()));
            match set.map_err(HistoryError::from) {
                Err(HistoryError::Busy) if wait(tries) => tries += 1,
                done => return done,
            }
        }
    }

    fn prepare(&mut self, path: &Path, access: Access) -> Result<(), HistoryError> {
        self.conn.busy_handler(Some(wait))?;
        self.conn.set_prepared_statement_cache_capacity(64);
        // the bundled SQLite would plan a statement anew for each value that is bound to it
        self.conn
            .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        // the bundled SQLite enforces them unless told otherwise
        self.conn.execute_batch("PRAGMA foreign_keys = OFF")?;
        // one transaction, so that another process that makes the file meanwhile is seen wholly or not at all
        let transaction = self.conn.unchecked_transaction()?;
        let state = migrate::gate(&transaction, path)?;
        transaction.finish()?;
        if access == Access::Write {
            // the mode is kept in the file: only a new one, or one that was copied by other means, needs it set
            let mode: String = self
                .conn
                .query_row("PRAGMA journal_mode", [], |row| row.get(0))?;
            if mode != "wal" && mode != "memory" {
                self.log_ahead()?;
            }
            self.conn.execute_batch(
                "PRAGMA synchronous = NORMAL; PRAGMA cache_size = -16000; PRAGMA temp_store = MEMORY;",
            )?;
        } else {
            self.conn
                .execute_batch("PRAGMA query_only = ON; PRAGMA temp_store = MEMORY;")?;
        }
        migrate::climb(&mut self.conn, path, access, state)
    }

    /// Begins a transaction that may write; waits for other writers.
    pub(in crate::history) fn begin(&self) -> Result<(), HistoryError> {
        Ok(self.conn.execute_batch("BEGIN IMMEDIATE")?)
    }

    /// Makes everything since [`Store::begin`] last. Where that fails, it is as if it had not been.
    pub(in crate::history) fn commit(&self) -> Result<(), HistoryError> {
        self.conn.execute_batch("COMMIT").map_err(|error| {
            self.rollback();
            error.into()
        })
    }

    /// Takes back everything since [`Store::begin`].
    pub(in crate::history) fn rollback(&self) {
        if !self.conn.is_autocommit() {
            // a failure to roll back leaves the transaction to be dropped with the connection
            let _ = self.conn.execute_batch("ROLLBACK");
        }
    }

    /// Begins a part within a transaction.
    pub(in crate::history) fn begin_inner(&self) -> Result<(), HistoryError> {
        Ok(self.conn.execute_batch("SAVEPOINT part")?)
    }

    pub(in crate::history) fn commit_inner(&self) -> Result<(), HistoryError> {
        Ok(self.conn.execute_batch("RELEASE part")?)
    }

    pub(in crate::history) fn rollback_inner(&self) {
        if !self.conn.is_autocommit() {
            let _ = self.conn.execute_batch("ROLLBACK TO part; RELEASE part");
        }
    }

    /// Begins a view of one state, for questions of several statements.
    pub(in crate::history) fn snapshot(&self) -> Result<Snapshot<'_>, HistoryError> {
        let outer = self.conn.is_autocommit();
        if outer {
            self.conn.execute_batch("BEGIN")?;
        }
        Ok(Snapshot { store: self, outer })
    }

    /// A number that grows whenever rows are taken out: what was remembered from before may be gone.
    pub(in crate::history) fn generation(&self) -> Result<i64, HistoryError> {
        let mut query = self
            .conn
            .prepare_cached("SELECT value FROM meta WHERE name = 'generation'")?;
        Ok(query.query_row([], |row| row.get(0))?)
    }

    pub(in crate::history) fn next_generation(&self) -> Result<(), HistoryError> {
        self.conn.execute(
            "UPDATE meta SET value = value + 1 WHERE name = 'generation'",
            [],
        )?;
        Ok(())
    }
}

/// One state of the store, until dropped.
pub(in crate::history) struct Snapshot<'a> {
    store: &'a Store,
    outer: bool,
}

impl Drop for Snapshot<'_> {
    fn drop(&mut self) {
        if self.outer {
            self.store.rollback();
        }
    }
}

/// Read-only; where the directory cannot hold the log's index and no log is there, the file is taken as unchanging.
fn open_to_read(path: &Path) -> Result<Connection, HistoryError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let opened = Connection::open_with_flags(path, flags).and_then(|mut conn| {
        conn.busy_handler(Some(wait))?;
        conn.query_row("PRAGMA schema_version", [], |_| Ok(()))?;
        Ok(conn)
    });
    let error = match opened {
        Ok(conn) => return Ok(conn),
        Err(error) => error,
    };
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let log_is_empty = std::fs::metadata(&log).map_or(true, |log| log.len() == 0);
    let cannot_open = error.sqlite_error_code() == Some(rusqlite::ErrorCode::CannotOpen)
        || error.sqlite_error_code() == Some(rusqlite::ErrorCode::ReadOnly);
    if !(cannot_open && log_is_empty) {
        return Err(at(path)(error));
    }
    let flags = flags | OpenFlags::SQLITE_OPEN_URI;
    Connection::open_with_flags(unchanging(path), flags).map_err(at(path))
}

/// The path as a URI that tells SQLite not to lock.
fn unchanging(path: &Path) -> String {
    let mut uri = "file:".to_owned();
    for byte in path.as_os_str().as_encoded_bytes() {
        if byte.is_ascii_alphanumeric() || b"/._-~:\\".contains(byte) {
            uri.push(char::from(*byte));
        } else {
            uri.push_str(&format!("%{byte:02x}"));
        }
    }
    uri + "?immutable=1"
}

fn at(path: &Path) -> impl Fn(rusqlite::Error) -> HistoryError {
    let path = path.to_owned();
    move |source| match source.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase) => HistoryError::Foreign {
            path: path.clone(),
            what: "not an SQLite file".to_owned(),
        },
        _ => HistoryError::Open {
            path: path.clone(),
            source,
        },
    }
}

/// Waits longer each time, up to a tenth of a second, a little differently in each process.
fn wait(tries: i32) -> bool {
    let step = 1_u64 << tries.clamp(0, 6);
    let own = u64::from(std::process::id()) % 17;
    let pause = Duration::from_millis((step + own * step / 32).min(100));
    // six growing steps, then the longest: about as long as the patience
    if u128::from(tries.unsigned_abs()) * 100 > PATIENCE.as_millis() {
        return false;
    }
    std::thread::sleep(pause);
    true
}

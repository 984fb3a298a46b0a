//! The table, and what tells a journal from any other file.

use std::path::Path;

use rusqlite::Connection;

use crate::error::Error;

/// The format this program writes, kept in SQLite's `user_version`.
pub const FORMAT_VERSION: i64 = 1;

/// "AxJ1" in SQLite's `application_id`.
pub(crate) const APPLICATION_ID: i64 = 0x4178_4A31;

/// Each object as SQLite keeps its text; `check` compares them letter by letter.
const OBJECTS: [(&str, &str); 5] = [
    (
        "record",
        "CREATE TABLE record (
  seq INTEGER PRIMARY KEY,
  at_ns INTEGER NOT NULL,
  kind TEXT NOT NULL,
  provenance TEXT NOT NULL,
  correlation_id TEXT,
  client_order_id TEXT,
  broker_order_id INTEGER,
  perm_id INTEGER,
  exec_id TEXT,
  payload TEXT NOT NULL,
  prev BLOB NOT NULL,
  hash BLOB NOT NULL
) STRICT",
    ),
    // The only index: each one adds a page to the one-record commit that an order waits for (about
    // 10 us). Other questions read the table, about half a second for a million records.
    (
        "record_by_client_order_id",
        "CREATE INDEX record_by_client_order_id ON record (client_order_id) WHERE client_order_id IS NOT NULL",
    ),
    (
        "record_never_changes",
        "CREATE TRIGGER record_never_changes BEFORE UPDATE ON record
BEGIN SELECT RAISE(ABORT, 'a journal record never changes'); END",
    ),
    (
        "record_never_goes",
        "CREATE TRIGGER record_never_goes BEFORE DELETE ON record
BEGIN SELECT RAISE(ABORT, 'a journal record is never deleted'); END",
    ),
    // Also stops INSERT OR REPLACE, which deletes without asking the trigger above.
    (
        "record_only_at_the_end",
        "CREATE TRIGGER record_only_at_the_end BEFORE INSERT ON record
WHEN NEW.seq IS NOT (SELECT ifnull(max(seq), 0) + 1 FROM record)
BEGIN SELECT RAISE(ABORT, 'a journal record is only added at the end'); END",
    ),
];

/// The table of records, under another name.
pub(crate) fn table_like(head: &str) -> String {
    let [(_, table), ..] = OBJECTS;
    table.replacen("CREATE TABLE record", head, 1)
}

/// Writes the schema into an empty database.
pub(crate) fn write(conn: &Connection) -> rusqlite::Result<()> {
    for (_, sql) in OBJECTS {
        conn.execute_batch(sql)?;
    }
    conn.pragma_update(None, "application_id", APPLICATION_ID)?;
    conn.pragma_update(None, "user_version", FORMAT_VERSION)
}

/// Whether this is a journal that this program can read.
pub(crate) fn identify(conn: &Connection, path: &Path) -> Result<(), Error> {
    let read = |name| -> Result<i64, Error> {
        conn.pragma_query_value(None, name, |row| row.get(0))
            .map_err(|error| Error::sql(path, "reading the format of", error))
    };
    if read("application_id")? != APPLICATION_ID {
        let what = "an SQLite database of something else".to_owned();
        return Err(Error::NotAJournal { path: path.to_owned(), what });
    }
    match read("user_version")? {
        FORMAT_VERSION => Ok(()),
        found if found > FORMAT_VERSION => {
            Err(Error::Newer { path: path.to_owned(), found, known: FORMAT_VERSION })
        }
        found => Err(Error::NotAJournal { path: path.to_owned(), what: format!("format {found}") }),
    }
}

/// Whether every object is as created and there is none besides.
pub(crate) fn check(conn: &Connection, path: &Path) -> Result<(), Error> {
    let found = objects(conn).map_err(|error| Error::sql(path, "reading the schema of", error))?;
    let altered = |what: String| Err(Error::SchemaAltered { path: path.to_owned(), what });
    for (name, sql) in OBJECTS {
        match found.iter().find(|(found, _)| found == name) {
            None => return altered(format!("{name} is missing")),
            Some((_, found)) if found != sql => return altered(format!("{name} is changed")),
            Some(_) => {}
        }
    }
    match found.iter().find(|(found, _)| !OBJECTS.iter().any(|(name, _)| name == found)) {
        Some((name, _)) => altered(format!("{name} was added")),
        None => Ok(()),
    }
}

fn objects(conn: &Connection) -> rusqlite::Result<Vec<(String, String)>> {
    // SQLite's own (statistics left by a database tool) say nothing about the record.
    let sql = "SELECT name, ifnull(sql, '') FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
    conn.prepare(sql)?.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

//! What a reader sees: the table, and over it what is only in the front log yet.
//!
//! The front log is read before the table, never after: what it no longer holds then, the table has
//! already. Its records are laid into a table of the reader's own memory; one statement, and so one
//! moment of the file, decides which of them the table does not have.

use std::path::Path;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, Statement};

use crate::error::Error;
use crate::front::{self, Row};
use crate::hash::Hash;
use crate::reader::last_number;
use crate::row;
use crate::schema;

/// What readers query instead of `record`.
pub(crate) const VIEW: &str = "every_record";

/// Columns in their order, for a table with all of them.
pub(crate) const PLACES: &str = "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";

const CREATE: &str = "CREATE TEMP VIEW every_record AS
  SELECT * FROM main.record
  UNION ALL
  SELECT * FROM temp.front WHERE seq > (SELECT ifnull(max(seq), 0) FROM main.record)";

/// Prepares a connection for reading.
pub(crate) fn create(conn: &Connection, path: &Path) -> Result<(), Error> {
    // With the very types of the table: only then does SQLite merge the two in the order of their
    // keys; otherwise it would read the whole table for every question.
    conn.execute_batch(&schema::table_like("CREATE TEMP TABLE front"))
        .and_then(|()| conn.execute_batch(CREATE))
        .map_err(|error| Error::sql(path, "opening", error))
}

/// Lays what the front log holds now over the table.
pub(crate) fn refresh(conn: &Connection, path: &Path) -> Result<(), Error> {
    let failed = |error| Error::sql(path, "reading", error);
    let run = front::read(path, last_number(conn, path, "main.record")?)?;
    conn.prepare_cached("DELETE FROM temp.front").and_then(|mut sql| sql.execute([])).map_err(failed)?;
    if run.rows.is_empty() {
        return Ok(());
    }
    let mut insert = conn.prepare_cached(&format!("INSERT INTO temp.front {PLACES}")).map_err(failed)?;
    for Row { seq, payload, prev, hash } in &run.rows {
        let record = row::parse(payload).map_err(|what| Error::Unreadable {
            path: path.to_owned(),
            seq: *seq,
            what,
        })?;
        insert_row(&mut insert, &record, payload, prev, hash).map_err(failed)?;
    }
    Ok(())
}

/// Runs an INSERT of [`PLACES`].
pub(crate) fn insert_row(
    insert: &mut Statement<'_>,
    record: &alphec_model::Record,
    payload: &[u8],
    prev: &Hash,
    hash: &Hash,
) -> rusqlite::Result<()> {
    let rest = [ValueRef::Text(payload), blob(prev), blob(hash)];
    for (index, value) in row::derived(record).into_iter().chain(rest).enumerate() {
        insert.raw_bind_parameter(index.saturating_add(1), ToSqlOutput::Borrowed(value))?;
    }
    insert.raw_execute().map(drop)
}

const fn blob(hash: &Hash) -> ValueRef<'_> {
    ValueRef::Blob(hash.as_bytes().as_slice())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_question_reads_the_whole_table_for_want_of_order() {
        let conn = Connection::open_in_memory().unwrap();
        schema::write(&conn).unwrap();
        create(&conn, Path::new("memory")).unwrap();
        let questions = [
            "SELECT * FROM every_record WHERE seq > 5 ORDER BY seq LIMIT 9",
            "SELECT * FROM every_record WHERE seq > 5 AND client_order_id = 'a' ORDER BY seq LIMIT 9",
            "SELECT min(seq) FROM (SELECT seq FROM every_record WHERE seq > 5 ORDER BY seq DESC LIMIT 9)",
            "SELECT seq, hash FROM every_record ORDER BY seq DESC LIMIT 1",
        ];
        for question in questions {
            let mut statement = conn.prepare(&format!("EXPLAIN QUERY PLAN {question}")).unwrap();
            let steps = statement.query_map([], |row| row.get::<_, String>(3)).unwrap();
            let plan = steps.map(Result::unwrap).collect::<Vec<_>>().join("; ");
            assert!(
                plan.contains("MERGE (UNION ALL)") && !plan.contains("TEMP B-TREE"),
                "{question}: {plan}"
            );
        }
    }
}

//! Between a record and its row: the payload is the truth, the other columns repeat it for search.

use alphec_model::{Record, Seq};
use rusqlite::Row;
use rusqlite::types::{Type, ValueRef};

use crate::hash::Hash;
use crate::sink::Head;

/// The columns in the order every statement here uses.
pub(crate) const COLUMNS: &str = "seq, at_ns, kind, provenance, correlation_id, client_order_id, \
     broker_order_id, perm_id, exec_id, payload, prev, hash";
const NAMES: [&str; 9] = [
    "seq",
    "at_ns",
    "kind",
    "provenance",
    "correlation_id",
    "client_order_id",
    "broker_order_id",
    "perm_id",
    "exec_id",
];
const PAYLOAD: usize = 9;
const PREV: usize = 10;
const HASH: usize = 11;

/// A record as stored, checked against its own hash and columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// What it says.
    pub record: Record,
    /// The exact JSON text that is hashed.
    pub payload: String,
    /// The hash of the record before it.
    pub prev: Hash,
    /// Its own hash: SHA-256 over `prev`, then `payload`.
    pub hash: Hash,
}

impl Stored {
    /// The head of a journal that ends here.
    #[must_use]
    pub const fn head(&self) -> Head {
        Head { seq: self.record.header.seq, hash: self.hash }
    }
}

/// Why a row is no record.
#[derive(Debug)]
pub(crate) enum Flaw {
    /// It is not what was written.
    Corrupt(String),
    /// It is what was written, by a program that knows more.
    Unreadable(String),
}

/// The derived columns, in the order of [`NAMES`].
pub(crate) fn derived(record: &Record) -> [ValueRef<'_>; 9] {
    let header = &record.header;
    [
        ValueRef::Integer(column_of(header.seq)),
        ValueRef::Integer(header.at.as_nanos()),
        lend(Some(record.body.kind())),
        lend(Some(header.provenance.as_str())),
        lend(header.correlation_id.as_ref().map(|id| id.as_str())),
        lend(header.client_order_id.as_ref().map(|id| id.as_str())),
        header.broker_order_id.map_or(ValueRef::Null, |id| ValueRef::Integer(id.get().into())),
        header.perm_id.map_or(ValueRef::Null, |id| ValueRef::Integer(id.get())),
        lend(header.exec_id.as_ref().map(|id| id.as_str())),
    ]
}

fn lend(text: Option<&str>) -> ValueRef<'_> {
    text.map_or(ValueRef::Null, |text| ValueRef::Text(text.as_bytes()))
}

/// A number as SQLite keeps it. Numbers beyond its range do not occur: they count up from 1.
pub(crate) fn column_of(seq: Seq) -> i64 {
    i64::try_from(seq.get()).unwrap_or(i64::MAX)
}

/// A number as it is here; 0 for what can be no record's.
pub(crate) fn seq_of(column: i64) -> Seq {
    Seq::new(u64::try_from(column).unwrap_or(0))
}

/// Reads a row of [`COLUMNS`] and checks that it agrees with itself.
pub(crate) fn decode(row: &Row<'_>) -> Result<Stored, Flaw> {
    let payload = match cell(row, PAYLOAD)? {
        ValueRef::Text(bytes) => bytes,
        other => return corrupt(format!("its payload is {}, not text", kind_of(other.data_type()))),
    };
    let prev = hash_cell(row, PREV, "previous hash")?;
    let hash = hash_cell(row, HASH, "hash")?;
    if Hash::of(&prev, payload) != hash {
        return corrupt("its hash does not match its previous hash and payload".to_owned());
    }
    let payload = core::str::from_utf8(payload).map_err(|error| Flaw::Corrupt(error.to_string()))?;
    let record = parse(payload.as_bytes()).map_err(Flaw::Unreadable)?;
    for (index, (name, expected)) in NAMES.iter().zip(derived(&record)).enumerate() {
        if cell(row, index)? != expected {
            return corrupt(format!("its column {name} does not match its payload"));
        }
    }
    Ok(Stored { payload: payload.to_owned(), record, prev, hash })
}

/// The record that a payload says.
pub(crate) fn parse(payload: &[u8]) -> Result<Record, String> {
    serde_json::from_slice(payload).map_err(|error| error.to_string())
}

/// The hash in the given column.
pub(crate) fn hash_cell(row: &Row<'_>, index: usize, name: &str) -> Result<Hash, Flaw> {
    match cell(row, index)? {
        ValueRef::Blob(bytes) => Hash::from_bytes(bytes)
            .map_or_else(|| corrupt(format!("its {name} is {} bytes long, not 32", bytes.len())), Ok),
        other => corrupt(format!("its {name} is {}, not 32 bytes", kind_of(other.data_type()))),
    }
}

fn cell<'a>(row: &'a Row<'_>, index: usize) -> Result<ValueRef<'a>, Flaw> {
    row.get_ref(index).map_err(|error| Flaw::Corrupt(error.to_string()))
}

fn corrupt<T>(what: String) -> Result<T, Flaw> {
    Err(Flaw::Corrupt(what))
}

const fn kind_of(kind: Type) -> &'static str {
    match kind {
        Type::Null => "nothing",
        Type::Integer | Type::Real => "a number",
        Type::Text => "text",
        Type::Blob => "bytes",
    }
}

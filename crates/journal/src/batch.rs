//! Records with their JSON, end to end in one buffer that is used again.

use std::path::Path;
use std::sync::Arc;

use alphec_model::{Record, Seq};

use crate::error::Error;

/// The longest payload; a broker's longest list is far below.
const PAYLOAD_BYTES_MAX: usize = 16 << 20;

/// Records in order, without a gap, and the text of each as it is hashed and stored.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    records: Vec<Arc<Record>>,
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Batch {
    /// Replaces what is here by these records.
    pub(crate) fn encode(&mut self, path: &Path, records: &[Arc<Record>]) -> Result<(), Error> {
        self.clear();
        for record in records {
            let found = record.header.seq;
            if let Some(expected) = self.last().map(Seq::next).filter(|expected| *expected != found) {
                return Err(Error::OutOfSequence { path: path.to_owned(), expected, found });
            }
            let unstorable = |what| Error::Unstorable { seq: found, what };
            let start = self.bytes.len();
            serde_json::to_writer(&mut self.bytes, &**record)
                .map_err(|error| unstorable(error.to_string()))?;
            let length = self.bytes.len().saturating_sub(start);
            if length > PAYLOAD_BYTES_MAX {
                return Err(unstorable(format!("{length} bytes, at most {PAYLOAD_BYTES_MAX} fit")));
            }
            self.ends.push(self.bytes.len());
            self.records.push(Arc::clone(record));
        }
        Ok(())
    }

    /// Adds a record whose text is known.
    pub(crate) fn push(&mut self, record: Record, payload: &[u8]) {
        self.bytes.extend_from_slice(payload);
        self.ends.push(self.bytes.len());
        self.records.push(Arc::new(record));
    }

    /// Takes everything of the other in, at the end.
    pub(crate) fn take_in(&mut self, other: &mut Self) {
        let start = self.bytes.len();
        self.bytes.append(&mut other.bytes);
        self.ends.extend(other.ends.drain(..).map(|end| end.saturating_add(start)));
        self.records.append(&mut other.records);
    }

    /// Leaves nothing but the space.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.records.clear();
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    pub(crate) const fn len(&self) -> usize {
        self.records.len()
    }

    /// Bytes of all payloads.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn first(&self) -> Option<Seq> {
        self.records.first().map(|record| record.header.seq)
    }

    pub(crate) fn last(&self) -> Option<Seq> {
        self.records.last().map(|record| record.header.seq)
    }

    pub(crate) fn payloads(&self) -> impl Iterator<Item = &[u8]> {
        let starts = core::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| self.bytes.get(start..*end).unwrap_or_default())
    }

    /// Each record with its text.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&Record, &[u8])> {
        self.records.iter().map(|record| &**record).zip(self.payloads())
    }
}

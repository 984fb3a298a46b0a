//! Export as JSON Lines, for an auditor's own tools.

use std::io::Write;

use serde::Serialize;

use crate::error::Error;
use crate::filter::Filter;
use crate::reader::Reader;
use crate::sink::Head;

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Exported {
    /// How many records.
    pub records: u64,
    /// The last one written.
    pub head: Head,
}

impl Reader {
    /// Writes the records that the filter lets through, one line each:
    /// `{"seq":1,"prev":"…","hash":"…","payload":{…}}`, the payload byte for byte as it is hashed.
    ///
    /// Without conditions the chain is checked on the way.
    ///
    /// # Errors
    /// As [`Reader::records`], or [`Error::Export`] from `to`.
    pub fn export(&self, filter: &Filter, to: &mut dyn Write) -> Result<Exported, Error> {
        let records = if *filter == Filter::default() {
            self.records(alphec_model::Seq::new(1))?
        } else {
            self.find(filter)?
        };
        let mut exported = Exported { records: 0, head: Head::EMPTY };
        for stored in records {
            let stored = stored?;
            exported.head = stored.head();
            exported.records = exported.records.saturating_add(1);
            let (seq, prev, hash, payload) = (exported.head.seq, stored.prev, stored.hash, stored.payload);
            writeln!(to, r#"{{"seq":{seq},"prev":"{prev}","hash":"{hash}","payload":{payload}}}"#)
                .map_err(|source| Error::Export { source })?;
        }
        to.flush().map_err(|source| Error::Export { source })?;
        Ok(exported)
    }
}

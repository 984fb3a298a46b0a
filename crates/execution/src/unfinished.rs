//! What an earlier process was asked for and could not record: the emergency file beside the journal says it, and the
//! next engine carries it out before anything else.

use std::path::Path;

use alphec_engine::journal::{EmergencyFile, EmergencyStore, Error, Filter, Journal, Left, Reader};
use alphec_model::{Body, CancelScope, Command, Record};

use crate::new_correlation_id;

/// The store beside a journal, and what is still to be done.
pub(crate) struct Unfinished {
    pub(crate) store: Option<Box<dyn EmergencyStore>>,
    pub(crate) commands: Vec<Command>,
}

/// A store that cannot be read may hide that somebody halted trading.
pub(crate) fn open(journal: &Journal) -> Result<Unfinished, Error> {
    match EmergencyFile::open(journal.path()) {
        Ok((file, left)) => take_up(file, left, journal),
        Err(error) => {
            tracing::error!(%error, "cancels and halts are lost with this process while the journal takes no records");
            let commands = vec![misunderstood(journal.path(), &error.to_string())];
            Ok(Unfinished { store: None, commands })
        }
    }
}

fn take_up(mut file: EmergencyFile, left: Left, journal: &Journal) -> Result<Unfinished, Error> {
    let is_clean = left.records.is_empty() && left.unread.is_empty();
    let mut commands: Vec<_> = left.unread.iter().map(|why| misunderstood(journal.path(), why)).collect();
    let reader = journal.reader()?;
    for record in left.records {
        if !is_on_record(&reader, &record)? {
            commands.extend(command(record));
        }
    }
    if commands.is_empty()
        && !is_clean
        && let Err(error) = file.clear()
    {
        tracing::warn!(%error, "the emergency file keeps what is on record by now");
    }
    Ok(Unfinished { store: Some(Box::new(file)), commands })
}

/// Whether the journal has the act: as it was recorded then, or as an engine since then carried it out. That one's
/// number may be lower: what was lost with the act had counted, too.
fn is_on_record(reader: &Reader, record: &Record) -> Result<bool, Error> {
    let mut filter = Filter::default().since(record.header.at).kind(record.body.kind());
    if let Some(order) = &record.header.client_order_id {
        filter = filter.client_order_id(order.clone());
    }
    let again = again(&record.body);
    for stored in reader.find(&filter)? {
        let stored = stored?.record;
        let is_same = stored.body == record.body || again.as_ref() == Some(&stored.body);
        if is_same && stored.header.correlation_id == record.header.correlation_id {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What is recorded when the act is done again, where it cannot be the same.
fn again(body: &Body) -> Option<Body> {
    match body {
        // Only what the engine found by itself halts less without a kill. More is halted rather than less.
        Body::Halted { scope, kill: false, by, reason } if !scope.is_all() => Some(Body::Halted {
            scope: CancelScope::All,
            kill: false,
            by: by.clone(),
            reason: format!("{scope}: {reason}"),
        }),
        _ => None,
    }
}

/// The act behind a record, to be done again.
fn command(record: Record) -> Option<Command> {
    let correlation_id = record.header.correlation_id.unwrap_or_else(new_correlation_id);
    match again(&record.body).unwrap_or(record.body) {
        Body::CancelAsked => {
            let client_order_id = record.header.client_order_id?;
            Some(Command::Cancel { client_order_id, correlation_id })
        }
        Body::Halted { scope, kill: true, by, reason } => {
            Some(Command::Kill { scope, by, reason, correlation_id })
        }
        Body::Halted { scope: _, kill: false, by, reason } => Some(Command::Halt { by, reason }),
        _ => None,
    }
}

fn misunderstood(path: &Path, why: &str) -> Command {
    let reason = format!(
        "what an earlier process kept in the emergency file of {} is not understood ({why}): look whether somebody \
         wanted orders canceled or trading halted, then resume",
        path.display()
    );
    Command::Halt { by: "the emergency file".to_owned(), reason }
}

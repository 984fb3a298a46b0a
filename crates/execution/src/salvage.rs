//! A journal that cannot be trusted, made into one that can: what is intact is kept, trading is halted until a person
//! has compared it with the broker's books.

use std::path::Path;
use std::sync::Arc;

use alphec_engine::journal::{OpenOptions, Salvage, Salvaged};
use alphec_model::record::Header;
use alphec_model::{ApiClientId, Body, BrokerOrderId, CancelScope, Provenance, Record, Seq, UtcNanos};

use crate::Error;
use crate::builder::new_log_id;

/// Order ids and intents that are left out beyond those that the lost records may have used: the note of the last
/// write may be a batch behind.
const MARGIN: u64 = 10_000;

/// Keeps what is intact of the journal at `path` in a new one at the same place, and the damaged one beside it.
///
/// The new journal ends with what was lost and why, with numbers that no lost order can have used, and with a halt of
/// everything: an engine on it reads the broker's books, shows what it does not know as orders of others, and sends
/// nothing new until trading is resumed. A salvage that was interrupted is finished instead, as it was begun.
///
/// Where no record can be kept the new journal is one of `client_id`; otherwise the records say whose it is.
///
/// # Errors
/// [`Error::Journal`]: nothing is wrong with it, another process holds it, or nothing says that a journal was there.
/// [`Error::NoClientId`] where one is needed. Nothing is changed then.
pub fn salvage_journal(
    path: &Path,
    client_id: Option<ApiClientId>,
    at: UtcNanos,
    by: &str,
    reason: &str,
) -> Result<Salvaged, Error> {
    let salvage = Salvage::begin(path, OpenOptions::new("alphec-exec", at))?;
    let opened = opened(&salvage, path, client_id)?;
    let epilogue = epilogue(&salvage, opened, at, (by, reason))?;
    Ok(salvage.finish(&epilogue)?)
}

/// What a journal begins with, where no record of this one is kept.
fn opened(salvage: &Salvage, path: &Path, client_id: Option<ApiClientId>) -> Result<Option<Body>, Error> {
    if salvage.survey().kept.seq > Seq::new(0) {
        return Ok(None);
    }
    let api_client_id = client_id.ok_or_else(|| Error::NoClientId { path: path.to_owned() })?;
    Ok(Some(Body::Opened { log_id: new_log_id(), api_client_id }))
}

fn epilogue(
    salvage: &Salvage,
    opened: Option<Body>,
    at: UtcNanos,
    (by, reason): (&str, &str),
) -> Result<Vec<Arc<Record>>, Error> {
    let survey = salvage.survey();
    let (mut ids, mut intents) = (0_u64, 0_u64);
    // One that is not kept tells, where it can be read, better than its number what it used.
    for stored in salvage.records()?.chain(salvage.given_up()?.map(Ok)) {
        let (id, intent) = used(&stored?.record);
        (ids, intents) = (ids.max(id), intents.max(intent));
    }
    // Each record uses one of each at most.
    let lost = survey.known.get().saturating_sub(survey.kept.seq.get());
    let beyond = lost.saturating_add(MARGIN);
    let next = i32::try_from(ids.saturating_add(beyond)).unwrap_or(i32::MAX - 1);
    let flaw = survey.flaw.as_ref().map(ToString::to_string).unwrap_or_default();
    let what = format!(
        "salvaged: of records {} to {} at least, nothing is kept ({flaw}); the damaged journal is at {}",
        survey.first_bad(),
        survey.known.max(survey.first_bad()),
        salvage.damaged().display()
    );
    let reason = format!("the journal was salvaged, compare it with the broker's books: {reason}");
    let bodies = [
        Body::Anomaly { what },
        Body::IdFloorRaised { next: BrokerOrderId::new(next), intents: Some(intents.saturating_add(beyond)) },
        Body::Halted { scope: CancelScope::All, kill: false, by: by.to_owned(), reason },
    ];
    let mut seq = survey.kept.seq;
    let records = opened.into_iter().chain(bodies).map(|body| {
        seq = seq.next();
        Arc::new(Record { header: header(seq, at), body })
    });
    Ok(records.collect())
}

/// The broker order id and the number of the intent that a record shows as used.
fn used(record: &Record) -> (u64, u64) {
    let order_ref = match &record.body {
        Body::Accepted { order, .. } => order.order_ref.as_ref(),
        Body::Resent { order_ref, .. } => Some(order_ref),
        _ => None,
    };
    let (next, intents) = match &record.body {
        Body::IdFloorRaised { next, intents } => (Some(*next), *intents),
        _ => (None, None),
    };
    let ours = record.header.broker_order_id.filter(|_| record.header.client_order_id.is_some());
    let id = |id: BrokerOrderId| u64::try_from(id.get()).unwrap_or_default();
    let number = order_ref.and_then(|order_ref| order_ref.intent()).map(|intent| intent.number);
    (ours.map_or(0, id).max(next.map_or(0, id)), number.unwrap_or_default().max(intents.unwrap_or_default()))
}

const fn header(seq: Seq, at: UtcNanos) -> Header {
    Header::nameless(seq, at, Provenance::Operator)
}

//! What can be seen from outside: the wire, the venue's truth, the journal's bytes, what callers and subscribers
//! are told. Checkers see these and nothing else.

use std::sync::Arc;

use alphec_core::{Core, Reply};
use alphec_engine::CallError;
use alphec_journal::Hash;
use alphec_model::{Alert, BrokerEvent, Command, Event, Record};
use alphec_twsim::venue::VenueOutput;

use crate::wire::Sent;

/// One thing seen.
#[derive(Debug)]
pub(crate) enum Sight<'a> {
    /// A process began, on so many records.
    Born { records: &'a [Record], hashes: &'a [Hash], acknowledged: &'a [Hash] },
    /// A process ended: whatever was not durable is gone.
    Died,
    /// The first byte of a frame left for the gateway.
    Wire(&'a Sent),
    /// Records became durable.
    Durable(&'a [Arc<Record>]),
    /// Records were handed to the journal.
    Handed(&'a [Arc<Record>]),
    /// The venue did something.
    Venue(&'a VenueOutput),
    /// The adapter told the engine something.
    Told(&'a BrokerEvent),
    /// A caller asked.
    Asked(&'a Command),
    /// A caller was answered.
    Answered(&'a Command, &'a Result<Reply, CallError>),
    /// Subscribers heard something.
    Published(&'a Event),
    /// People were alerted.
    Alerted(&'a Alert),
    /// A round of the process is over, and everything that it led to at this instant.
    Rest { core: Option<&'a Core>, is_up: bool, is_paused: bool },
    /// Everything has healed and had its time to settle.
    End { core: &'a Core, truth: &'a alphec_twsim::Truth, parked: &'a [String], journal: &'a [u8] },
}

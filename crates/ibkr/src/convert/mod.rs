//! Conversions between ibapi's types and ours: pure, total, fallible; one file per pair, no I/O.
//!
//! A value that cannot be understood is a [`Refused`]: the raw text is kept and nothing is guessed.

pub(crate) mod account;
pub(crate) mod contract;
pub(crate) mod execution;
pub(crate) mod money;
pub(crate) mod names;
pub(crate) mod order;
pub(crate) mod report;
pub(crate) mod stamp;
pub(crate) mod status;

use core::fmt::Debug;

use alphec_model::BrokerEvent;
use alphec_model::broker::OrderNames;

/// Longest raw text kept of a message that could not be understood.
const RAW_MAX: usize = 16 * 1024;

/// Why a message could not be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {why}")]
pub(crate) struct Refused {
    /// Which field.
    what: &'static str,
    /// What is wrong with it.
    why: String,
}

impl Refused {
    #[expect(clippy::needless_pass_by_value, reason = "callers hand over a text or an error they made")]
    pub(crate) fn new(what: &'static str, why: impl ToString) -> Self {
        Self { what, why: why.to_string() }
    }
}

/// The event for a message that could not be understood.
pub(crate) fn undecodable(names: OrderNames, refused: &Refused, raw: &impl Debug) -> BrokerEvent {
    BrokerEvent::Undecodable { names, why: refused.to_string(), raw: raw_text(raw) }
}

/// The Debug text of a message, cut at a bound.
pub(crate) fn raw_text(raw: &impl Debug) -> String {
    let mut text = format!("{raw:?}");
    if text.len() > RAW_MAX {
        let end = (0..=RAW_MAX).rev().find(|index| text.is_char_boundary(*index)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_text_is_bounded_and_cut_between_characters() {
        let text = raw_text(&"é".repeat(RAW_MAX));
        assert!(text.len() <= RAW_MAX + '…'.len_utf8());
        assert!(text.ends_with('…'));
    }
}

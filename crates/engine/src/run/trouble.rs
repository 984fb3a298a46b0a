//! When the journal is slow or refuses: cancels leave, nothing new does, callers hear of it.

use std::sync::Arc;

use alphec_core::Input;
use alphec_model::{BrokerEvent, BrokerRequest, Record, UtcNanos};

use super::{Loop, RETRY_AFTER};
use crate::handle::CallError;
use crate::write_ahead::Held;

/// The journal does not take records: what it refused is tried again, what was to be sent is not sent.
pub(super) struct Trouble {
    pub(super) records: Vec<Arc<Record>>,
    pub(super) held: Held,
    pub(super) never_sent: Vec<BrokerRequest>,
    pub(super) retry_at: UtcNanos,
}

impl Loop {
    pub(super) fn let_cancels_ahead(&mut self) {
        let mut cancels =
            self.in_flight.as_mut().map(|in_flight| in_flight.held.take_cancels()).unwrap_or_default();
        cancels.extend(self.filling.take_cancels());
        self.stats.cancels_ahead += cancels.len() as u64;
        for cancel in cancels {
            self.send(cancel);
        }
    }

    /// The journal refused a batch: cancels leave, nothing else that was to be sent ever does, and
    /// callers hear of it now.
    pub(super) fn begin_trouble(&mut self, records: Vec<Arc<Record>>, held: Held, why: &str) {
        let now = self.parts.clock.now();
        let is_new = self.trouble.is_none();
        let mut trouble = self.trouble.take().unwrap_or_else(|| Trouble {
            records: Vec::new(),
            held: Held::default(),
            never_sent: Vec::new(),
            retry_at: now,
        });
        trouble.records = records;
        trouble.held = held;
        trouble.retry_at = now.saturating_add(RETRY_AFTER);
        tracing::error!(why, "the journal took no records; trying again");
        let mut stuck = std::mem::take(&mut trouble.held);
        self.let_out(&mut stuck, &mut trouble.never_sent, Some(why));
        trouble.held = stuck;
        if is_new {
            let mut stuck = std::mem::take(&mut self.filling);
            self.let_out(&mut stuck, &mut trouble.never_sent, Some(why));
            self.filling = stuck;
        }
        self.trouble = Some(trouble);
        if is_new {
            self.step(Input::Journal { trouble: Some(why.to_owned()) });
        }
    }

    /// In trouble nothing new can trade (the gate denies), so replies need not wait.
    pub(super) fn let_out_in_trouble(&mut self) {
        let Some(mut trouble) = self.trouble.take() else { return };
        let mut stuck = std::mem::take(&mut self.filling);
        self.let_out(&mut stuck, &mut trouble.never_sent, None);
        self.filling = stuck;
        self.trouble = Some(trouble);
    }

    /// Lets out what may leave without a record. `why` is set for a batch that was to be sent.
    pub(super) fn let_out(
        &mut self,
        held: &mut Held,
        never_sent: &mut Vec<BrokerRequest>,
        why: Option<&str>,
    ) {
        let cancels = held.take_cancels();
        self.stats.cancels_ahead += cancels.len() as u64;
        for cancel in cancels {
            self.send(cancel);
        }
        never_sent.extend(held.take_stale());
        for (token, reply) in held.replies.drain(..).collect::<Vec<_>>() {
            let is_cancel = self.waiters.get(&token).is_some_and(|waiter| waiter.is_cancel);
            match why {
                Some(why) if !is_cancel => self.reply(token, Err(CallError::Journal { why: why.to_owned() })),
                _ => self.reply(token, Ok(reply)),
            }
        }
        for answer in held.answers.drain(..) {
            answer();
        }
    }

    pub(super) fn retry(&mut self, now: UtcNanos) {
        let Some(trouble) = self.trouble.as_mut() else { return };
        let records = std::mem::take(&mut trouble.records);
        let held = std::mem::take(&mut trouble.held);
        trouble.retry_at = now.saturating_add(RETRY_AFTER);
        self.begin(records, held);
    }

    /// The journal works again: what was never sent is recorded as such, and the gate may open.
    pub(super) fn end_trouble(&mut self) {
        let Some(trouble) = self.trouble.take() else { return };
        tracing::info!("the journal takes records again");
        for request in &trouble.never_sent {
            self.never_sent(request, "the journal could not record it in time");
        }
        self.step(Input::Journal { trouble: None });
        self.step(Input::Broker(BrokerEvent::Gap {
            generation: self.parts.core.generation(),
            why: "the journal was out of order".to_owned(),
        }));
    }
}

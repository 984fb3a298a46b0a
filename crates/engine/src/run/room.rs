//! When too many records wait for the journal: what changes something is still taken if it can only
//! end orders, and what changes nothing is answered without a record. So a journal that is stuck for
//! hours costs a bounded number of records, whatever callers repeat.

use alphec_core::Reply;
use alphec_model::Command;

use super::Loop;
use crate::handle::{CallError, is_lasting};

impl Loop {
    /// The answer to a command that leaves no record because there is no room for one, if there is none.
    pub(super) fn without_a_record(&self, command: &Command) -> Option<Result<Reply, CallError>> {
        if self.has_room() {
            return None;
        }
        match command {
            // Taken only because a cancel behind it had to know it: it goes nowhere.
            Command::Submit(_)
            | Command::SubmitGroup(_)
            | Command::Modify(_)
            | Command::Reconcile { .. }
            | Command::Resume { .. }
            | Command::AcceptPosition { .. }
            | Command::Settle { .. } => {
                Some(Err(CallError::Journal { why: "too many records wait for it already".to_owned() }))
            }
            command => {
                let reply = self.parts.core.repeats(self.parts.clock.now(), command)?;
                Some(if is_lasting(command) { Err(self.not_on_record()) } else { Ok(reply) })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::sync::Arc;
    use std::time::Duration;

    use alphec_core::{Core, CoreConfig, Mode, Step};
    use alphec_journal::testing::MemorySink;
    use alphec_model::{
        ApiClientId, BrokerOrderId, BrokerRequest, ClientOrderId, CorrelationId, Decimal, Limits,
    };
    use tokio::sync::{broadcast, mpsc, oneshot};

    use super::*;
    use crate::clock::SystemClock;
    use crate::emergency::Emergency;
    use crate::handle::Call;
    use crate::outbox::Outbox;
    use crate::rules::Rules;
    use crate::run::{BATCH_MAX, LoopParts, RECORDS_MAX};
    use crate::side::Side;
    use crate::stop::StopPolicy;
    use crate::write_ahead::{Batch, WriteAhead};

    fn config() -> CoreConfig {
        CoreConfig {
            mode: Mode::Paper,
            armed_until: None,
            api_client_id: ApiClientId::new(7),
            accounts: BTreeSet::new(),
            instruments: BTreeMap::new(),
            limits: Limits {
                max_order_qty: "1".parse().unwrap(),
                max_order_notional: Decimal::ONE,
                max_position: "1".parse().unwrap(),
                max_open_orders: 1,
                price_collar: Decimal::ONE,
                max_quote_age_ms: Duration::ZERO,
                max_gross_notional: Decimal::ONE,
                max_net_notional: Decimal::ONE,
                max_leverage: Decimal::ONE,
                max_account_age_ms: Duration::ZERO,
                max_messages_per_second: 1,
            },
            instrument_limits: BTreeMap::new(),
            rules: Vec::new(),
            ack_timeout: Duration::ZERO,
            resnapshot_after: Duration::ZERO,
            absent_after: Duration::ZERO,
            absent_watch: Duration::ZERO,
            when_in_doubt: alphec_model::WhenInDoubt::Hold,
            restart_windows: Vec::new(),
            reconcile_every: Duration::ZERO,
            messages_per_second: None,
            executions_days: 1,
            orders_max: 1,
        }
    }

    /// A loop that nobody drives, and the adapter's end of it.
    fn idle() -> (Loop, mpsc::Receiver<BrokerRequest>) {
        let (ahead, _) = WriteAhead::spawn(Box::new(MemorySink::default())).unwrap();
        let (to_adapter, adapter) = mpsc::channel(1);
        let idle = Loop::new(LoopParts {
            core: Core::new(config()),
            clock: Arc::new(SystemClock::new()),
            ahead,
            emergency: Emergency::default(),
            outbox: Outbox::new(to_adapter, None),
            side: Side::spawn(Rules::default(), Vec::new(), mpsc::channel(1).0).unwrap(),
            events: broadcast::channel(1).0,
            followers: Arc::default(),
            alerts: broadcast::channel(1).0,
            stop: tokio_util::sync::CancellationToken::new(),
            stop_policy: StopPolicy::Keep,
            stop_deadline: Duration::ZERO,
        });
        (idle, adapter)
    }

    /// The same with a journal that never takes a record.
    fn stuck() -> Loop {
        let (mut stuck, _) = idle();
        stuck.queue.extend((0..RECORDS_MAX / BATCH_MAX).map(|_| Batch::default()));
        assert!(!stuck.has_room());
        stuck
    }

    fn ask(stuck: &mut Loop, command: Command) -> oneshot::Receiver<Result<Reply, CallError>> {
        let (reply, replied) = oneshot::channel();
        stuck.call(Call::Command(Box::new(command), reply));
        replied
    }

    #[tokio::test]
    async fn a_cancel_in_the_batch_that_the_journal_refused_leaves_at_once() {
        let (mut idle, mut adapter) = idle();
        let cancel = BrokerRequest::Cancel { broker_order_id: BrokerOrderId::new(1) };
        let mut batch = Batch::default();
        drop(batch.held.take(Step { requests: vec![cancel.clone()], ..Step::default() }, None));
        idle.begin_trouble(batch, "the disk is full");
        idle.flush();
        assert_eq!(adapter.try_recv().ok(), Some(cancel), "and not with the next attempt");
    }

    #[tokio::test]
    async fn what_changes_nothing_leaves_no_record_while_the_journal_is_stuck() {
        let mut stuck = stuck();
        let halt = || Command::Halt { by: "operator".into(), reason: "drill".into() };
        drop(ask(&mut stuck, halt()));
        let records = stuck.filling.records.len();
        assert_eq!(records, 1, "the first halt changes something");
        let correlation_id = CorrelationId::new("work").unwrap();
        let client_order_id = ClientOrderId::new("never").unwrap();
        for _ in 0..100 {
            assert!(matches!(ask(&mut stuck, halt()).await, Ok(Err(CallError::NotOnRecord { .. }))));
            let cancel = Command::Cancel {
                client_order_id: client_order_id.clone(),
                correlation_id: correlation_id.clone(),
            };
            assert!(matches!(ask(&mut stuck, cancel).await, Ok(Ok(Reply::Misuse(_)))));
            let resume = Command::Resume {
                scope: alphec_model::CancelScope::All,
                by: "operator".into(),
                reason: "drill".into(),
            };
            assert!(matches!(ask(&mut stuck, resume).await, Ok(Err(CallError::Journal { .. }))));
        }
        assert_eq!(stuck.filling.records.len(), records);
        assert_eq!(stuck.waiters.len(), 1, "the first halt's");
    }
}

//! The broker's books: four lists, each to its end marker, or a failure that says nothing.
//!
//! Open orders, completed orders and positions carry no request id: their end markers cannot be told apart.
//! So lists are read one after the other; a list that never ended leaves a marker owing, and no further
//! list is read on that connection.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use alphec_model::broker::{BrokerEvent, Snapshot};
use futures::FutureExt;
use futures::future::BoxFuture;
use ibapi::accounts::{Position, PositionUpdate};
use ibapi::orders::{ExecutionFilter, Executions, OrderData, Orders};
use ibapi::{Client, Error};
use tokio::time::Instant;

use super::{End, Session};
use crate::convert::{Refused, execution, report, undecodable};
use crate::pace::{Pacer, Urgency};

/// Snapshots that may wait behind the one under way; a further one fails at once.
const WAITING_MAX: usize = 4;

/// How long a list may still end after a refusal without an id, which may have been meant for it.
const SPOILED_GRACE: Duration = Duration::from_secs(1);

/// Days that the broker keeps executions for at most.
const EXECUTION_DAYS_MAX: u8 = 7;

/// The rows as they came.
#[derive(Debug, Default)]
pub(super) struct Books {
    open: Vec<OrderData>,
    completed: Vec<OrderData>,
    executions: Vec<Executions>,
    positions: Vec<Position>,
}

/// Why there are no books.
#[derive(Debug)]
pub(super) struct Failure {
    why: String,
    /// An end marker may still come.
    owing: bool,
}

struct Running {
    id: u64,
    books: BoxFuture<'static, Result<Books, Failure>>,
    spoiled: Option<(String, Instant)>,
}

/// The snapshot under way and those that wait.
#[derive(Default)]
pub(super) struct Snapshots {
    running: Option<Running>,
    waiting: VecDeque<(u64, u8)>,
    owing: Option<String>,
}

impl Snapshots {
    /// An error that names no request came: the list under way may never end.
    pub(super) fn spoil(&mut self, why: String) {
        if let Some(running) = &mut self.running {
            running.spoiled.get_or_insert_with(|| (why, Instant::now() + SPOILED_GRACE));
        }
    }

    /// Resolves when the snapshot under way is read or failed; never when there is none.
    pub(super) async fn done(&mut self) -> Result<Books, Failure> {
        let Some(running) = &mut self.running else { return core::future::pending().await };
        match &running.spoiled {
            None => running.books.as_mut().await,
            Some((why, until)) => match tokio::time::timeout_at(*until, running.books.as_mut()).await {
                // Complete, but read while the broker refused something: not proof enough.
                Ok(Ok(_)) => Err(Failure { why: why.clone(), owing: false }),
                Ok(Err(failure)) => Err(Failure { why: format!("{why}; {}", failure.why), ..failure }),
                Err(_) => Err(Failure { why: why.clone(), owing: true }),
            },
        }
    }

    /// Ids of everything unanswered, for the end of the session.
    pub(super) fn unanswered(&mut self) -> Vec<u64> {
        let running = self.running.take().map(|running| running.id);
        running.into_iter().chain(self.waiting.drain(..).map(|(id, _)| id)).collect()
    }
}

impl Session<'_> {
    pub(super) fn queue_snapshot(&mut self, id: u64, executions_days: u8) -> Result<(), End> {
        if let Some(why) = self.snapshots.owing.clone() {
            self.snapshot_failed(id, why.clone());
            return Err(End::Lost(format!("a list never ended, reconnecting for a clean one: {why}")));
        }
        if self.snapshots.waiting.len() >= WAITING_MAX {
            self.snapshot_failed(id, format!("{WAITING_MAX} snapshots already wait"));
            return Ok(());
        }
        self.snapshots.waiting.push_back((id, executions_days));
        self.start_snapshot();
        Ok(())
    }

    fn start_snapshot(&mut self) {
        if self.snapshots.running.is_some() {
            return;
        }
        let Some((id, days)) = self.snapshots.waiting.pop_front() else { return };
        let reader = Reader {
            client: self.client.clone(),
            pacer: self.pacer.clone(),
            timeout: self.config.snapshot_timeout,
        };
        self.snapshots.running = Some(Running { id, books: reader.read(days).boxed(), spoiled: None });
    }

    pub(super) fn finish_snapshot(&mut self, result: Result<Books, Failure>) {
        let Some(Running { id, .. }) = self.snapshots.running.take() else { return };
        match result {
            Ok(books) => self.snapshot_read(id, &books),
            Err(Failure { why, owing }) => {
                if owing {
                    self.snapshots.owing = Some(why.clone());
                }
                self.snapshot_failed(id, why);
            }
        }
        self.start_snapshot();
    }

    pub(super) fn snapshot_failed(&mut self, id: u64, why: String) {
        self.port.push(BrokerEvent::SnapshotFailed { id, generation: self.generation, why });
    }

    /// One row that cannot be understood fails the whole: a list without it would be a false one.
    fn snapshot_read(&mut self, id: u64, books: &Books) {
        match self.convert(id, books) {
            Ok(snapshot) => self.port.push(BrokerEvent::Snapshot(snapshot)),
            Err((event, why)) => {
                self.port.push(*event);
                self.snapshot_failed(id, why);
            }
        }
    }

    fn convert(&self, id: u64, books: &Books) -> Result<Snapshot, (Box<BrokerEvent>, String)> {
        let Books { open, completed, executions, positions } = books;
        let (directory, clock) = (&*self.directory, &self.clock);
        let mut snapshot = Snapshot {
            id,
            generation: self.generation,
            open: rows(open, |row| report::open(row, directory), report::open_names)?,
            completed: rows(completed, report::completed, report::completed_names)?,
            executions: Vec::new(),
            commissions: Vec::new(),
            positions: rows(positions, |row| report::position(row, directory), |_| Default::default())?,
        };
        for row in executions {
            match row {
                Executions::ExecutionData(data) => snapshot.executions.extend(rows(
                    core::slice::from_ref(data),
                    |row| execution::execution(row, directory, clock),
                    execution::execution_names,
                )?),
                Executions::CommissionReport(data) => snapshot.commissions.extend(rows(
                    core::slice::from_ref(data),
                    execution::commission,
                    |_| Default::default(),
                )?),
            }
        }
        Ok(snapshot)
    }
}

fn rows<T: core::fmt::Debug, U>(
    raw: &[T],
    convert: impl Fn(&T) -> Result<U, Refused>,
    names: impl Fn(&T) -> alphec_model::broker::OrderNames,
) -> Result<Vec<U>, (Box<BrokerEvent>, String)> {
    raw.iter()
        .map(|row| {
            convert(row)
                .map_err(|refused| (Box::new(undecodable(names(row), &refused, row)), refused.to_string()))
        })
        .collect()
}

/// Reads the lists of one connection.
struct Reader {
    client: Arc<Client>,
    pacer: Arc<Pacer>,
    timeout: Duration,
}

impl Reader {
    async fn read(self, days: u8) -> Result<Books, Failure> {
        // A round trip first: the end marker of an unasked download ("Download open orders on connection")
        // is written before its answer, and so cannot end our list.
        self.list("accounts", false, self.barrier()).await?;
        let open = self.list("open orders", true, self.open_orders()).await?;
        let completed = self.list("completed orders", true, self.completed_orders()).await?;
        let executions = self.list("executions", false, self.executions(days)).await?;
        let positions = self.list("positions", true, self.positions()).await?;
        Ok(Books { open: orders(open), completed: orders(completed), executions, positions })
    }

    async fn list<T>(
        &self,
        name: &str,
        owing: bool,
        read: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Failure> {
        self.pacer.acquire(Urgency::Normal).await;
        match tokio::time::timeout(self.timeout, read).await {
            Ok(Ok(rows)) => Ok(rows),
            Ok(Err(error)) => Err(Failure { why: format!("the list of {name} failed: {error}"), owing }),
            Err(_) => {
                // ibapi may tell the gateway by itself that the list is not waited for any more.
                self.pacer.charge(Instant::now());
                Err(Failure {
                    why: format!("the list of {name} did not end within {:?}", self.timeout),
                    owing,
                })
            }
        }
    }

    async fn barrier(&self) -> Result<(), Error> {
        self.client.managed_accounts().await.map(drop)
    }

    async fn open_orders(&self) -> Result<Vec<Orders>, Error> {
        self.client.all_open_orders().await?.collect_to_end_within(self.timeout).await
    }

    async fn completed_orders(&self) -> Result<Vec<Orders>, Error> {
        self.client.completed_orders(false).await?.collect_to_end_within(self.timeout).await
    }

    async fn executions(&self, days: u8) -> Result<Vec<Executions>, Error> {
        // Without a number of days the gateway answers with today's only; it keeps seven.
        let last_n_days = if days > 1 { i32::from(days.min(EXECUTION_DAYS_MAX)) } else { 0 };
        let filter = ExecutionFilter { last_n_days, ..ExecutionFilter::default() };
        self.client.executions(filter).await?.collect_to_end_within(self.timeout).await
    }

    /// Positions stream on after their end marker, so the subscription is canceled: a second one
    /// beside it may get an empty or partial list.
    async fn positions(&self) -> Result<Vec<Position>, Error> {
        let mut updates = self.client.positions().await?;
        let is_end = |rows: &[PositionUpdate]| matches!(rows.last(), Some(PositionUpdate::PositionEnd));
        let mut rows = updates.collect_until(self.timeout, is_end).await;
        // Counted though it never waits: meanwhile the list would go on.
        self.pacer.charge(Instant::now());
        updates.cancel().await;
        if !is_end(&rows) {
            return Err(Error::UnexpectedEndOfStream);
        }
        rows.pop();
        Ok(rows.into_iter().filter_map(held).collect())
    }
}

fn held(row: PositionUpdate) -> Option<Position> {
    match row {
        PositionUpdate::Position(position) => Some(position),
        PositionUpdate::PositionEnd => None,
    }
}

/// Statuses that stand between the rows of a list repeat what the rows say.
fn orders(rows: Vec<Orders>) -> Vec<OrderData> {
    rows.into_iter()
        .filter_map(|row| match row {
            Orders::OrderData(data) => Some(data),
            Orders::OrderStatus(_) => None,
        })
        .collect()
}

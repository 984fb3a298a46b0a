//! What a journal says, read without an engine: no connection, nothing written, and beside whoever
//! holds it. It is as old as the journal's last record.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use alphec_engine::core::{Core, CoreConfig, Mode};
use alphec_engine::journal::Reader;
use alphec_engine::replay;
use alphec_model::record::Fill;
use alphec_model::{ApiClientId, ClientOrderId, Decimal, Limits, Order, Position, Qty};

use crate::Error;

/// Orders, fills and positions as of a journal's last record.
#[derive(Debug)]
pub struct Books(Core);

/// Replays a journal, the chain checked on the way.
///
/// # Errors
/// [`Error::Journal`] when it cannot be read, [`Error::Recover`] when it cannot be trusted.
pub fn read_books(journal: &Path) -> Result<Books, Error> {
    let reader = Reader::open(journal)?;
    let mut core = Core::new(nothing_allowed());
    let recover = |why| Error::Recover { path: journal.to_owned(), why: Box::new(why) };
    replay(&mut core, reader.replay()).map_err(recover)?;
    Ok(Books(core))
}

impl Books {
    /// Every order, oldest first.
    #[must_use]
    pub fn orders(&self) -> Vec<Order> {
        self.0.book().orders().cloned().collect()
    }

    /// One order.
    #[must_use]
    pub fn order(&self, client_order_id: &ClientOrderId) -> Option<Order> {
        self.0.book().order(client_order_id).cloned()
    }

    /// The fills of one order.
    #[must_use]
    pub fn fills(&self, client_order_id: &ClientOrderId) -> Vec<Fill> {
        self.0.book().fills_of(client_order_id).cloned().collect()
    }

    /// Every position that is not flat, or that differs from the broker's.
    #[must_use]
    pub fn positions(&self) -> Vec<Position> {
        self.0.book().positions().collect()
    }

    /// Why trading is halted, if it is.
    #[must_use]
    pub fn halted(&self) -> Option<&str> {
        self.0.book().halted()
    }
}

/// Replay asks nothing of the configuration; were this machine ever handed an order, it would deny it.
fn nothing_allowed() -> CoreConfig {
    CoreConfig {
        mode: Mode::Paper,
        armed_until: None,
        api_client_id: ApiClientId::new(0),
        accounts: BTreeSet::new(),
        instruments: BTreeMap::new(),
        limits: Limits {
            max_order_qty: Qty::ZERO,
            max_order_notional: Decimal::ZERO,
            max_position: Qty::ZERO,
            max_open_orders: 0,
            price_collar: Decimal::ZERO,
            max_quote_age_ms: Duration::ZERO,
            max_gross_notional: Decimal::ZERO,
            max_net_notional: Decimal::ZERO,
            max_leverage: Decimal::ZERO,
            max_account_age_ms: Duration::ZERO,
            max_messages_per_second: 0,
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
        executions_days: 0,
        orders_max: 0,
    }
}

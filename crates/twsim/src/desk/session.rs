//! Starting a session, and handing each request to the family that answers it.

use bytes::Bytes;

use super::{ConnId, Desk};
use crate::client::Phase;
use crate::faults::{Knob, On};
use crate::venue::UtcNs;
use crate::wire::{FrameError, Reply, Request, decode};

impl Desk {
    pub(super) fn message(&mut self, now: UtcNs, conn: ConnId, payload: &Bytes) -> Result<(), FrameError> {
        let Some(session) = self.lines.sessions.get_mut(&conn) else { return Ok(()) };
        let request = decode(session.server_version, payload)?;
        match (session.phase, &request) {
            (Phase::Ready, _) if self.puts_off(now, conn, &request) => {}
            (Phase::Ready, _) => self.dispatch(now, conn, request, payload),
            (_, Request::StartApi { client_id }) => {
                let client_id = *client_id;
                self.start_api(now, conn, client_id);
            }
            // The real gateway drops what comes too early, without a word.
            (Phase::Prefix | Phase::Version | Phase::Start, _) => self.lines.counters.early += 1,
        }
        Ok(())
    }

    pub(super) fn dispatch(&mut self, now: UtcNs, conn: ConnId, request: Request, payload: &Bytes) {
        let on = On::client(self.client_of(conn).unwrap_or(-1));
        if needs_write_access(&request)
            && (self.config.read_only || self.faults.level(now, Knob::ReadOnly, on).is_some())
        {
            let text =
                "Error validating request.-'sim' : cause - The API interface is currently in Read-Only mode.";
            return self.lines.error(now, conn, -1, (321, text));
        }
        match request {
            Request::PlaceOrder(order) => self.place_order(now, conn, &order, payload),
            Request::CancelOrder { order_id, .. } => self.cancel_order(now, conn, order_id),
            Request::GlobalCancel => self.global_cancel(now),
            Request::OpenOrders => self.open_orders(now, conn),
            Request::AllOpenOrders => self.all_open_orders(now, conn),
            Request::AutoOpenOrders { bind } => self.auto_open_orders(now, conn, bind),
            Request::CompletedOrders { api_only } => self.completed_orders(now, conn, api_only),
            Request::Executions { req_id, filter } => self.executions(now, conn, req_id, &filter),
            Request::ContractDetails { req_id, query } => self.contract_details(now, conn, req_id, &query),
            Request::MarketRule { rule_id } => self.market_rule(now, conn, rule_id),
            Request::MatchingSymbols { req_id, pattern } => {
                self.matching_symbols(now, conn, req_id, &pattern)
            }
            Request::MarketData(wanted) => self.market_data(now, conn, &wanted),
            Request::CancelMarketData { req_id } => self.cancel_market_data(conn, req_id),
            Request::MarketDepth(wanted) => self.market_depth(now, conn, &wanted),
            Request::CancelMarketDepth { req_id } => self.cancel_market_depth(now, conn, req_id),
            Request::DepthExchanges => self.depth_exchanges(now, conn),
            Request::MarketDataType { kind } => self.market_data_type(conn, kind),
            Request::Positions => self.positions(now, conn),
            Request::CancelPositions => self.cancel_positions(conn),
            Request::AccountUpdates { subscribe, account } => {
                self.account_updates(now, conn, subscribe, &account);
            }
            Request::AccountSummary(wanted) => self.account_summary(now, conn, &wanted),
            Request::CancelAccountSummary { req_id } => self.cancel_account_summary(conn, req_id),
            Request::PnL { req_id, account } => self.pnl(now, conn, req_id, &account),
            Request::CancelPnL { req_id } => self.cancel_pnl(conn, req_id),
            Request::PnLSingle { req_id, account, con_id } => {
                self.pnl_single(now, conn, req_id, (&account, con_id));
            }
            Request::CancelPnLSingle { req_id } => self.cancel_pnl_single(conn, req_id),
            Request::PositionsMulti(wanted) => self.positions_multi(now, conn, &wanted),
            Request::CancelPositionsMulti { req_id } => self.cancel_positions_multi(conn, req_id),
            Request::AccountUpdatesMulti(wanted) => self.account_updates_multi(now, conn, &wanted),
            Request::CancelAccountUpdatesMulti { req_id } => {
                self.cancel_account_updates_multi(conn, req_id);
            }
            Request::SecDefOptParams(wanted) => self.option_chain(now, conn, &wanted),
            Request::HistoricalData(wanted) => self.history(now, conn, &wanted),
            Request::CancelHistoricalData { req_id } => self.cancel_history(now, conn, req_id),
            Request::RealTimeBars(wanted) => self.live_bars(now, conn, &wanted),
            Request::CancelRealTimeBars { req_id } => self.cancel_live_bars(now, conn, req_id),
            Request::StartApi { .. }
            | Request::Ids
            | Request::ManagedAccounts
            | Request::CurrentTime
            | Request::CurrentTimeMillis
            | Request::SetServerLogLevel
            | Request::CancelContractDetails { .. }
            | Request::SoftDollarTiers { .. }
            | Request::FamilyCodes
            | Request::NewsProviders
            | Request::UserInfo { .. }
            | Request::Unsupported { .. }
            | Request::Unknown { .. } => self.housekeeping(now, conn, &request),
        }
    }

    fn housekeeping(&mut self, now: UtcNs, conn: ConnId, request: &Request) {
        match request {
            Request::Ids => {
                let Some(client_id) = self.client_of(conn) else { return };
                let next = self.venue.next_order_id(client_id);
                self.lines.send(now, conn, &Reply::NextValidId(next));
            }
            Request::ManagedAccounts => self.send_managed_accounts(now, conn),
            Request::CurrentTime => self.current_time(now, conn),
            Request::CurrentTimeMillis => {
                self.lines.send(now, conn, &Reply::CurrentTimeMillis { millis: now / 1_000_000 });
            }
            Request::SoftDollarTiers { req_id } => {
                self.lines.send(now, conn, &Reply::SoftDollarTiers { req_id: *req_id });
            }
            Request::NewsProviders => self.lines.send(now, conn, &Reply::NewsProviders),
            Request::UserInfo { req_id } => {
                self.lines.send(now, conn, &Reply::UserInfo { req_id: *req_id });
            }
            Request::FamilyCodes => {
                let ids: Vec<&str> = self.venue.accounts().map(|account| &*account.id).collect();
                self.lines.send(now, conn, &Reply::FamilyCodes(ids));
            }
            Request::Unsupported { name, req_id } => self.unsupported(now, conn, name, *req_id),
            Request::Unknown { message_id } => {
                self.count_unsupported(&format!("message {message_id}"));
                let text =
                    format!("Server error when reading an API client request: message id {message_id}");
                self.lines.error(now, conn, -1, (320, &text));
            }
            // No answer is due: a log level is set, a request that was answered at once is cancelled, a
            // started session is started again.
            _ => {}
        }
    }

    fn unsupported(&mut self, now: UtcNs, conn: ConnId, name: &str, req_id: Option<i32>) {
        self.count_unsupported(name);
        let text =
            format!("Error validating request.-'sim' : cause - {name} is not supported by the simulator");
        self.lines.error(now, conn, req_id.unwrap_or(-1), (321, &text));
    }

    fn current_time(&mut self, now: UtcNs, conn: ConnId) {
        let on = On::client(self.client_of(conn).unwrap_or(-1));
        let Some(session) = self.lines.sessions.get_mut(&conn) else { return };
        let recent = session.clock_answered_at.is_some_and(|at| now - at < 1_000_000_000);
        if recent
            && (self.config.clock_once_per_second || self.faults.level(now, Knob::ClockOnce, on).is_some())
        {
            return;
        }
        session.clock_answered_at = Some(now);
        self.lines.send(now, conn, &Reply::CurrentTime { seconds: now / 1_000_000_000 });
    }

    fn count_unsupported(&mut self, name: &str) {
        let counted = &mut self.lines.counters.unsupported;
        let is_known = counted.contains_key(name) || counted.len() < UNSUPPORTED_NAMES_MAX;
        *counted.entry(if is_known { name } else { "others" }.to_owned()).or_default() += 1;
    }

    pub(super) fn client_of(&self, conn: ConnId) -> Option<i32> {
        self.lines.sessions.get(&conn).map(|session| session.client_id)
    }
}

fn needs_write_access(request: &Request) -> bool {
    matches!(
        request,
        Request::PlaceOrder(_)
            | Request::CancelOrder { .. }
            | Request::GlobalCancel
            | Request::OpenOrders
            | Request::AllOpenOrders
            | Request::AutoOpenOrders { .. }
    )
}

/// Most names counted: a client can make up four billion message ids.
const UNSUPPORTED_NAMES_MAX: usize = 256;

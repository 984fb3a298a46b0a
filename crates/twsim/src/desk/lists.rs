//! Lists: open orders, completed orders, executions.

use super::{ConnId, Desk};
use crate::venue::{DAY_NS, Execution, OrderReport, Side, UtcNs, day_start};
use crate::wire::{ExecutionFilter, Reply, civil_date, parse_stamp};

impl Desk {
    /// The session's own orders. Client 0 also gets the hand-typed ones, which this binds to it.
    pub(super) fn open_orders(&mut self, now: UtcNs, conn: ConnId) {
        let Some(client_id) = self.client_of(conn) else { return };
        if client_id == 0 {
            for bound in self.venue.bind_manual() {
                self.send_bound(now, conn, &bound);
            }
        }
        self.send_open_orders(now, conn, |report| report.key.client_id == client_id);
    }

    /// Every working order of the login, once. Unbound hand-typed ones have order id 0.
    pub(super) fn all_open_orders(&mut self, now: UtcNs, conn: ConnId) {
        self.send_open_orders(now, conn, |_| true);
    }

    pub(super) fn auto_open_orders(&mut self, now: UtcNs, conn: ConnId, bind: bool) {
        if self.client_of(conn) != Some(0) {
            let text = "Only the default client (i.e 0) can auto bind orders";
            return self.lines.error(now, conn, -1, (327, text));
        }
        if let Some(session) = self.lines.sessions.get_mut(&conn) {
            session.subscriptions.bind_manual = bind;
        }
    }

    /// Orders that ended today.
    pub(super) fn completed_orders(&mut self, now: UtcNs, conn: ConnId) {
        let since = day_start(now);
        for order in self.venue.finished_orders().filter(|order| order.at >= since) {
            if let Some(instrument) = self.venue.instrument(order.report.spec.con_id) {
                self.lines.send(now, conn, &Reply::CompletedOrder { order, instrument });
            }
        }
        self.lines.send(now, conn, &Reply::CompletedOrdersEnd);
    }

    pub(super) fn executions(&mut self, now: UtcNs, conn: ConnId, req_id: i32, filter: &ExecutionFilter) {
        let after = if filter.time.is_empty() { None } else { parse_stamp(&filter.time) };
        if after.is_none() && !filter.time.is_empty() {
            let text = format!("The date, time, or time-zone entered is invalid: {:?}", filter.time);
            return self.lines.error(now, conn, req_id, (391, &text));
        }
        // Without a number of days the gateway only knows today.
        let days = i64::from(filter.last_n_days.clamp(1, 7));
        let window = day_start(now) - (days - 1) * DAY_NS;
        let since = if filter.specific_dates.is_empty() { window } else { UtcNs::MIN };
        for execution in self.venue.executions() {
            let Some(instrument) = self.venue.instrument(execution.con_id) else { continue };
            let wanted = execution.at >= since.max(after.unwrap_or(UtcNs::MIN))
                && matches_filter(execution, filter)
                && (filter.symbol.is_empty() || filter.symbol == instrument.symbol)
                && (filter.sec_type.is_empty() || filter.sec_type == instrument.sec_type.as_str());
            if wanted {
                self.lines.send(now, conn, &Reply::Execution { req_id, execution, instrument });
                self.lines.send(now, conn, &Reply::Commission(execution));
            }
        }
        self.lines.send(now, conn, &Reply::ExecutionsEnd { req_id });
    }

    fn send_open_orders(&mut self, now: UtcNs, conn: ConnId, wanted: impl Fn(&OrderReport) -> bool) {
        for report in self.venue.open_orders().filter(|report| wanted(report)) {
            if let Some(instrument) = self.venue.instrument(report.spec.con_id) {
                self.lines.send(now, conn, &Reply::OpenOrder { order: &report, instrument });
                self.lines.send(now, conn, &Reply::OrderStatus { order: &report });
            }
        }
        self.lines.send(now, conn, &Reply::OpenOrderEnd);
    }
}

fn matches_filter(execution: &Execution, filter: &ExecutionFilter) -> bool {
    let side = match filter.side.to_ascii_uppercase().as_str() {
        "BUY" | "BOT" => Some(Side::Buy),
        "SELL" | "SLD" => Some(Side::Sell),
        _ => None,
    };
    let (year, month, day) = civil_date(execution.at);
    let date = i32::try_from(year * 10_000 + month * 100 + day).unwrap_or(0);
    (filter.client_id == 0 || filter.client_id == execution.key.client_id)
        && (filter.account.is_empty() || *filter.account == *execution.account)
        && side.is_none_or(|side| side == execution.side)
        && (filter.specific_dates.is_empty() || filter.specific_dates.contains(&date))
}

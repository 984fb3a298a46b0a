//! Lists: open orders, completed orders, executions.

use rust_decimal::Decimal;

use super::later::Later;
use super::orders::IMPLIED_ZONE;
use super::{ConnId, Desk};
use crate::faults::{Knob, On};
use crate::venue::{
    DAY_NS, Execution, FinishedOrder, Instrument, OrderReport, Refusal, Side, UtcNs, day_start,
};
use crate::wire::{
    ExecutionFilter, Reply, Request, civil_date, format_stamp, format_stamp_in, lacks_zone, parse_stamp,
};

/// First version whose times in UTC end with a Z.
const MARKED_UTC: i32 = 214;

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

    /// The client's open orders, unasked and without an end marker.
    pub(super) fn send_own_orders(&mut self, now: UtcNs, conn: ConnId, client_id: i32) {
        let own = self.venue.open_orders().filter(|report| report.key.client_id == client_id);
        let listed: Vec<Box<OrderReport>> = own.collect();
        for mut report in listed {
            self.show_old_terms(now, &mut report);
            self.send_listed(now, conn, &report);
        }
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

    /// Orders that ended today; on request only those that an API client sent, which have positive ids.
    pub(super) fn completed_orders(&mut self, now: UtcNs, conn: ConnId, api_only: bool) {
        let fate = self.list_fault(now, conn, "completed");
        if fate == ListFate::Silence {
            return;
        }
        let on = On::client(self.client_of(conn).unwrap_or(-1));
        let total = self.faults.level(now, Knob::CompletedTotal, on).map(|fault| fault.words("how"));
        let since = if fate == ListFate::End { UtcNs::MAX } else { day_start(now) };
        let wanted =
            |order: &&FinishedOrder| order.at >= since && (!api_only || order.report.key.order_id > 0);
        for order in self.venue.finished_orders().filter(wanted) {
            let Some(instrument) = self.venue.instrument(order.report.spec.con_id) else { continue };
            let mut shown = std::borrow::Cow::Borrowed(order);
            match total.as_deref() {
                Some("zero") => shown.to_mut().report.remaining = Decimal::ZERO,
                Some("whole") => shown.to_mut().report.remaining = order.report.spec.quantity,
                _ => {}
            }
            self.lines.send(now, conn, &Reply::CompletedOrder { order: &shown, instrument });
        }
        self.lines.send(now, conn, &Reply::CompletedOrdersEnd);
    }

    pub(super) fn executions(&mut self, now: UtcNs, conn: ConnId, req_id: i32, filter: &ExecutionFilter) {
        let side = match filter_side(filter) {
            Ok(side) => side,
            Err(refusal) => return self.refuse_request(now, conn, req_id, &refusal),
        };
        let after = if filter.time.is_empty() { None } else { parse_stamp(&filter.time) };
        if after.is_none() && !filter.time.is_empty() {
            let text = format!("The date, time, or time-zone entered is invalid: {:?}", filter.time);
            return self.lines.error(now, conn, req_id, (391, &text));
        }
        if lacks_zone(&filter.time) {
            self.lines.error(now, conn, req_id, (2174, IMPLIED_ZONE));
        }
        let fate = self.list_fault(now, conn, "executions");
        match fate {
            ListFate::Silence => return,
            ListFate::End => return self.lines.send(now, conn, &Reply::ExecutionsEnd { req_id }),
            ListFate::Whole => {}
        }
        let on = On::client(self.client_of(conn).unwrap_or(-1));
        let limit = self.faults.level(now, Knob::ExecutionWindow, on).map_or(7, |fault| fault.int("days"));
        // Without a number of days the gateway only knows today.
        let days = i64::from(filter.last_n_days.clamp(1, 7)).min(limit);
        let window = day_start(now) - (days - 1) * DAY_NS;
        let since = if filter.specific_dates.is_empty() || limit < 7 { window } else { UtcNs::MIN };
        for execution in self.venue.executions() {
            let Some(instrument) = self.venue.instrument(execution.con_id) else { continue };
            let wanted = execution.at >= since.max(after.unwrap_or(UtcNs::MIN))
                && side.is_none_or(|side| side == execution.side)
                && matches_filter(execution, filter)
                && (filter.symbol.is_empty() || filter.symbol == instrument.symbol)
                && (filter.exchange.is_empty()
                    || filter.exchange == instrument.exchange
                    || filter.exchange == instrument.primary_exchange)
                && (filter.sec_type.is_empty() || filter.sec_type == instrument.sec_type.as_str());
            if wanted {
                let time = self.execution_time(now, conn, (execution, instrument));
                self.lines.send(now, conn, &Reply::Execution { req_id, execution, instrument, time });
                self.lines.send(now, conn, &Reply::Commission(execution));
            }
        }
        self.lines.send(now, conn, &Reply::ExecutionsEnd { req_id });
    }

    /// The time of an execution, where the gateway is set to write it in another zone or form (tws-behaviour 3.7).
    pub(super) fn execution_time(
        &self,
        now: UtcNs,
        conn: ConnId,
        (execution, instrument): (&Execution, &Instrument),
    ) -> Option<String> {
        let zone = self.faults.quiet_level(now, Knob::ExecutionZone)?.words("zone");
        let at = execution.at;
        Some(match zone.as_str() {
            "dash" => {
                let version = self.lines.sessions.get(&conn).map_or(0, |session| session.server_version);
                let mark = if version >= MARKED_UTC { "Z" } else { "" };
                format!("{}{mark}", format_stamp(at).trim_end_matches(" UTC").replace(' ', "-"))
            }
            "none" => format_stamp(at).trim_end_matches(" UTC").replace(' ', "  "),
            "instrument" => format_stamp_in(at, instrument.calendar.as_ref().map_or("UTC", |it| it.zone())),
            zone => format_stamp_in(at, zone),
        })
    }

    fn send_open_orders(&mut self, now: UtcNs, conn: ConnId, wanted: impl Fn(&OrderReport) -> bool) {
        match self.list_fault(now, conn, "open") {
            ListFate::Silence => return,
            ListFate::End => return self.lines.send(now, conn, &Reply::OpenOrderEnd),
            ListFate::Whole => {}
        }
        let mut listed: Vec<Box<OrderReport>> =
            self.venue.open_orders().filter(|report| wanted(report)).collect();
        if !self.faults.is_idle() {
            let on = On::client(self.client_of(conn).unwrap_or(-1));
            if self.faults.level(now, Knob::ListsBackwards, on).is_some() {
                listed.reverse();
            }
            self.plight.lists_served += 1;
            let served = self.plight.lists_served;
            listed.retain(|report| {
                let omitted = self.faults.level(now, Knob::OmitOrders, On::order(report.key, ""));
                omitted.is_none_or(|fault| served > fault.int("lists"))
            });
        }
        for mut report in listed {
            self.show_old_terms(now, &mut report);
            self.send_listed(now, conn, &report);
        }
        self.lines.send(now, conn, &Reply::OpenOrderEnd);
    }

    fn send_listed(&mut self, now: UtcNs, conn: ConnId, report: &OrderReport) {
        if let Some(instrument) = self.venue.instrument(report.spec.con_id) {
            self.lines.send(now, conn, &Reply::OpenOrder { order: report, instrument });
            self.lines.send(now, conn, &Reply::OrderStatus { order: report });
        }
    }

    /// True for a request for a list that is answered later.
    pub(super) fn puts_off(&mut self, now: UtcNs, conn: ConnId, request: &Request) -> bool {
        if !self.faults.has(Knob::ListsLate) {
            return false;
        }
        let list = match request {
            Request::OpenOrders | Request::AllOpenOrders => "open",
            Request::CompletedOrders { .. } => "completed",
            Request::Executions { .. } => "executions",
            Request::Positions => "positions",
            _ => return false,
        };
        let on = On::client(self.client_of(conn).unwrap_or(-1));
        let fault = self.faults.level(now, Knob::ListsLate, on);
        let Some(fault) = fault.filter(|it| it.is("list", "all") || it.is("list", list)) else {
            return false;
        };
        self.later(now, fault.span("by"), Later::Serve(conn, Box::new(request.clone())));
        true
    }

    /// Whether a list is answered as it should be.
    pub(super) fn list_fault(&mut self, now: UtcNs, conn: ConnId, list: &str) -> ListFate {
        let on = On::client(self.client_of(conn).unwrap_or(-1));
        let fault = self.faults.level(now, Knob::EmptyLists, on);
        let Some(fault) = fault.filter(|it| it.is("list", "all") || it.is("list", list)) else {
            return ListFate::Whole;
        };
        match fault.words("how").as_str() {
            "end" => ListFate::End,
            "silence" => ListFate::Silence,
            _ => {
                let text = "Error validating request.-'sim' : cause - The list is not available.";
                self.lines.error(now, conn, -1, (321, text));
                ListFate::Silence
            }
        }
    }
}

/// How a list is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ListFate {
    /// As it should be.
    Whole,
    /// With nothing but its end marker.
    End,
    /// Not at all.
    Silence,
}

/// `BUY` and `BOT` are the same here, as are `SELL` and `SLD`.
fn filter_side(filter: &ExecutionFilter) -> Result<Option<Side>, Refusal> {
    match filter.side.to_ascii_uppercase().as_str() {
        "" => Ok(None),
        "BUY" | "BOT" => Ok(Some(Side::Buy)),
        "SELL" | "SLD" | "SSHORT" => Ok(Some(Side::Sell)),
        other => Err(Refusal::Invalid(format!("Invalid side '{other}'"))),
    }
}

fn matches_filter(execution: &Execution, filter: &ExecutionFilter) -> bool {
    let (year, month, day) = civil_date(execution.at);
    let date = i32::try_from(year * 10_000 + month * 100 + day).unwrap_or(0);
    (filter.client_id == 0 || filter.client_id == execution.key.client_id)
        && (filter.account.is_empty() || *filter.account == *execution.account)
        && (filter.specific_dates.is_empty() || filter.specific_dates.contains(&date))
}

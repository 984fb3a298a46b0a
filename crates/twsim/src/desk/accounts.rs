//! Positions, account values, summaries, profit and loss.

use std::borrow::Cow;
use std::sync::Arc;

use rust_decimal::Decimal;

use super::lists::ListFate;
use super::{ConnId, Desk};
use crate::client::Summary;
use crate::faults::Knob;
use crate::venue::{Account, AccountTotals, ConId, Ledger, Position, UtcNs, Venue};
use crate::wire::{PortfolioLine, Reply, SummaryRequest, format_stamp};

/// Most account summaries a session may watch.
const SUMMARIES_MAX: usize = 2;

/// One account value: key, value, currency.
type Row<'a> = (&'static str, String, Cow<'a, str>);

impl Desk {
    pub(super) fn positions(&mut self, now: UtcNs, conn: ConnId) {
        if let Some(session) = self.lines.sessions.get_mut(&conn) {
            session.subscriptions.positions = true;
        }
        match self.list_fault(now, conn, "positions") {
            ListFate::Silence => return,
            ListFate::End => return self.lines.send(now, conn, &Reply::PositionEnd),
            ListFate::Whole => {}
        }
        let held: Vec<(Arc<str>, ConId)> = self
            .venue
            .accounts()
            .flat_map(|account| account.positions.keys().map(|con_id| (Arc::clone(&account.id), *con_id)))
            .collect();
        for (account, con_id) in held {
            self.send_position(now, conn, &account, con_id);
        }
        self.lines.send(now, conn, &Reply::PositionEnd);
    }

    pub(super) fn cancel_positions(&mut self, conn: ConnId) {
        if let Some(session) = self.lines.sessions.get_mut(&conn) {
            session.subscriptions.positions = false;
        }
    }

    /// One account per connection: a second subscription replaces the first.
    pub(super) fn account_updates(&mut self, now: UtcNs, conn: ConnId, subscribe: bool, named: &str) {
        if !subscribe {
            if let Some(session) = self.lines.sessions.get_mut(&conn) {
                session.subscriptions.account = None;
            }
            return;
        }
        let account = match self.account_for(named) {
            Ok(account) => account,
            Err(refusal) => return self.lines.error(now, conn, -1, (refusal.code(), &refusal.text())),
        };
        let Some(session) = self.lines.sessions.get_mut(&conn) else { return };
        let replaced = session.subscriptions.account.replace(Arc::clone(&account));
        if replaced.is_some_and(|old| old != account) {
            let text =
                "New account data requested from TWS.  API client has been unsubscribed from account data.";
            self.lines.error(now, conn, -1, (2100, text));
        }
        self.send_account_values(now, conn, &account);
        self.lines.send(now, conn, &Reply::AccountDownloadEnd(&account));
    }

    pub(super) fn account_summary(&mut self, now: UtcNs, conn: ConnId, wanted: &SummaryRequest) {
        let (req_id, group) = (wanted.req_id, wanted.group.as_str());
        let accounts: Vec<Arc<str>> = self
            .venue
            .accounts()
            .filter(|account| group == "All" || group.is_empty() || *account.id == *group)
            .map(|account| Arc::clone(&account.id))
            .collect();
        if accounts.is_empty() {
            let text =
                format!("Error validating request.-'sim' : cause - account group '{group}' is unknown");
            return self.lines.error(now, conn, req_id, (321, &text));
        }
        let tags: Vec<String> =
            wanted.tags.split(',').map(|tag| tag.trim().to_owned()).filter(|tag| !tag.is_empty()).collect();
        let Some(session) = self.lines.sessions.get_mut(&conn) else { return };
        let summaries = &mut session.subscriptions.summaries;
        if summaries.len() >= SUMMARIES_MAX && !summaries.contains_key(&req_id) {
            let text = "Error processing request.-'sim' : cause - Maximum number of account summary requests exceeded";
            return self.lines.error(now, conn, req_id, (322, text));
        }
        summaries.insert(req_id, Summary { accounts, tags });
        self.send_summary(now, conn, req_id);
        self.lines.send(now, conn, &Reply::AccountSummaryEnd { req_id });
    }

    pub(super) fn cancel_account_summary(&mut self, conn: ConnId, req_id: i32) {
        if let Some(session) = self.lines.sessions.get_mut(&conn) {
            session.subscriptions.summaries.remove(&req_id);
        }
    }

    pub(super) fn pnl(&mut self, now: UtcNs, conn: ConnId, req_id: i32, named: &str) {
        match self.account_for(named) {
            Ok(account) => {
                let Some(session) = self.lines.sessions.get(&conn) else { return };
                let known = &session.subscriptions.pnl;
                let others = known.len() - usize::from(known.contains_key(&req_id));
                if self.takes_one_more(now, conn, (req_id, others), self.config.limits.pnl)
                    && let Some(session) = self.lines.sessions.get_mut(&conn)
                {
                    session.subscriptions.pnl.insert(req_id, account);
                    self.send_pnl(now, conn);
                }
            }
            Err(refusal) => self.lines.error(now, conn, req_id, (refusal.code(), &refusal.text())),
        }
    }

    pub(super) fn cancel_pnl(&mut self, conn: ConnId, req_id: i32) {
        if let Some(session) = self.lines.sessions.get_mut(&conn) {
            session.subscriptions.pnl.remove(&req_id);
        }
    }

    pub(super) fn send_position(&mut self, now: UtcNs, conn: ConnId, account: &str, con_id: ConId) {
        let (Some(holder), Some(instrument)) = (self.venue.account(account), self.venue.instrument(con_id))
        else {
            return;
        };
        let Some(position) = holder.positions.get(&con_id) else { return };
        if self.hides(now, position) {
            return;
        }
        let (quantity, avg_cost) = (position.quantity, position.avg_cost());
        self.lines.send(now, conn, &Reply::Position { account, instrument, quantity, avg_cost });
    }

    /// Closed positions are sent as 0, unless the gateway is set not to (tws-behaviour 4.2).
    pub(super) fn hides(&self, now: UtcNs, position: &Position) -> bool {
        position.quantity.is_zero() && self.faults.quiet_level(now, Knob::NoZeroPositions).is_some()
    }

    pub(super) fn send_account_values(&mut self, now: UtcNs, conn: ConnId, id: &str) {
        let Some(account) = self.venue.account(id) else { return };
        for (key, value, currency) in rows(&self.venue, account) {
            self.lines.send(
                now,
                conn,
                &Reply::AccountValue { account: id, key, value: value.into(), currency: &currency },
            );
        }
        for (con_id, position) in &account.positions {
            let Some(instrument) = self.venue.instrument(*con_id) else { continue };
            if self.hides(now, position) {
                continue;
            }
            let mark = self.venue.quote(*con_id).and_then(|quote| quote.mid()).unwrap_or_default();
            let value = position.quantity * mark * instrument.point_value();
            let line = PortfolioLine {
                account: id,
                instrument,
                quantity: position.quantity,
                market_price: mark,
                market_value: value.round_dp(2),
                avg_cost: position.avg_cost(),
                unrealized: (value - position.cost - position.fees).round_dp(2),
                realized: position.realized.round_dp(2),
            };
            self.lines.send(now, conn, &Reply::PortfolioValue(Box::new(line)));
        }
        let clock = format_stamp(now).get(9..14).unwrap_or_default().to_owned();
        self.lines.send(now, conn, &Reply::AccountUpdateTime(clock));
    }

    pub(super) fn send_pnl(&mut self, now: UtcNs, conn: ConnId) {
        let Some(session) = self.lines.sessions.get(&conn) else { return };
        for (req_id, account) in session.subscriptions.pnl.clone() {
            let Some(totals) = self.venue.totals(&account) else { continue };
            let reply = Reply::PnL {
                req_id,
                daily: (totals.realized_pnl + totals.unrealized_pnl).round_dp(2),
                unrealized: totals.unrealized_pnl.round_dp(2),
                realized: totals.realized_pnl.round_dp(2),
            };
            self.lines.send(now, conn, &reply);
        }
    }

    /// The unprompted refresh of everything about accounts that a session watches.
    pub(super) fn refresh_accounts(&mut self, now: UtcNs) {
        for conn in self.lines.ready() {
            let Some(session) = self.lines.sessions.get(&conn) else { continue };
            let account = session.subscriptions.account.clone();
            let summaries: Vec<i32> = session.subscriptions.summaries.keys().copied().collect();
            if let Some(account) = account {
                self.send_account_values(now, conn, &account);
            }
            for req_id in summaries {
                self.send_summary(now, conn, req_id);
            }
            self.send_pnl(now, conn);
            self.refresh_multi(now, conn);
        }
    }

    fn send_summary(&mut self, now: UtcNs, conn: ConnId, req_id: i32) {
        let Some(session) = self.lines.sessions.get(&conn) else { return };
        let Some(summary) = session.subscriptions.summaries.get(&req_id).cloned() else { return };
        for id in &summary.accounts {
            let Some(account) = self.venue.account(id) else { continue };
            for row in rows(&self.venue, account) {
                if is_asked_for(&summary.tags, &row) {
                    let (tag, value, currency) = row;
                    let (value, currency) = (value.into(), &currency);
                    let reply = Reply::AccountSummary { req_id, account: id, tag, value, currency };
                    self.lines.send(now, conn, &reply);
                }
            }
        }
    }
}

/// What names the line of all currencies together, in the base currency.
const BASE: &str = "BASE";

/// All values of an account. Amounts have two decimals, as the broker writes them,
/// and are rounded. Where nobody can tell what one of its
/// currencies is worth, those in the base currency are missing.
pub(super) fn rows<'a>(venue: &Venue, account: &'a Account) -> Vec<Row<'a>> {
    let base: &str = &account.base_currency;
    let mut rows: Vec<Row<'a>> = vec![
        ("AccountCode", account.id.to_string(), "".into()),
        ("AccountReady", "true".to_owned(), "".into()),
        ("AccountType", "INDIVIDUAL".to_owned(), "".into()),
    ];
    let totals = venue.totals(&account.id);
    for (key, amount) in totals.iter().flat_map(total_rows) {
        rows.push((key, money(amount), base.into()));
    }
    rows.extend(
        totals.iter().map(|it| ("Cushion", cushion(it).round_dp(6).normalize().to_string(), "".into())),
    );
    for (currency, ledger) in venue.ledger(account) {
        let rate = venue.exchange_rate(&currency, base);
        rows.extend(ledger_rows(&currency, &ledger, rate));
    }
    if let Some(all) = whole_ledger(venue, account) {
        rows.extend(ledger_rows(BASE, &all, Some(Decimal::ONE)));
    }
    rows
}

fn money(amount: Decimal) -> String {
    // A format with a precision cuts off; profit and loss beside it is rounded.
    format!("{:.2}", amount.round_dp(2))
}

fn total_rows(totals: &AccountTotals) -> [(&'static str, Decimal); 13] {
    [
        ("NetLiquidation", totals.net_liquidation),
        ("TotalCashValue", totals.total_cash),
        ("SettledCash", totals.total_cash),
        ("EquityWithLoanValue", totals.equity_with_loan),
        ("GrossPositionValue", totals.gross_position_value),
        ("BuyingPower", totals.buying_power),
        ("AvailableFunds", totals.available_funds),
        ("ExcessLiquidity", totals.excess_liquidity),
        ("InitMarginReq", totals.initial_margin),
        ("MaintMarginReq", totals.maintenance_margin),
        ("RegTEquity", totals.equity_with_loan),
        ("RegTMargin", totals.reg_t_margin),
        ("SMA", totals.equity_with_loan - totals.reg_t_margin),
    ]
}

/// Excess liquidity as a share of net liquidation.
fn cushion(totals: &AccountTotals) -> Decimal {
    totals.excess_liquidity.checked_div(totals.net_liquidation).unwrap_or_default()
}

/// The keys that are sent once per currency.
fn ledger_rows<'a>(currency: &str, ledger: &Ledger, rate: Option<Decimal>) -> Vec<Row<'a>> {
    let amounts = [
        ("CashBalance", ledger.cash),
        ("TotalCashBalance", ledger.cash),
        ("StockMarketValue", ledger.stocks),
        ("OptionMarketValue", ledger.options),
        ("FuturesPNL", ledger.futures_pnl),
        ("NetLiquidationByCurrency", ledger.net_liquidation()),
        ("UnrealizedPnL", ledger.unrealized_pnl),
        ("RealizedPnL", ledger.realized_pnl),
    ];
    let own = || Cow::Owned(currency.to_owned());
    let mut rows = vec![("Currency", currency.to_owned(), own())];
    rows.extend(amounts.map(|(key, amount)| (key, money(amount), own())));
    let rate = rate.map(|rate| rate.round_dp(8).normalize().to_string());
    rows.extend(rate.map(|rate| ("ExchangeRate", rate, own())));
    rows
}

/// All currencies together, in the base currency.
fn whole_ledger(venue: &Venue, account: &Account) -> Option<Ledger> {
    let mut all = Ledger::default();
    for (currency, line) in venue.ledger(account) {
        let rate = venue.exchange_rate(&currency, &account.base_currency)?;
        all.cash += line.cash * rate;
        all.stocks += line.stocks * rate;
        all.options += line.options * rate;
        all.futures_pnl += line.futures_pnl * rate;
        all.unrealized_pnl += line.unrealized_pnl * rate;
        all.realized_pnl += line.realized_pnl * rate;
    }
    Some(all)
}

/// Whether a summary's tags ask for a row: by its name, or as part of a ledger. `$LEDGER` is all currencies together,
/// `$LEDGER:EUR` one of them, `$LEDGER:ALL` each of them.
fn is_asked_for(tags: &[String], (tag, _, currency): &Row<'_>) -> bool {
    let in_ledger = LEDGER.contains(tag);
    tags.iter().any(|wanted| match wanted.strip_prefix("$LEDGER") {
        None => wanted == tag && (!in_ledger || currency == BASE),
        Some("" | ":BASE") => in_ledger && currency == BASE,
        Some(":ALL") => in_ledger,
        Some(one) => in_ledger && one.strip_prefix(':') == Some(&**currency),
    })
}

/// Keys that are sent once per currency.
const LEDGER: [&str; 10] = [
    "Currency",
    "CashBalance",
    "TotalCashBalance",
    "StockMarketValue",
    "OptionMarketValue",
    "FuturesPNL",
    "NetLiquidationByCurrency",
    "UnrealizedPnL",
    "RealizedPnL",
    "ExchangeRate",
];

#[cfg(test)]
mod tests {
    use super::money;

    #[test]
    fn amounts_are_rounded_to_two_decimals_and_not_cut_off() {
        for (amount, written) in [("-1.0877", "-1.09"), ("0.125", "0.12"), ("0.135", "0.14"), ("7", "7.00")] {
            assert_eq!(money(amount.parse().unwrap()), written);
        }
    }
}

//! The forms of positions, account values and profit and loss that carry a request id: several at once per
//! session, each with accounts of its own.

use std::sync::Arc;

use super::accounts::rows;
use super::{ConnId, Desk};
use crate::venue::{ConId, Refusal, UtcNs};
use crate::wire::{MultiRequest, Reply, SinglePnL};

/// Most subscriptions of one kind in a session.
const SUBSCRIPTIONS_MAX: usize = 100;

impl Desk {
    pub(super) fn positions_multi(&mut self, now: UtcNs, conn: ConnId, wanted: &MultiRequest) {
        let req_id = wanted.req_id;
        let accounts = match self.accounts_for(wanted) {
            Ok(accounts) => accounts,
            Err(refusal) => return self.refuse_request(now, conn, req_id, &refusal),
        };
        let Some(session) = self.lines.sessions.get(&conn) else { return };
        let known = &session.subscriptions.positions_multi;
        let others = known.len() - usize::from(known.contains_key(&req_id));
        if !self.takes_one_more(now, conn, (req_id, others), SUBSCRIPTIONS_MAX) {
            return;
        }
        let Some(session) = self.lines.sessions.get_mut(&conn) else { return };
        session.subscriptions.positions_multi.insert(req_id, accounts.clone());
        for account in &accounts {
            let held: Vec<ConId> = self
                .venue
                .account(account)
                .map(|account| account.positions.keys().copied().collect())
                .unwrap_or_default();
            for con_id in held {
                self.send_position_multi(now, conn, req_id, (account, con_id));
            }
        }
        self.lines.send(now, conn, &Reply::PositionMultiEnd { req_id });
    }

    pub(super) fn cancel_positions_multi(&mut self, conn: ConnId, req_id: i32) {
        if let Some(session) = self.lines.sessions.get_mut(&conn) {
            session.subscriptions.positions_multi.remove(&req_id);
        }
    }

    pub(super) fn account_updates_multi(&mut self, now: UtcNs, conn: ConnId, wanted: &MultiRequest) {
        let req_id = wanted.req_id;
        let accounts = match self.accounts_for(wanted) {
            Ok(accounts) => accounts,
            Err(refusal) => return self.refuse_request(now, conn, req_id, &refusal),
        };
        let Some(session) = self.lines.sessions.get(&conn) else { return };
        let known = &session.subscriptions.accounts_multi;
        let others = known.len() - usize::from(known.contains_key(&req_id));
        if !self.takes_one_more(now, conn, (req_id, others), SUBSCRIPTIONS_MAX) {
            return;
        }
        let Some(session) = self.lines.sessions.get_mut(&conn) else { return };
        session.subscriptions.accounts_multi.insert(req_id, accounts);
        self.send_accounts_multi(now, conn, req_id);
        self.lines.send(now, conn, &Reply::AccountUpdateMultiEnd { req_id });
    }

    pub(super) fn cancel_account_updates_multi(&mut self, conn: ConnId, req_id: i32) {
        if let Some(session) = self.lines.sessions.get_mut(&conn) {
            session.subscriptions.accounts_multi.remove(&req_id);
        }
    }

    pub(super) fn pnl_single(
        &mut self,
        now: UtcNs,
        conn: ConnId,
        req_id: i32,
        (named, con_id): (&str, ConId),
    ) {
        if self.venue.instrument(con_id).is_none() {
            return self.refuse_request(now, conn, req_id, &Refusal::UnknownContract);
        }
        let account = match self.account_for(named) {
            Ok(account) => account,
            Err(refusal) => return self.refuse_request(now, conn, req_id, &refusal),
        };
        let Some(session) = self.lines.sessions.get(&conn) else { return };
        let known = &session.subscriptions.pnl_single;
        let others = known.len() - usize::from(known.contains_key(&req_id));
        if !self.takes_one_more(now, conn, (req_id, others), self.config.limits.pnl) {
            return;
        }
        let Some(session) = self.lines.sessions.get_mut(&conn) else { return };
        session.subscriptions.pnl_single.insert(req_id, (account, con_id));
        self.send_pnl_single(now, conn, req_id);
    }

    pub(super) fn cancel_pnl_single(&mut self, conn: ConnId, req_id: i32) {
        if let Some(session) = self.lines.sessions.get_mut(&conn) {
            session.subscriptions.pnl_single.remove(&req_id);
        }
    }

    /// A position moved: every subscription that covers it hears of it.
    pub(super) fn send_multi_moves(&mut self, now: UtcNs, conn: ConnId, (account, con_id): (&str, ConId)) {
        let Some(session) = self.lines.sessions.get(&conn) else { return };
        let covers = |accounts: &[Arc<str>]| accounts.iter().any(|one| **one == *account);
        let subscriptions = &session.subscriptions;
        let positions: Vec<i32> = subscriptions
            .positions_multi
            .iter()
            .filter(|(_, accounts)| covers(accounts))
            .map(|(req_id, _)| *req_id)
            .collect();
        let singles: Vec<i32> = subscriptions
            .pnl_single
            .iter()
            .filter(|(_, (holder, held))| **holder == *account && *held == con_id)
            .map(|(req_id, _)| *req_id)
            .collect();
        for req_id in positions {
            self.send_position_multi(now, conn, req_id, (account, con_id));
        }
        for req_id in singles {
            self.send_pnl_single(now, conn, req_id);
        }
    }

    /// The unprompted refresh of what these subscriptions watch.
    pub(super) fn refresh_multi(&mut self, now: UtcNs, conn: ConnId) {
        let Some(session) = self.lines.sessions.get(&conn) else { return };
        let accounts: Vec<i32> = session.subscriptions.accounts_multi.keys().copied().collect();
        let singles: Vec<i32> = session.subscriptions.pnl_single.keys().copied().collect();
        for req_id in accounts {
            self.send_accounts_multi(now, conn, req_id);
        }
        for req_id in singles {
            self.send_pnl_single(now, conn, req_id);
        }
    }

    fn send_position_multi(
        &mut self,
        now: UtcNs,
        conn: ConnId,
        req_id: i32,
        (account, con_id): (&str, ConId),
    ) {
        let (Some(holder), Some(instrument)) = (self.venue.account(account), self.venue.instrument(con_id))
        else {
            return;
        };
        let Some(position) = holder.positions.get(&con_id) else { return };
        if self.hides(now, position) {
            return;
        }
        let (quantity, avg_cost) = (position.quantity, position.avg_cost());
        let reply = Reply::PositionMulti { req_id, account, instrument, quantity, avg_cost };
        self.lines.send(now, conn, &reply);
    }

    fn send_accounts_multi(&mut self, now: UtcNs, conn: ConnId, req_id: i32) {
        let Some(session) = self.lines.sessions.get(&conn) else { return };
        let Some(accounts) = session.subscriptions.accounts_multi.get(&req_id).cloned() else { return };
        for id in &accounts {
            let Some(account) = self.venue.account(id) else { continue };
            for (key, value, currency) in rows(&self.venue, account) {
                let value = value.into();
                let currency = &currency;
                let reply = Reply::AccountUpdateMulti { req_id, account: id, key, value, currency };
                self.lines.send(now, conn, &reply);
            }
        }
    }

    fn send_pnl_single(&mut self, now: UtcNs, conn: ConnId, req_id: i32) {
        let Some(session) = self.lines.sessions.get(&conn) else { return };
        let Some((account, con_id)) = session.subscriptions.pnl_single.get(&req_id).cloned() else { return };
        let (Some(holder), Some(instrument)) = (self.venue.account(&account), self.venue.instrument(con_id))
        else {
            return;
        };
        let position = holder.positions.get(&con_id).copied().unwrap_or_default();
        let mark = self.venue.quote(con_id).and_then(|quote| quote.mid()).unwrap_or_default();
        let value = position.quantity * mark * instrument.point_value();
        let unrealized = value - position.cost - position.fees;
        let pnl = SinglePnL {
            req_id,
            position: position.quantity,
            daily: (unrealized + position.realized).round_dp(2),
            unrealized: unrealized.round_dp(2),
            realized: position.realized.round_dp(2),
            value: value.round_dp(2),
        };
        self.lines.send(now, conn, &Reply::PnLSingle(Box::new(pnl)));
    }

    /// All accounts when none is named, or when the group is `All`.
    fn accounts_for(&self, wanted: &MultiRequest) -> Result<Vec<Arc<str>>, Refusal> {
        if !wanted.model.is_empty() {
            return Err(Refusal::Invalid(format!("Invalid model code '{}'", wanted.model)));
        }
        if wanted.account.is_empty() || wanted.account == "All" {
            return Ok(self.venue.accounts().map(|account| Arc::clone(&account.id)).collect());
        }
        Ok(vec![self.account_for(&wanted.account)?])
    }
}

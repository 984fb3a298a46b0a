//! Applying records: the only code that changes the book.

use std::collections::btree_map;

use alphec_model::lifecycle::{Evidence, OrderState};
use alphec_model::record::{Fill, Header};
use alphec_model::{
    AccountId, Body, BrokerOrderId, Decimal, InstrumentId, IntentName, Order, OrderRef, OrderSpec,
    PendingReplace, Qty, Record, Seq, Side, SignedQty, UtcNanos, exact_mul, planted,
};

use super::{Book, Booked, Entry, Exposure, Exposures, OrderIx, ReplayError};

impl Book {
    /// Folds one record in. Records come in sequence, each once.
    ///
    /// # Errors
    /// [`ReplayError`] when the record does not follow from the ones before it: the journal is
    /// not the one this book was built from, or a bug wrote it.
    pub fn apply(&mut self, record: &Record) -> Result<(), ReplayError> {
        let seq = record.header.seq;
        let expected = self.seq.map_or(Seq::new(1), Seq::next);
        let error = |what: &str| ReplayError { seq, what: what.to_owned() };
        if seq != expected {
            return Err(error(&format!("expected sequence {expected}")));
        }
        self.apply_body(record).map_err(|what| error(&what))?;
        self.seq = Some(seq);
        // Each process counts by its own clock. What a tool writes between two of them begins none.
        let is_beginning = matches!(record.body, Body::Started { .. });
        let at = record.header.at;
        self.written_at = self.written_at.filter(|_| !is_beginning).max(Some(at));
        Ok(())
    }

    fn apply_body(&mut self, record: &Record) -> Result<(), String> {
        let header = &record.header;
        match &record.body {
            Body::Opened { log_id, api_client_id } => {
                if self.seq.is_some() {
                    return Err("a journal opens once".to_owned());
                }
                self.log_id = Some(log_id.clone());
                self.api_client_id = Some(*api_client_id);
            }
            Body::Accepted { order, .. } => self.insert(order, order.spec.clone())?,
            Body::Denied { request, reason, .. } => {
                let order = denied_order(request, reason.clone(), header.at);
                self.insert(&order, request.spec.clone())?;
            }
            Body::Filled { fill } => self.book_fill(header, fill)?,
            Body::FillRevised { was, now } => self.revise_fill(header, was, now)?,
            Body::Charged { exec_id, commission, .. } => self.charge(exec_id.base(), *commission)?,
            Body::PositionAdopted { account, instrument, qty } => {
                self.baselined.insert(account.clone());
                let exposure = exposure_mut(&mut self.exposures, account, instrument);
                exposure.position = *qty;
            }
            Body::PositionBroken { account, instrument, ours, theirs } => {
                let exposure = exposure_mut(&mut self.exposures, account, instrument);
                exposure.broken = theirs.checked_add(ours.negated());
            }
            Body::BreakCleared { account, instrument, .. } => {
                let exposure = exposure_mut(&mut self.exposures, account, instrument);
                exposure.broken = None;
            }
            Body::IdFloorRaised { next, intents } => self.raise_floors(*next, *intents),
            Body::PositionAccepted { account, instrument, theirs, .. } => {
                self.accept_position(account, instrument, *theirs);
            }
            Body::Halted { scope, kill, by, reason } => {
                self.halt(scope, (format!("{reason}, by {by}"), *kill), record);
            }
            Body::KillVerified { scope } => self.verify_kill(scope),
            Body::Resumed { scope, .. } => self.resume(scope),
            Body::GapOpened { epoch, why } => self.open_gap(*epoch, why, header.at)?,
            Body::GapClosed { epoch } => self.close_gap(*epoch)?,
            Body::ForeignSeen { order } => self.see_foreign(order),
            Body::ForeignGone { key } => self.lose_foreign(key),
            Body::OrderChanged { .. }
            | Body::PermIdLearned { .. }
            | Body::SecondLifeSeen { .. }
            | Body::ReplaceAsked { .. }
            | Body::ReplaceReleased
            | Body::ReplaceDenied { .. }
            | Body::ReplaceEnded { .. }
            | Body::ReplaceCameLate { .. }
            | Body::WatchEnded
            | Body::CancelAsked
            | Body::CancelProbed
            | Body::Resent { .. }
            | Body::CancelEnded { .. } => self.apply_order_body(record)?,
            Body::Started { .. } => self.begin_life(header.at),
            Body::Stopped { .. }
            | Body::Commanded { .. }
            | Body::RuleAnswered { .. }
            | Body::LinkChanged { .. }
            | Body::Anomaly { .. }
            | Body::Requested { .. }
            | Body::Written { .. }
            | Body::Observed { .. } => {}
            unknown => return Err(format!("record kind {} is not known here", unknown.kind())),
        }
        Ok(())
    }

    /// A person has found the broker's position right. What is in doubt there may have made it.
    fn accept_position(&mut self, account: &AccountId, instrument: &InstrumentId, theirs: SignedQty) {
        let exposure = exposure_mut(&mut self.exposures, account, instrument);
        exposure.position = theirs;
        exposure.broken = None;
        let is_of = |order: &Order| order.account == *account && order.instrument == *instrument;
        let live = self.live.iter().filter(|ix| order_at(&self.entries, **ix).is_some_and(is_of));
        self.barred.extend(live);
    }

    /// A process begins. What earlier ones wrote happened before it, also where the clock was set back since: nothing that
    /// is learned from now on may look older than that.
    fn begin_life(&mut self, at: UtcNanos) {
        if self.written_at.is_none_or(|last| last <= at) {
            return;
        }
        for order in self.entries.iter_mut().map(|entry| &mut entry.order) {
            order.updated_at = order.updated_at.min(at);
            let pending = &mut order.pending;
            for replace in pending.replace.iter_mut().chain(&mut pending.given_up) {
                replace.asked_at = replace.asked_at.min(at);
            }
        }
        self.halts.values_mut().for_each(|halt| halt.since = halt.since.min(at));
        if let Some(gap) = &mut self.gap {
            gap.since = gap.since.min(at);
        }
    }

    fn apply_order_body(&mut self, record: &Record) -> Result<(), String> {
        let at = record.header.at;
        let key = record.header.client_order_id.as_ref().ok_or("an order change names no order")?;
        let ix = self.ix_of(key).ok_or_else(|| format!("no order {key}"))?;
        if let Body::OrderChanged { perm_id: Some(perm_id), .. } | Body::PermIdLearned { perm_id } =
            &record.body
        {
            self.by_perm_id.insert(*perm_id, ix);
        }
        if let Body::OrderChanged { to, evidence, .. } = &record.body {
            let is_unheard = matches!(
                evidence,
                Evidence::Absent { .. } | Evidence::NotWritten { .. } | Evidence::Operator { .. }
            );
            if to.is_terminal() {
                self.barred.remove(&ix);
            }
            if to.is_terminal() && is_unheard {
                self.written_off.insert(ix);
            } else {
                self.written_off.remove(&ix);
            }
        }
        if matches!(record.body, Body::CancelEnded { .. }) {
            self.barred.insert(ix);
        }
        if let Body::SecondLifeSeen { perm_id } = &record.body {
            self.second_lives.insert((ix, *perm_id), false);
        }
        if let Body::ReplaceCameLate { version, .. } = &record.body {
            let given_up = self.entry(ix).map(|entry| &entry.order.pending.given_up);
            given_up
                .and_then(|all| all.iter().find(|replace| replace.version == *version))
                .ok_or_else(|| format!("no version {version} of order {key} was given up"))?;
        }
        if let Body::Resent { broker_order_id, order_ref, .. } = &record.body {
            self.use_broker_id(*broker_order_id, ix)?;
            self.use_reference(order_ref, ix);
        }
        let was_staged = self.entry(ix).is_some_and(|entry| entry.order.broker_order_id.is_none());
        let leaves = matches!(&record.body, Body::OrderChanged { to: OrderState::PendingNew, .. });
        let given = record.header.broker_order_id.filter(|_| was_staged && leaves);
        if let Some(id) = given {
            self.use_broker_id(id, ix)?;
        }
        let size = self.entry(ix).map(|entry| entry.order.worst_order_qty());
        let watch = match watch_after(&record.body) {
            Some(begins) => size.filter(|_| begins),
            None => self.watched.get(&ix).copied(),
        };
        self.change(ix, watch, |order| {
            order.broker_order_id = order.broker_order_id.or(given);
            if !matches!(record.body, Body::WatchEnded) {
                order.updated_at = at;
            }
            change_order(order, &record.body, at);
        })
    }

    fn insert(&mut self, order: &Order, asked: OrderSpec) -> Result<(), String> {
        let ix = OrderIx::try_from(self.entries.len()).map_err(|_| "too many orders".to_owned())?;
        match self.by_key.entry(order.client_order_id.clone()) {
            btree_map::Entry::Occupied(_) => {
                return Err(format!("order {} exists already", order.client_order_id));
            }
            btree_map::Entry::Vacant(vacant) => vacant.insert(ix),
        };
        let used = order.broker_order_id.map_or(Ok(()), |id| self.use_broker_id(id, ix));
        if let Err(why) = used {
            self.by_key.remove(&order.client_order_id);
            return Err(why);
        }
        if let Some(order_ref) = &order.order_ref {
            self.use_reference(order_ref, ix);
        }
        if let Some(leg) = &order.leg {
            self.groups.entry(leg.group.clone()).or_default().push(ix);
        }
        self.entries.push(Entry { order: order.clone(), asked });
        self.reserve(ix);
        Ok(())
    }

    fn raise_floors(&mut self, next: BrokerOrderId, intents: Option<u64>) {
        self.next_broker_id = self.next_broker_id.max(next.get());
        if planted::is("a-low-next-valid-id-is-believed") {
            self.next_broker_id = next.get();
        }
        self.salvaged = self.salvaged.max(intents.unwrap_or_default());
        self.intents = self.intents.max(self.salvaged);
    }

    /// Every reference that was ever given to an order leads to it.
    fn use_reference(&mut self, order_ref: &OrderRef, ix: OrderIx) {
        if let Some(IntentName { number, print, .. }) = order_ref.intent() {
            self.by_intent.insert(number, (print, ix));
            self.intents = self.intents.max(number);
        }
    }

    /// Every id is used once, and only upwards.
    fn use_broker_id(&mut self, id: BrokerOrderId, ix: OrderIx) -> Result<(), String> {
        if id < self.next_broker_id() || id == BrokerOrderId::new(i32::MAX) {
            return Err(format!("broker order id {id} was used before"));
        }
        self.by_broker_id.insert(id, ix);
        self.next_broker_id = id.get().saturating_add(1);
        Ok(())
    }

    /// Changes one order, and at what size it is watched for, keeping the running sums true: released before, reserved
    /// after.
    fn change(
        &mut self,
        ix: OrderIx,
        watched: Option<Qty>,
        change: impl FnOnce(&mut Order),
    ) -> Result<(), String> {
        self.release(ix);
        let entry =
            usize::try_from(ix).ok().and_then(|slot| self.entries.get_mut(slot)).ok_or("no such order")?;
        change(&mut entry.order);
        match watched {
            Some(size) => self.watched.insert(ix, size),
            None => self.watched.remove(&ix),
        };
        self.reserve(ix);
        Ok(())
    }

    fn reserve(&mut self, ix: OrderIx) {
        let Some((leaves, order)) = self.stake(ix) else { return };
        if order.state.reserves_exposure() {
            self.live.insert(ix);
        }
        let Some(order) = order_at(&self.entries, ix) else { return };
        exposure_mut(&mut self.exposures, &order.account, &order.instrument).reserve(order, leaves);
    }

    fn release(&mut self, ix: OrderIx) {
        let Some((leaves, _)) = self.stake(ix) else { return };
        self.live.remove(&ix);
        let Some(order) = order_at(&self.entries, ix) else { return };
        exposure_mut(&mut self.exposures, &order.account, &order.instrument).release(order, leaves);
    }

    /// What an order adds to the running sums, if it counts.
    fn stake(&self, ix: OrderIx) -> Option<(Decimal, &Order)> {
        let order = &self.entry(ix)?.order;
        self.is_reserved(ix, order).then(|| (self.reserved_by(order), order))
    }

    fn book_fill(&mut self, header: &Header, fill: &Fill) -> Result<(), String> {
        let base = fill.exec_id.base().to_owned();
        if self.fills.contains_key(&base) && !planted::is("an-execution-is-booked-each-time-it-is-told") {
            return Err(format!("execution {} is booked already", fill.exec_id));
        }
        let ix = header.client_order_id.as_ref().and_then(|key| self.ix_of(key));
        let moves = if fill.in_baseline { SignedQty::ZERO } else { signed(fill) };
        self.count_fill(ix, Counted { was: None, now: fill, moves }, header.at)?;
        self.fills.insert(base, Booked { fill: fill.clone(), order: ix, commission: None });
        Ok(())
    }

    fn revise_fill(&mut self, header: &Header, was: &Fill, now: &Fill) -> Result<(), String> {
        let ix = self
            .fills
            .get(was.exec_id.base())
            .filter(|booked| booked.fill == *was)
            .map(|booked| booked.order);
        let ix = ix.ok_or_else(|| format!("execution {} is not booked as stated", was.exec_id))?;
        if (&was.account, &was.instrument) != (&now.account, &now.instrument) {
            return Err(format!("a revision of {} is of another holding", was.exec_id));
        }
        // A baseline holds what was true when it was taken: what is corrected later moves the position.
        let difference = signed(now).checked_add(signed(was).negated()).ok_or("position out of range")?;
        let is_added = planted::is("a-revision-is-added");
        let difference = if is_added { signed(now) } else { difference };
        let is_held = (was.in_baseline && !self.baselined.contains(&was.account))
            || (now.last_qty.is_zero() && planted::is("a-bust-leaves-the-position"));
        let moves = if is_held { SignedQty::ZERO } else { difference };
        self.count_fill(ix, Counted { was: Some(was), now, moves }, header.at)?;
        if let Some(booked) = self.fills.get_mut(was.exec_id.base()) {
            booked.fill = now.clone();
        }
        Ok(())
    }

    /// Counts into position and order, both or neither.
    fn count_fill(&mut self, ix: Option<OrderIx>, counted: Counted<'_>, at: UtcNanos) -> Result<(), String> {
        let Counted { was, now, moves } = counted;
        let position = self.position(&now.account, &now.instrument);
        let position = position.checked_add(moves).ok_or("position out of range")?;
        if let Some((ix, order)) = ix.and_then(|ix| Some((ix, &self.entry(ix)?.order))) {
            let less = was.map_or(Qty::ZERO, |was| was.last_qty);
            let cum_qty = order.cum_qty.saturating_sub(less).checked_add(now.last_qty);
            let cum_qty = cum_qty.ok_or("filled quantity out of range")?;
            let less = was.map(money).unwrap_or_default();
            let cum_value = order.cum_value.saturating_sub(less).saturating_add(money(now));
            self.change(ix, self.watched.get(&ix).copied(), |order| {
                order.updated_at = at;
                order.cum_qty = cum_qty;
                order.cum_value = cum_value;
            })?;
        }
        exposure_mut(&mut self.exposures, &now.account, &now.instrument).position = position;
        Ok(())
    }

    fn charge(&mut self, base: &str, commission: Decimal) -> Result<(), String> {
        let booked = self.fills.get_mut(base).ok_or_else(|| format!("no execution {base} to charge"))?;
        let before = booked.commission.replace(commission).unwrap_or_default();
        match booked.order {
            None => Ok(()),
            Some(ix) => self.change(ix, self.watched.get(&ix).copied(), |order| {
                order.commission = order.commission.saturating_sub(before).saturating_add(commission);
            }),
        }
    }
}

/// Whether the record begins or ends the watch for an order; `None` where it says nothing of it.
const fn watch_after(body: &Body) -> Option<bool> {
    match body {
        Body::OrderChanged { to, evidence: Evidence::Absent { watched, .. }, .. } => {
            Some(*watched && to.is_terminal())
        }
        Body::OrderChanged { .. } | Body::WatchEnded => Some(false),
        _ => None,
    }
}

/// A fill as it changes the sums: what it replaces, what it is, what it does to the position.
#[derive(Clone, Copy)]
struct Counted<'a> {
    was: Option<&'a Fill>,
    now: &'a Fill,
    moves: SignedQty,
}

fn signed(fill: &Fill) -> SignedQty {
    match fill.side {
        Side::Buy => SignedQty::from(fill.last_qty),
        Side::Sell => SignedQty::from(fill.last_qty).negated(),
    }
}

/// Price times size, for the average price only: rounded where no decimal holds it, because a fill
/// must never fail to be booked for that.
fn money(fill: &Fill) -> Decimal {
    let (px, qty) = (fill.last_px.get(), fill.last_qty.get());
    exact_mul(px, qty).or_else(|| px.checked_mul(qty)).unwrap_or_default()
}

fn order_at(entries: &[Entry], ix: OrderIx) -> Option<&Order> {
    usize::try_from(ix).ok().and_then(|slot| entries.get(slot)).map(|entry| &entry.order)
}

/// The running sums of one account and instrument; made on first sight.
pub(super) fn exposure_mut<'a>(
    exposures: &'a mut Exposures,
    account: &AccountId,
    instrument: &InstrumentId,
) -> &'a mut Exposure {
    exposures.entry(account.clone()).or_default().entry(instrument.clone()).or_default()
}

pub(crate) fn denied_order(
    request: &alphec_model::OrderRequest,
    reason: alphec_model::DenyReason,
    at: UtcNanos,
) -> Order {
    let mut order = new_order(request, at);
    order.state = OrderState::Denied;
    order.deny_reason = Some(reason);
    order
}

/// An order as it begins: the caller's words and nothing else.
pub(crate) fn new_order(request: &alphec_model::OrderRequest, at: UtcNanos) -> Order {
    let alphec_model::OrderRequest {
        client_order_id,
        strategy_id,
        correlation_id,
        account,
        instrument,
        spec,
        when_in_doubt,
    } = request.clone();
    Order {
        client_order_id,
        strategy_id,
        correlation_id,
        account,
        instrument,
        leg: None,
        when_in_doubt: when_in_doubt.unwrap_or_default(),
        attempts: 1,
        spec,
        version: 1,
        state: OrderState::Staged,
        pending: alphec_model::Pending::default(),
        order_ref: None,
        broker_order_id: None,
        perm_id: None,
        cum_qty: Qty::ZERO,
        cum_value: Decimal::ZERO,
        commission: Decimal::ZERO,
        deny_reason: None,
        reject_reason: None,
        created_at: at,
        updated_at: at,
    }
}

fn change_order(order: &mut Order, body: &Body, at: UtcNanos) {
    match body {
        Body::OrderChanged { to, perm_id, deny_reason, reject_reason, .. } => {
            order.state = *to;
            order.perm_id = perm_id.or(order.perm_id);
            order.deny_reason = deny_reason.clone().or_else(|| order.deny_reason.take());
            order.reject_reason = reject_reason.clone().or_else(|| order.reject_reason.take());
            if to.is_terminal() {
                order.pending = alphec_model::Pending::default();
            }
        }
        Body::PermIdLearned { perm_id } => order.perm_id = Some(*perm_id),
        Body::ReplaceAsked { replace, .. } => order.pending.replace = Some(replace.clone()),
        Body::ReplaceReleased => {
            if let Some(replace) = order.pending.replace.as_mut() {
                replace.staged = false;
            }
        }
        Body::ReplaceEnded { accepted: true, .. } => {
            if let Some(replace) = order.pending.replace.take() {
                take_over(order, replace);
            }
        }
        Body::ReplaceEnded { accepted: false, evidence } => {
            // Its old terms in the lists are no refusal: the gateway may act on it yet. Nor is a code that may be
            // meant for one that was given up before: it names the order only.
            let pending = &mut order.pending;
            let is_open = matches!(evidence, Evidence::OpenOrder { .. })
                || (matches!(evidence, Evidence::Notice { .. }) && !pending.given_up.is_empty());
            pending.given_up.extend(pending.replace.take().filter(|_| is_open));
        }
        Body::ReplaceCameLate { version, .. } => come_late(order, *version, at),
        Body::CancelAsked => {
            order.pending.cancel_asked_at = Some(at);
            order.pending.is_probe = false;
        }
        Body::CancelProbed => {
            order.pending.cancel_asked_at = Some(at);
            order.pending.is_probe = true;
        }
        Body::CancelEnded { .. } => {
            order.pending.cancel_asked_at = None;
            order.pending.is_probe = false;
        }
        Body::Resent { broker_order_id, order_ref, .. } => {
            order.state = OrderState::PendingNew;
            order.broker_order_id = Some(*broker_order_id);
            order.order_ref = Some(order_ref.clone());
            order.attempts = order.attempts.saturating_add(1);
            let given_up = std::mem::take(&mut order.pending.given_up);
            order.pending = alphec_model::Pending { given_up, ..alphec_model::Pending::default() };
        }
        // A change denied at once leaves one that may already be in flight as it is.
        _ => {}
    }
}

/// A change is in force. Where one given up has the same terms, what proved it may have been an old message about
/// that one: the terms until now may be in force yet.
fn take_over(order: &mut Order, mut replace: PendingReplace) {
    std::mem::swap(&mut replace.spec, &mut order.spec);
    std::mem::swap(&mut replace.version, &mut order.version);
    let given_up = &mut order.pending.given_up;
    if given_up.iter().any(|other| other.spec == order.spec) {
        given_up.push(replace);
    }
}

/// The two versions change places: what one list shows, a later one may take back.
fn come_late(order: &mut Order, version: u32, at: UtcNanos) {
    let (given, in_force) = (&mut order.pending.given_up, order.version);
    let Some(late) = given.iter_mut().find(|replace| replace.version == version) else { return };
    std::mem::swap(&mut late.spec, &mut order.spec);
    (late.version, order.version) = (in_force, version);
    late.asked_at = at;
}

//! Combinations: a market whose price is made of the prices of its legs, and fills that are booked by leg.
//!
//! A combination is listed when a client first names it and has a contract id of the venue's own. From then on it
//! is an instrument like any other, except that its quote follows its legs, that a fill is one execution for the
//! whole and one for each leg (tws-behaviour 3.5), and that positions, cash, commissions and margins are those of
//! the legs.

use std::collections::HashMap;
use std::sync::Arc;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::account::Trade;
use super::bars::BarTape;
use super::commission::CommissionRule;
use super::fills::{exec_id, leg_exec_id};
use super::funds::Effect;
use super::instrument::{Instrument, SecType, TickStep};
use super::io::{Execution, Quote, VenueOutput};
use super::margin::MarginRule;
use super::market::Market;
use super::order::LiveOrder;
use super::refusal::Refusal;
use super::types::{ConId, OrderSpec, Side, UtcNs};
use super::{Scheduled, Venue};

/// Most combinations that a venue lists; naming one more is refused.
const COMBINATIONS_MAX: usize = 1_024;

/// Slots of past prices that one keeps: half an hour of busy ones.
const SLOTS_MAX: usize = 360;

/// Most legs of one.
const LEGS_MAX: usize = 8;

/// Largest ratio of a leg.
const RATIO_MAX: u32 = 100_000;

/// Contract ids of combinations count up from here, past those that are taken.
const FIRST_CON_ID: ConId = 1_900_000_001;

/// A leg as a client names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LegSpec {
    /// Instrument.
    pub con_id: ConId,
    /// Units of it in one unit of the combination.
    pub ratio: u32,
    /// What buying the combination does with it.
    pub side: Side,
}

/// A leg of a listed combination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leg {
    /// What it is.
    pub spec: LegSpec,
    /// What one point of its price is in the price of the combination, without a sign.
    pub weight: Decimal,
}

impl Leg {
    /// What an order of `side` for the combination does with this leg.
    pub fn side_for(&self, side: Side) -> Side {
        match side {
            Side::Buy => self.spec.side,
            Side::Sell => self.spec.side.opposite(),
        }
    }

    fn ratio(&self) -> Decimal {
        Decimal::from(self.spec.ratio)
    }
}

/// What an order for a combination says about its legs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LegTerms {
    /// Worst acceptable prices, by leg.
    pub limits: Vec<(ConId, Decimal)>,
    /// Legs may fill on their own, which leaves the risk of the others with the client.
    pub non_guaranteed: bool,
    /// How they do, if they do.
    pub apart: Option<Apart>,
}

/// Legs that fill one after the other (tws-behaviour 3.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Apart {
    /// Nanoseconds between two of them.
    pub by: i64,
    /// How many fill; the others never do.
    pub legs: usize,
}

/// What has traded of one leg of an order.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct LegDone {
    filled: Decimal,
    /// Sum of quantity × price.
    traded: Decimal,
    commission: Decimal,
}

/// A fill of which not all legs have traded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Legging {
    quantity: Decimal,
    next: usize,
    /// Price of the combination so far.
    price: Decimal,
}

/// What is wrong with a combination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CombinationProblem {
    /// 312: too few or too many legs, or one twice.
    Legs,
    /// 313: a leg without ratio or action, by its place from 1.
    Leg(usize),
    /// 314: no legs at all.
    NoLegs,
    /// 356: one-cancels-all.
    Group,
    /// 387: an order type that combinations do not have.
    Kind,
    /// 10000: legs in several currencies.
    Currencies,
    /// 10243: part of a unit.
    Fraction,
}

impl CombinationProblem {
    pub(super) const fn code(self) -> i32 {
        match self {
            Self::Legs => 312,
            Self::Leg(_) => 313,
            Self::NoLegs => 314,
            Self::Group => 356,
            Self::Kind => 387,
            Self::Currencies => 10_000,
            Self::Fraction => 10_243,
        }
    }

    pub(super) fn text(self) -> String {
        match self {
            Self::Legs => "The combo details are invalid.".to_owned(),
            Self::Leg(place) => format!("The combo details for leg '{place}' are invalid."),
            Self::NoLegs => "Security type 'BAG' requires combo leg details.".to_owned(),
            Self::Group => "Smart combos do not support OCA orders.".to_owned(),
            Self::Kind => {
                "Unsupported order type for this exchange and security type: combination".to_owned()
            }
            Self::Currencies => "Cross currency combo error.".to_owned(),
            Self::Fraction => "Fractional-sized order cannot be placed via API.".to_owned(),
        }
    }
}

impl OrderSpec {
    pub(super) fn leg_terms(&self) -> Option<&LegTerms> {
        self.extra.as_ref().and_then(|extra| extra.legs.as_ref())
    }

    fn apart(&self) -> Option<Apart> {
        self.leg_terms().filter(|terms| terms.non_guaranteed).and_then(|terms| terms.apart)
    }

    /// True for an order whose legs may fill on their own.
    pub fn is_non_guaranteed(&self) -> bool {
        self.leg_terms().is_some_and(|terms| terms.non_guaranteed)
    }
}

impl Instrument {
    /// True for a combination.
    pub fn is_combination(&self) -> bool {
        self.sec_type == SecType::Bag
    }

    /// A combination is what its legs are: their currency, the hours of the first that has some, the finest of
    /// their grids.
    fn combined(con_id: ConId, symbol: &str, parts: &[(LegSpec, &Self)]) -> Option<Self> {
        let (_, first) = parts.first()?;
        let unit = parts.iter().map(|(_, part)| part.point_value()).max()?;
        let legs = parts.iter().map(|(spec, part)| {
            let weight = Decimal::from(spec.ratio) * part.point_value() / unit;
            Leg { spec: *spec, weight }
        });
        let increment = parts.iter().map(|(_, part)| part.min_tick()).min()?;
        Some(Self {
            sec_type: SecType::Bag,
            primary_exchange: String::new(),
            local_symbol: symbol.to_owned(),
            trading_class: "COMB".to_owned(),
            currency: first.currency.clone(),
            multiplier: unit,
            market_rule_id: 0,
            ticks: vec![TickStep { low_edge: Decimal::ZERO, increment }],
            commission: CommissionRule::per_unit(Decimal::ZERO),
            margin: MarginRule::usual(SecType::Bag),
            calendar: parts.iter().find_map(|(_, part)| part.calendar.clone()),
            legs: legs.collect(),
            ..Self::stock(con_id, symbol, Decimal::ZERO)
        })
    }
}

impl Venue {
    /// The combination of these legs, which is listed if it was not; legs in another order are the same one.
    ///
    /// # Errors
    ///
    /// What the order that names it is refused with: no symbol, no legs, an unknown leg, a ratio of zero, several
    /// currencies (tws-behaviour 3.5, 2.6).
    pub fn combination(
        &mut self,
        now: UtcNs,
        symbol: &str,
        legs: &[LegSpec],
    ) -> Result<Arc<Instrument>, Refusal> {
        if symbol.is_empty() {
            return Err(Refusal::Invalid("A combination needs a symbol".to_owned()));
        }
        let mut sorted = legs.to_vec();
        sorted.sort_unstable();
        let name = (symbol.to_owned(), sorted);
        if let Some(known) = self.combinations.get(&name).and_then(|con_id| self.instrument(*con_id)) {
            return Ok(Arc::clone(known));
        }
        if self.combinations.len() >= COMBINATIONS_MAX {
            return Err(Refusal::Rejected(format!("More than {COMBINATIONS_MAX} combinations")));
        }
        let parts = self.parts(legs)?;
        let con_id = (FIRST_CON_ID..ConId::MAX).find(|id| !self.market_index.contains_key(id));
        let instrument = con_id.and_then(|con_id| Instrument::combined(con_id, symbol, &parts));
        let instrument = instrument.ok_or(Refusal::Combination(CombinationProblem::Legs))?;
        self.combinations.insert(name, instrument.con_id);
        self.note_combination(now, symbol, legs);
        Ok(self.list(now, instrument))
    }

    fn parts(&self, legs: &[LegSpec]) -> Result<Vec<(LegSpec, &Instrument)>, Refusal> {
        let problem = |problem| Err(Refusal::Combination(problem));
        if legs.is_empty() {
            return problem(CombinationProblem::NoLegs);
        }
        let mut parts: Vec<(LegSpec, &Instrument)> = Vec::new();
        for (at, leg) in legs.iter().enumerate() {
            if leg.ratio == 0 || leg.ratio > RATIO_MAX {
                return problem(CombinationProblem::Leg(at + 1));
            }
            let part = self.instrument(leg.con_id).filter(|part| !part.is_combination());
            let part = part.ok_or(Refusal::UnknownContract)?;
            if parts.iter().any(|(other, _)| other.con_id == leg.con_id) {
                return problem(CombinationProblem::Legs);
            }
            parts.push((*leg, part));
        }
        if parts.len() < 2 || parts.len() > LEGS_MAX {
            return problem(CombinationProblem::Legs);
        }
        if parts.iter().any(|(_, part)| part.currency != parts[0].1.currency) {
            return problem(CombinationProblem::Currencies);
        }
        Ok(parts)
    }

    fn list(&mut self, now: UtcNs, instrument: Instrument) -> Arc<Instrument> {
        let index = self.markets.len();
        self.market_index.insert(instrument.con_id, index);
        for leg in &instrument.legs {
            if let Some(&at) = self.market_index.get(&leg.spec.con_id) {
                self.markets[at].combinations.push(index);
            }
        }
        let mut market = Market::new(instrument, &self.config);
        market.tape = BarTape::new(self.config.retention.bar_slots.clamp(1, SLOTS_MAX));
        // It does not walk: its legs do.
        market.pinned = true;
        let listed = Arc::clone(&market.instrument);
        self.markets.push(market);
        let quote = self.net_quote(&listed);
        let market = &mut self.markets[index];
        market.set(quote);
        market.tape.note_quote(now, &quote);
        self.begin_session(now, index);
        listed
    }

    /// A leg has moved, and the combinations it is in with it.
    pub(super) fn move_combinations(&mut self, now: UtcNs, leg: usize, out: &mut Vec<VenueOutput>) {
        for at in 0..self.markets[leg].combinations.len() {
            let index = self.markets[leg].combinations[at];
            let quote = self.net_quote(&self.markets[index].instrument);
            self.markets[index].set(quote);
            self.after_quote(now, index, out);
        }
    }

    /// What the legs' markets make of a combination: one side of it takes one side of each leg.
    fn net_quote(&self, instrument: &Instrument) -> Quote {
        let sum = |of: &dyn Fn(&Leg, &Quote) -> Option<Decimal>| {
            instrument.legs.iter().try_fold(Decimal::ZERO, |sum, leg| {
                let price = of(leg, &self.market(leg.spec.con_id)?.quote)?;
                Some(sum + leg.spec.side.signed(price * leg.weight))
            })
        };
        let touch = |side: Side| sum(&|leg, quote| quote.touch(leg.side_for(side)).0);
        let size = |side: Side| {
            let units = instrument.legs.iter().map(|leg| {
                let quote = self.market(leg.spec.con_id).map(|market| market.quote).unwrap_or_default();
                (quote.touch(leg.side_for(side)).1 / leg.ratio()).floor()
            });
            units.min().unwrap_or_default()
        };
        Quote {
            bid: touch(Side::Sell),
            ask: touch(Side::Buy),
            last: sum(&|_, quote| quote.last),
            bid_size: size(Side::Sell),
            ask_size: size(Side::Buy),
            last_size: Decimal::ZERO,
        }
    }

    /// What an order for a combination keeps to beside what every order does.
    pub(super) fn check_combination(&self, spec: &OrderSpec, instrument: &Instrument) -> Result<(), Refusal> {
        if !instrument.is_combination() {
            return Ok(());
        }
        let problem = |problem| Err(Refusal::Combination(problem));
        if !spec.quantity.fract().is_zero() {
            return problem(CombinationProblem::Fraction);
        }
        if spec.oca().is_some() {
            return problem(CombinationProblem::Group);
        }
        if spec.auction().is_some() {
            return problem(CombinationProblem::Kind);
        }
        for (con_id, limit) in spec.leg_terms().map_or(&[][..], |terms| &terms.limits) {
            let leg = self.instrument(*con_id).ok_or(Refusal::UnknownContract)?;
            if leg.needs_positive_price() && *limit <= Decimal::ZERO {
                return Err(Refusal::Invalid(format!("Price {limit} of a leg must be positive")));
            }
            if !leg.on_grid(*limit) {
                return Err(Refusal::OffGrid);
            }
        }
        Ok(())
    }

    /// Who pays for what the market gives a credit for, or gives away what it pays for, loses for certain
    /// (tws-behaviour 3.5).
    pub(super) fn check_certain_loss(&self, spec: &OrderSpec) -> Result<(), Refusal> {
        let Some(market) = self.market(spec.con_id) else { return Err(Refusal::UnknownContract) };
        let (touch, _) = market.quote.touch(spec.side);
        let (Some(limit), Some(touch)) = (spec.kind.limit(), touch) else { return Ok(()) };
        let loses = match spec.side {
            Side::Buy => limit > Decimal::ZERO && touch < Decimal::ZERO,
            Side::Sell => limit < Decimal::ZERO && touch > Decimal::ZERO,
        };
        if market.instrument.is_combination() && loses {
            return Err(Refusal::Rejected(
                "Guaranteed-to-lose combination orders are not accepted".to_owned(),
            ));
        }
        Ok(())
    }

    /// Begins a fill whose legs trade one after the other. False for one that trades at once.
    pub(super) fn begin_legs(
        &mut self,
        now: UtcNs,
        seq: u64,
        quantity: Decimal,
        out: &mut Vec<VenueOutput>,
    ) -> bool {
        let Some(order) = self.live.get_mut(&seq) else { return false };
        if order.spec.apart().is_none() || order.legging.is_some() {
            return false;
        }
        order.legging = Some(Legging { quantity, next: 0, price: Decimal::ZERO });
        self.trade_next_leg(now, seq, out);
        true
    }

    /// The next leg of a fill trades at what its market is now; after the last one the order has its fill.
    pub(super) fn trade_next_leg(&mut self, now: UtcNs, seq: u64, out: &mut Vec<VenueOutput>) {
        let Some(order) = self.live.get(&seq) else { return };
        let (Some(legging), Some(apart)) = (order.legging, order.spec.apart()) else { return };
        let Some(market) = self.market(order.spec.con_id) else { return };
        let legs = market.instrument.legs.clone();
        let Some(leg) = legs.get(legging.next).filter(|_| legging.next < apart.legs) else { return };
        let side = leg.side_for(order.spec.side);
        let Some(price) = self.market(leg.spec.con_id).and_then(|market| market.quote.touch(side).0) else {
            // Nobody is there to trade with.
            self.schedule_at(now.saturating_add(apart.by.max(1)), Scheduled::Leg(seq));
            return;
        };
        self.next_exec += 1;
        let number = self.next_exec - 1;
        if let Some(done) = self.trade_leg(now, (seq, legging.next, number), (legging.quantity, price), out) {
            self.say_cost(now, done, out);
        }
        let net = legging.price + leg.spec.side.signed(price * leg.weight);
        let Some(order) = self.live.get_mut(&seq) else { return };
        if legging.next + 1 < legs.len() {
            order.legging = Some(Legging { next: legging.next + 1, price: net, ..legging });
            self.schedule_at(now.saturating_add(apart.by), Scheduled::Leg(seq));
        } else {
            order.legging = None;
            self.fill_whole(now, seq, (legging.quantity, net), out);
        }
    }

    /// All legs of a fill at once, at prices that come to `price` together.
    pub(super) fn trade_legs(
        &mut self,
        now: UtcNs,
        (seq, number): (u64, u64),
        (quantity, price): (Decimal, Decimal),
        out: &mut Vec<VenueOutput>,
    ) -> Vec<Arc<Execution>> {
        let prices = self.leg_prices(seq, price);
        prices
            .into_iter()
            .enumerate()
            .filter_map(|(leg, price)| self.trade_leg(now, (seq, leg, number), (quantity, price), out))
            .collect()
    }

    /// Each leg at its touch; what is left to come to `price` is put on the one that weighs least.
    fn leg_prices(&self, seq: u64, price: Decimal) -> Vec<Decimal> {
        let Some(order) = self.live.get(&seq) else { return Vec::new() };
        let Some(market) = self.market(order.spec.con_id) else { return Vec::new() };
        let legs = &market.instrument.legs;
        let mut prices: Vec<Decimal> = legs
            .iter()
            .map(|leg| {
                let of_leg = self.market(leg.spec.con_id);
                let touch = of_leg.and_then(|of_leg| of_leg.quote.touch(leg.side_for(order.spec.side)).0);
                touch.or_else(|| of_leg.map(Market::mark)).unwrap_or_default()
            })
            .collect();
        let net: Decimal =
            legs.iter().zip(&prices).map(|(leg, price)| leg.spec.side.signed(*price * leg.weight)).sum();
        let lightest = legs.iter().enumerate().min_by_key(|(_, leg)| leg.weight);
        if let Some((at, leg)) = lightest.filter(|_| net != price) {
            prices[at] += leg.spec.side.signed(price - net) / leg.weight;
        }
        prices
    }

    /// One leg trades: money, position and its own execution.
    fn trade_leg(
        &mut self,
        now: UtcNs,
        (seq, at, number): (u64, usize, u64),
        (units, price): (Decimal, Decimal),
        out: &mut Vec<VenueOutput>,
    ) -> Option<Arc<Execution>> {
        let order = self.live.get_mut(&seq)?;
        let leg = *self.markets.get(*self.market_index.get(&order.spec.con_id)?)?.instrument.legs.get(at)?;
        let market = self.markets.get_mut(*self.market_index.get(&leg.spec.con_id)?)?;
        let account = self.accounts.get_mut(&order.spec.account)?;
        let quantity = units * leg.ratio();
        let side = leg.side_for(order.spec.side);
        market.tape.note_trade(now, price, quantity);
        let instrument = &market.instrument;
        if order.legs.len() <= at {
            order.legs.resize(at + 1, LegDone::default());
        }
        let done = order.legs.get_mut(at)?;
        done.filled += quantity;
        done.traded += quantity * price;
        let due = instrument.commission.due(done.filled, (done.traded * instrument.point_value()).abs());
        let commission = due.max(done.commission) - done.commission;
        done.commission += commission;
        order.commission += commission;
        let realized_pnl = account.book(instrument, Trade { side, quantity, price, commission });
        let execution = Arc::new(Execution {
            exec_id: leg_exec_id(&exec_id(self.config.start, number), at + 1),
            key: order.key,
            perm_id: order.perm_id,
            con_id: leg.spec.con_id,
            leg: at + 1,
            account: Arc::clone(&order.spec.account),
            order_ref: Arc::clone(&order.spec.order_ref),
            side,
            quantity,
            price,
            cum_quantity: done.filled,
            avg_price: done.traded / done.filled,
            at: now,
            added_liquidity: order.rested,
            commission,
            currency: Arc::clone(&market.currency),
            realized_pnl,
        });
        self.archive.add_execution(Arc::clone(&execution));
        out.push(VenueOutput::Execution(Arc::clone(&execution)));
        Some(execution)
    }

    /// What filling so much of an order would do to its account: the sum of its legs, each as if alone. `None` for what
    /// no decimal can hold.
    pub(super) fn legs_effect(&self, spec: &OrderSpec, quantity: Decimal) -> Option<Effect> {
        let market = self.market(spec.con_id)?;
        market.instrument.legs.iter().try_fold(Effect::default(), |sum, leg| {
            let side = leg.side_for(spec.side);
            let touch = self.market(leg.spec.con_id)?.quote.touch(side).0;
            let units = quantity.checked_mul(leg.ratio())?;
            sum.and(self.effect_of((&spec.account, leg.spec.con_id), side.signed(units), touch)?)
        })
    }

    /// What filling so much of an order would cost: the sum of what its legs cost.
    pub(super) fn legs_commission(&self, spec: &OrderSpec, quantity: Decimal) -> Option<Decimal> {
        let market = self.market(spec.con_id)?;
        market.instrument.legs.iter().try_fold(Decimal::ZERO, |sum, leg| {
            let of_leg = self.market(leg.spec.con_id)?;
            let units = quantity.checked_mul(leg.ratio())?;
            let value = units.checked_mul(of_leg.mark())?.checked_mul(of_leg.instrument.point_value())?;
            sum.checked_add(of_leg.instrument.commission.due(units, value.abs()))
        })
    }
}

impl LiveOrder {
    /// True when its legs have trades of their own.
    pub(crate) fn trades_in_parts(&self) -> bool {
        self.spec.apart().is_some()
    }

    /// True while some legs of a fill have traded and others not.
    pub(crate) fn is_legging(&self) -> bool {
        self.legging.is_some()
    }
}

/// False while a leg is worse than the price that the order names for it.
pub(super) fn legs_allow((markets, index): (&[Market], &HashMap<ConId, usize>), spec: &OrderSpec) -> bool {
    let Some(terms) = spec.leg_terms().filter(|terms| !terms.limits.is_empty()) else { return true };
    let market = |con_id| index.get(&con_id).and_then(|at: &usize| markets.get(*at));
    let Some(whole) = market(spec.con_id) else { return false };
    terms.limits.iter().all(|(con_id, limit)| {
        let leg = whole.instrument.legs.iter().find(|leg| leg.spec.con_id == *con_id);
        let (Some(leg), Some(of_leg)) = (leg, market(*con_id)) else { return false };
        let side = leg.side_for(spec.side);
        of_leg.quote.touch(side).0.is_some_and(|touch| match side {
            Side::Buy => touch <= *limit,
            Side::Sell => touch >= *limit,
        })
    })
}

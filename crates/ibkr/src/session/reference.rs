//! Contracts and quotes: one task per instrument, qualified first, then followed.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use alphec_model::broker::BrokerEvent;
use alphec_model::{Decimal, Instrument, Price, Quote};
use futures::StreamExt;
use ibapi::contracts::tick_types::TickType;
use ibapi::contracts::{Contract, ContractDetails};
use ibapi::market_data::MarketDataType;
use ibapi::market_data::realtime::TickTypes;
use ibapi::subscriptions::SubscriptionItem;
use ibapi::{Client, Error};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tracing::warn;

use super::Report;
use crate::config::{Clock, MarketData, MarketDataKind};
use crate::convert::contract::{self, Details};
use crate::convert::money;
use crate::notices;
use crate::pace::{Pacer, Urgency};

/// How long an answer about a contract may take.
const ANSWER_DEADLINE: Duration = Duration::from_secs(20);

/// Pause before a failed question or subscription is tried again, for as long as the session lives. It
/// doubles with each failure in a row: a missing subscription is an error message every time.
const RETRY_FIRST: Duration = Duration::from_secs(15);

/// The longest such pause.
const RETRY_CEILING: Duration = Duration::from_secs(300);

/// "No security definition": the one answer that means the broker does not know the contract.
const NO_SUCH_CONTRACT: i32 = 200;

/// What a task needs.
#[derive(Clone)]
pub(super) struct Source {
    pub(super) client: Arc<Client>,
    pub(super) pacer: Arc<Pacer>,
    pub(super) reports: mpsc::Sender<Report>,
    pub(super) market_data: bool,
    pub(super) clock: Clock,
}

impl Source {
    /// Waits for the turn of a message about data.
    pub(super) async fn turn(&self) {
        self.pacer.acquire(Urgency::Background).await;
    }

    /// A question or a subscription ended other than by its answer: ibapi tells the gateway so by itself.
    pub(super) fn ended(&self) {
        self.pacer.charge(Instant::now());
    }

    /// Nobody listens any more once the session is over; the task is being aborted then.
    pub(super) async fn tell(&self, report: Report) {
        let _ = self.reports.send(report).await;
    }

    /// A message of the broker about a data request.
    pub(super) async fn tell_notice(&self, about: &str, notice: ibapi::Notice) {
        if notices::is_of_connection(notice.code, &notice.message) {
            return self.tell(Report::Notice(Box::new(notice))).await;
        }
        let mut notice = notices::convert(notice);
        notice.text = format!("{about}: {}", notice.text);
        self.tell(Report::Event(Box::new(BrokerEvent::Notice(notice)))).await;
    }

    /// What went wrong with a data request, told where the broker said it.
    pub(super) async fn tell_error(&self, about: &str, error: Error) {
        match error {
            Error::Notice(notice) => self.tell_notice(about, notice).await,
            // The session is over: it says so itself.
            Error::Shutdown => {}
            other => warn!(about, error = %other, "request failed"),
        }
    }
}

/// Asks for delayed data where configured; live is the gateway's default.
pub(super) async fn choose_market_data(client: &Client, pacer: &Pacer, market_data: MarketData) {
    if market_data.enabled && market_data.kind == MarketDataKind::Delayed {
        pacer.charge(Instant::now());
        let asked =
            tokio::time::timeout(ANSWER_DEADLINE, client.switch_market_data_type(MarketDataType::Delayed));
        if !matches!(asked.await, Ok(Ok(()))) {
            warn!("delayed market data could not be asked for");
        }
    }
}

/// Begins `follow` anew whenever the broker's servers have forgotten what was subscribed to (1101).
///
/// The gateway is told that the old subscription is over, which is a message, and ibapi writes it at once when the
/// subscription is dropped: so it is kept until its turn comes, or a hundred of them would leave in one moment.
pub(super) async fn through_losses<F: Future<Output = ()>>(
    source: Source,
    mut losses: watch::Receiver<u32>,
    follow: impl Fn(Source) -> F,
) {
    loop {
        losses.borrow_and_update();
        let mut following = pin!(follow(source.clone()));
        let has_subscribed = tokio::select! {
            changed = losses.changed() => changed.map(|()| true),
            () = &mut following => losses.changed().await.map(|()| false),
        };
        match has_subscribed {
            Ok(true) => source.turn().await,
            Ok(false) => {}
            // The session is over.
            Err(_) => return,
        }
    }
}

/// Qualifies one instrument, then follows its market.
pub(super) async fn follow(source: Source, instrument: Instrument) {
    let Some(con_id) = qualify(&source, &instrument).await else { return };
    if !source.market_data {
        return;
    }
    let Ok(contract) = contract::contract(&instrument, Some(con_id)) else { return };
    let mut pause = RETRY_FIRST;
    loop {
        if watch_market(&source, &instrument, &contract).await {
            pause = RETRY_FIRST;
        }
        // Without data there is no price to judge by: say so rather than leave the last one standing.
        let quote = Quote { bid: None, ask: None, last: None, at: source.clock.now() };
        source.tell(Report::Quote { instrument: instrument.id().clone(), quote }).await;
        tokio::time::sleep(pause).await;
        pause = pause.saturating_mul(2).min(RETRY_CEILING);
    }
}

/// The contract id, or `None` when the broker does not know the instrument or knows several.
async fn qualify(source: &Source, instrument: &Instrument) -> Option<alphec_model::ConId> {
    let id = instrument.id();
    let unknown = |why: String| Report::Unknown { instrument: id.clone(), why };
    let asked = match contract::contract(instrument, None) {
        Ok(contract) => contract,
        Err(refused) => {
            source.tell(unknown(refused.to_string())).await;
            return None;
        }
    };
    let mut pause = RETRY_FIRST;
    loop {
        source.turn().await;
        let answer = tokio::time::timeout(ANSWER_DEADLINE, source.client.contract_details(&asked)).await;
        match answer.unwrap_or(Err(Error::Timeout)) {
            Ok(rows) => return resolved(source, instrument, &rows).await,
            Err(Error::Notice(notice)) if notice.code == NO_SUCH_CONTRACT => {
                source.ended();
                source.tell(unknown(format!("{} ({})", notice.message, notice.code))).await;
                return None;
            }
            Err(error) => {
                source.ended();
                source.tell_error(&format!("contract details of {id}"), error).await;
            }
        }
        tokio::time::sleep(pause).await;
        pause = pause.saturating_mul(2).min(RETRY_CEILING);
    }
}

async fn resolved(
    source: &Source,
    instrument: &Instrument,
    rows: &[ContractDetails],
) -> Option<alphec_model::ConId> {
    let instrument_id = instrument.id().clone();
    match contract::only(rows, instrument.exchange()) {
        Ok(mut details) => {
            let con_id = details.con_id;
            apply_ladder(source, &mut details).await;
            source.tell(Report::Resolved { instrument: instrument_id, details }).await;
            Some(con_id)
        }
        Err(refused) => {
            source.tell(Report::Unknown { instrument: instrument_id, why: refused.to_string() }).await;
            None
        }
    }
}

/// The minimum tick is the smallest of any exchange and price level; the exchange's rule is what holds.
async fn apply_ladder(source: &Source, details: &mut Details) {
    let Some(rule) = details.market_rule else { return };
    source.turn().await;
    match tokio::time::timeout(ANSWER_DEADLINE, source.client.market_rule(rule)).await {
        Ok(Ok(rule)) => match contract::ladder(&rule) {
            Ok(ladder) => details.tick = Some(ladder),
            Err(refused) => warn!(%refused, "market rule passed over"),
        },
        Ok(Err(error)) => source.tell_error(&format!("market rule {rule}"), error).await,
        Err(_) => warn!(rule, "market rule not answered"),
    }
}

/// Follows one subscription to its end; whether it ever gave a price.
async fn watch_market(source: &Source, instrument: &Instrument, contract: &Contract) -> bool {
    let about = format!("market data of {}", instrument.id());
    source.turn().await;
    let mut ticks = match source.client.market_data(contract).subscribe().await {
        Ok(ticks) => ticks,
        Err(error) => {
            source.tell_error(&about, error).await;
            return false;
        }
    };
    let mut priced = false;
    let mut quote = Quote { bid: None, ask: None, last: None, at: source.clock.now() };
    while let Some(item) = ticks.next().await {
        match item {
            Ok(SubscriptionItem::Data(tick)) => {
                if apply(&mut quote, &tick, instrument) {
                    priced = true;
                    quote.at = source.clock.now();
                    source.tell(Report::Quote { instrument: instrument.id().clone(), quote }).await;
                }
            }
            // Falling behind is no harm here: the next tick is the market.
            Ok(SubscriptionItem::Notice(notice)) if notices::is_gap(notice.code) => {}
            Ok(SubscriptionItem::Notice(notice)) => source.tell_notice(&about, notice).await,
            Err(error) => {
                source.tell_error(&about, error).await;
                break;
            }
        }
    }
    source.ended();
    priced
}

/// Puts a tick into the quote; false when it is none of the three prices.
fn apply(quote: &mut Quote, tick: &TickTypes, instrument: &Instrument) -> bool {
    let (kind, value) = match tick {
        TickTypes::Price(tick) => (&tick.tick_type, tick.price),
        TickTypes::PriceSize(tick) => (&tick.price_tick_type, tick.price),
        _ => return false,
    };
    let price = market_price(value, instrument);
    match kind {
        TickType::Bid | TickType::DelayedBid => quote.bid = price,
        TickType::Ask | TickType::DelayedAsk => quote.ask = price,
        TickType::Last | TickType::DelayedLast => quote.last = price,
        _ => return false,
    }
    true
}

/// A price of the market. The gateway says "none" with -1 or 0, also where negative prices exist.
pub(crate) fn market_price(value: f64, instrument: &Instrument) -> Option<Price> {
    let price = money::price("quote", value).ok()?;
    let is_none = price.is_zero() || price.get() == Decimal::NEGATIVE_ONE;
    let possible = price.get() > Decimal::ZERO || instrument.kind().allows_negative_price();
    (possible && !is_none).then_some(price)
}

#[cfg(test)]
mod tests {
    use alphec_model::UtcNanos;
    use ibapi::market_data::realtime::{TickPrice, TickPriceSize};

    use super::*;
    use crate::directory::tests::stock;

    fn price(tick_type: TickType, price: f64) -> TickTypes {
        TickTypes::Price(TickPrice { tick_type, price, ..TickPrice::default() })
    }

    #[test]
    fn bid_ask_and_last_are_taken_live_or_delayed_and_absent_ones_cleared() {
        let stock = stock("AAPL");
        let mut quote = Quote { bid: None, ask: None, last: None, at: UtcNanos::EPOCH };
        assert!(apply(&mut quote, &price(TickType::Bid, 100.5), &stock));
        assert!(apply(&mut quote, &price(TickType::DelayedAsk, 100.75), &stock));
        let sized = TickTypes::PriceSize(TickPriceSize {
            price_tick_type: TickType::Last,
            price: 100.6,
            ..Default::default()
        });
        assert!(apply(&mut quote, &sized, &stock));
        assert_eq!(quote.bid.unwrap().to_string(), "100.5");
        assert_eq!(
            (quote.ask.unwrap().to_string(), quote.last.unwrap().to_string()),
            ("100.75".into(), "100.6".into())
        );
        for none in [-1.0, 0.0, f64::NAN, f64::MAX] {
            assert!(apply(&mut quote, &price(TickType::Bid, none), &stock));
            assert_eq!(quote.bid, None, "{none}");
        }
        assert!(!apply(&mut quote, &price(TickType::High, 1.0), &stock));
    }
}

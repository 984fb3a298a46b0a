//! `alphec-exec order submit`.

use std::time::Duration;

use alphec_execution::model::broker::LinkState;
use alphec_execution::model::{
    AccountId, ClientOrderId, CorrelationId, Decimal, GroupRequest, InstrumentId, Order, OrderRequest,
    OrderSpec, OrderState, OrderType, Price, Qty, Side, StrategyId, TimeInForce, Trail, UtcNanos,
    WhenInDoubt,
};
use alphec_execution::{Error, OrderHandle, Profile, new_client_order_id, new_correlation_id};

use super::watch::{is_over, watch};
use crate::commands::Common;
use crate::commands::one_shot::{OneShot, Patience};
use crate::exit::{Exit, Failure, Wait, of_submitted};

/// How long an order that nobody waits for has to reach the wire.
const ON_ITS_WAY: Duration = Duration::from_millis(500);

/// Options of `order submit`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What to trade, by its name in the profile.
    #[arg(long, visible_alias = "symbol", value_name = "NAME")]
    instrument: InstrumentId,
    /// Buy or sell.
    #[arg(long)]
    side: SideWord,
    /// Size; an exact decimal.
    #[arg(long)]
    qty: Qty,
    /// How it meets the market. Never assumed.
    #[arg(long = "type", value_name = "TYPE")]
    order_type: TypeWord,
    /// Limit price; an exact decimal.
    #[arg(long, value_name = "PX", allow_negative_numbers = true)]
    limit: Option<Price>,
    /// Trigger price; an exact decimal.
    #[arg(long, value_name = "PX", allow_negative_numbers = true)]
    stop: Option<Price>,
    /// Distance of a trailing stop from the market; an exact decimal.
    #[arg(long, value_name = "PX", conflicts_with = "trail_percent")]
    trail: Option<Price>,
    /// The same in percent of the price.
    #[arg(long, value_name = "PERCENT")]
    trail_percent: Option<Decimal>,
    #[command(flatten)]
    life: Life,
    /// Make it a bracket: a limit order at this price takes the profit of what has filled.
    #[arg(long, value_name = "PX", allow_negative_numbers = true)]
    take_profit: Option<Price>,
    /// Make it a bracket: a stop order at this price ends the loss of what has filled.
    #[arg(long, value_name = "PX", allow_negative_numbers = true)]
    stop_loss: Option<Price>,
    /// Account; the profile's only one unless given.
    #[arg(long)]
    account: Option<AccountId>,
    /// Whose idea it is.
    #[arg(long, value_name = "ID", default_value = "manual")]
    strategy: StrategyId,
    /// Idempotency key: the same id with the same terms is the same order. Made up unless given.
    #[arg(long, value_name = "ID")]
    client_order_id: Option<ClientOrderId>,
    /// What may be done by itself if its outcome is never proven; the profile's choice unless given.
    #[arg(long, value_enum)]
    when_in_doubt: Option<DoubtWord>,
    /// Ties it to the work it came from. Made up unless given.
    #[arg(long, value_name = "ID")]
    correlation_id: Option<CorrelationId>,
    /// What to wait for before saying how it went.
    #[arg(long, value_enum, default_value_t = Wait::Accepted)]
    wait: Wait,
    #[command(flatten)]
    patience: Patience,
}

/// How long an order lives.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Life {
    /// How long it lives; day unless given.
    #[arg(long)]
    tif: Option<LifeWord>,
    /// Until when, for gtd, such as 2026-11-23T14:30:00Z.
    #[arg(long, value_name = "INSTANT")]
    gtd: Option<UtcNanos>,
}

impl Life {
    /// The life asked for; `None` when nothing was said.
    pub(super) fn read(&self) -> Result<Option<TimeInForce>, Failure> {
        match (self.tif, self.gtd) {
            (None, None) => Ok(None),
            (None | Some(LifeWord::Gtd), Some(expire_at)) => Ok(Some(TimeInForce::Gtd { expire_at })),
            (Some(LifeWord::Gtd), None) => Err(Failure::usage("--tif gtd needs --gtd INSTANT, until when")),
            (Some(_), Some(_)) => Err(Failure::usage("--gtd goes with --tif gtd only")),
            (Some(LifeWord::Day), None) => Ok(Some(TimeInForce::Day)),
            (Some(LifeWord::Gtc), None) => Ok(Some(TimeInForce::Gtc)),
            (Some(LifeWord::Ioc), None) => Ok(Some(TimeInForce::Ioc)),
            (Some(LifeWord::Fok), None) => Ok(Some(TimeInForce::Fok)),
        }
    }
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum SideWord {
    Buy,
    Sell,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum TypeWord {
    Market,
    Limit,
    Stop,
    StopLimit,
    TrailingStop,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum DoubtWord {
    /// Nothing: it stays in doubt until the broker or an operator settles it.
    Hold,
    /// Ask by a cancel whether it exists.
    CancelProbe,
    /// Once proven absent, place it again, once; limit orders only.
    ResendIfAbsent,
}

impl From<DoubtWord> for WhenInDoubt {
    fn from(word: DoubtWord) -> Self {
        match word {
            DoubtWord::Hold => Self::Hold,
            DoubtWord::CancelProbe => Self::CancelProbe,
            DoubtWord::ResendIfAbsent => Self::ResendIfAbsent,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum LifeWord {
    /// Until the session ends.
    Day,
    /// Until canceled.
    Gtc,
    /// Until an instant.
    Gtd,
    /// What fills at once.
    Ioc,
    /// All at once or nothing.
    Fok,
}

/// Submits it.
pub(super) async fn run(common: &Common, args: Args) -> anyhow::Result<Exit> {
    // What is wrong with the words is said before anything starts.
    let spec = spec(&args)?;
    let account = account(&args, &common.load()?.profile)?;
    let one_shot = OneShot::start_to_trade(common, &args.patience).await?;
    let done = submit(common, &one_shot, args, (account, spec)).await;
    one_shot.stop().await;
    done
}

async fn submit(
    common: &Common,
    one_shot: &OneShot,
    args: Args,
    (account, spec): (AccountId, OrderSpec),
) -> anyhow::Result<Exit> {
    one_shot.inputs(&account, &args.instrument).await?;
    let request = OrderRequest {
        client_order_id: args.client_order_id.unwrap_or_else(new_client_order_id),
        strategy_id: args.strategy,
        correlation_id: args.correlation_id.unwrap_or_else(new_correlation_id),
        account,
        instrument: args.instrument,
        spec,
        when_in_doubt: args.when_in_doubt.map(Into::into),
    };
    let (wait, patience) = (args.wait, args.patience.timeout());
    let bracket = bracket(&request, args.take_profit, args.stop_loss)?;
    let order = match place(one_shot, request, bracket).await {
        Ok(handle) => {
            // Even without waiting, the order gets a moment to reach the wire before the engine stops.
            let patience = if wait == Wait::None { patience.min(ON_ITS_WAY) } else { patience };
            watch(&handle, patience, |order| is_over(wait, order.state)).await?
        }
        Err(Error::Denied { order, .. }) => *order,
        Err(error) => return Err(error.into()),
    };
    let works = order.state == OrderState::Working && wait == Wait::Done;
    let unheard = works && !is_linked(one_shot).await?;
    super::conclude(
        common,
        &order,
        if unheard { Err(unheard_of(&order)) } else { of_submitted(&order, wait) },
    )
}

/// The bracket that the order is the entry of, if exits were asked for.
fn bracket(
    entry: &OrderRequest,
    take_profit: Option<Price>,
    stop_loss: Option<Price>,
) -> Result<Option<GroupRequest>, Failure> {
    if take_profit.is_none() && stop_loss.is_none() {
        return Ok(None);
    }
    let bracket = GroupRequest::bracket(entry, take_profit, stop_loss);
    bracket.map(Some).map_err(|error| Failure::usage(error.to_string()))
}

/// Submits the order, alone or as the entry of a bracket; the handle is the entry's.
async fn place(
    one_shot: &OneShot,
    request: OrderRequest,
    bracket: Option<GroupRequest>,
) -> Result<OrderHandle, Error> {
    let Some(bracket) = bracket else { return one_shot.client.submit_order(request).await };
    let mut legs = one_shot.client.submit_group(bracket).await?;
    Ok(legs.swap_remove(0))
}

async fn is_linked(one_shot: &OneShot) -> anyhow::Result<bool> {
    Ok(one_shot.client.status().await?.readiness.link == LinkState::Ready)
}

/// Without a connection nobody knows how it stands now: that is not "still working".
fn unheard_of(order: &Order) -> Failure {
    let id = &order.client_order_id;
    let message = format!(
        "the connection is lost; order {id} was {} when last heard of, and may have filled since: \
         see `order status {id}` once the gateway is back, and do not submit it again",
        order.state
    );
    Failure::new(Exit::NotConnected, "not_connected", message).about(order)
}

fn account(args: &Args, profile: &Profile) -> Result<AccountId, Failure> {
    match (&args.account, profile.accounts.as_slice()) {
        (Some(account), _) => Ok(account.clone()),
        (None, [only]) => Ok(only.clone()),
        (None, several) => {
            let names: Vec<&str> = several.iter().map(AccountId::as_str).collect();
            Err(Failure::usage(format!(
                "profile {} has several accounts; choose with --account: {}",
                profile.name,
                names.join(", ")
            )))
        }
    }
}

fn spec(args: &Args) -> Result<OrderSpec, Failure> {
    let side = match args.side {
        SideWord::Buy => Side::Buy,
        SideWord::Sell => Side::Sell,
    };
    let trail = match (args.trail, args.trail_percent) {
        (Some(amount), _) => Some(Trail::Amount { amount }),
        (None, percent) => percent.map(|percent| Trail::Percent { percent }),
    };
    let order_type = match (args.order_type, args.limit, args.stop, trail) {
        (TypeWord::TrailingStop, None, None, Some(trail)) => OrderType::TrailingStop { trail },
        (TypeWord::Market, None, None, None) => OrderType::Market,
        (TypeWord::Limit, Some(limit_px), None, None) => OrderType::Limit { limit_px },
        (TypeWord::Stop, None, Some(stop_px), None) => OrderType::Stop { stop_px },
        (TypeWord::StopLimit, Some(limit_px), Some(stop_px), None) => {
            OrderType::StopLimit { stop_px, limit_px }
        }
        (word, ..) => {
            let needs = match word {
                TypeWord::Market => "a market order takes neither --limit nor --stop",
                TypeWord::Limit => "a limit order takes --limit PX and no --stop",
                TypeWord::Stop => "a stop order takes --stop PX and no --limit",
                TypeWord::TrailingStop => {
                    "a trailing-stop order takes --trail PX or --trail-percent PERCENT, neither --limit nor --stop"
                }
                TypeWord::StopLimit => "a stop-limit order takes both --stop PX and --limit PX",
            };
            return Err(Failure::usage(needs));
        }
    };
    let spec =
        OrderSpec::new(side, args.qty, order_type).map_err(|error| Failure::usage(error.to_string()))?;
    Ok(spec.with_time_in_force(args.life.read()?.unwrap_or(TimeInForce::Day)))
}

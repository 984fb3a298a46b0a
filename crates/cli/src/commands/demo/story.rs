//! The story of the demo: every stage of an order's life, each checked.

use std::time::Duration;

use alphec_execution::model::{
    AccountId, CancelScope, ClientOrderId, Decimal, Instrument, Order, OrderRequest, OrderSpec, OrderState,
    OrderType, Price, Qty, Quote, Side, StrategyId,
};
use alphec_execution::{Error, ExecutionClient, OrderHandle, new_correlation_id};
use anyhow::{Context, bail, ensure};

use super::relay::Relay;
use super::report::{OrderLine, Report};

/// How long each stage may take; a real gateway needs its time.
const PATIENCE: Duration = Duration::from_secs(30);

/// Who trades what in the story.
pub(super) struct Cast {
    pub(super) client: ExecutionClient,
    pub(super) account: AccountId,
    /// Trades throughout.
    pub(super) lead: Instrument,
    /// Its tick is finer here than at the broker, so the broker refuses a price that our gate lets through.
    pub(super) refused: Option<Instrument>,
    /// How far from the market the profile lets a price be.
    pub(super) collar: Decimal,
    /// Larger than the profile allows.
    pub(super) too_much: Qty,
    /// Distinguishes this run's orders from those of other runs.
    pub(super) run: String,
}

impl Cast {
    /// The whole story. Steps are reported as they happen; the first that fails ends it.
    pub(super) async fn play(&self, relay: &Relay, report: &mut Report) -> anyhow::Result<()> {
        self.connect(report).await?;
        self.rest_modify_cancel(report).await?;
        self.fill(report).await?;
        self.stops(report).await?;
        self.denial(report).await?;
        self.rejection(report).await?;
        self.outage(relay, report).await
    }

    async fn connect(&self, report: &mut Report) -> anyhow::Result<()> {
        self.client.wait_ready(PATIENCE).await?;
        let quote = self.quote().await?;
        let open = self.client.open_orders().await?;
        let (bid, ask) = (show(quote.bid), show(quote.ask));
        report.step(
            true,
            "connected",
            format!("{} on {}, {} at {bid} / {ask}", self.client.profile(), self.account, self.lead.id()),
        );
        if !open.is_empty() {
            let names: Vec<String> =
                open.iter().map(|order| format!("{} {}", order.client_order_id, order.state)).collect();
            report.step(true, "recovered", format!("orders of an earlier run: {}", names.join(", ")));
        }
        Ok(())
    }

    async fn rest_modify_cancel(&self, report: &mut Report) -> anyhow::Result<()> {
        let away = self.away(Decimal::new(4, 1)).await?;
        let spec = OrderSpec::limit(Side::Buy, self.lead.lot(), away)?;
        let mut order = self.submit("limit", &self.lead, spec.clone()).await?;
        self.reach(&mut order, OrderState::Working).await?;
        let last = order.last();
        let ids = format!("broker id {}, perm id {}", show(last.broker_order_id), show(last.perm_id));
        report.step(true, "limit order working", format!("buy {} at {away}; {ids}", self.lead.lot()));

        let nearer = self.away(Decimal::new(2, 1)).await?;
        let spec = OrderSpec { order_type: OrderType::Limit { limit_px: nearer }, ..spec };
        self.client.modify_order(order.client_order_id(), spec.clone()).await?;
        let replaced = tokio::time::timeout(PATIENCE, order.replaced()).await??;
        ensure!(
            replaced.spec == spec,
            "the broker did not take the change over: {}",
            replaced.spec.order_type
        );
        report.step(true, "modified", format!("now at {nearer}, version {}", replaced.version));

        self.client.cancel_order(order.client_order_id()).await?;
        self.reach(&mut order, OrderState::Canceled).await?;
        report.step(true, "canceled", order.client_order_id().to_string());
        Ok(())
    }

    async fn fill(&self, report: &mut Report) -> anyhow::Result<()> {
        let spec = OrderSpec::new(Side::Buy, self.lead.lot(), OrderType::Market)?;
        let mut order = self.submit("market", &self.lead, spec).await?;
        self.reach(&mut order, OrderState::Filled).await?;
        let fills = self.client.fills(order.client_order_id()).await?;
        let average = order.last().avg_px().map(|px| px.round_dp(6).normalize());
        report.step(
            true,
            "market order filled",
            format!("{} fill(s), average {}", fills.len(), show(average)),
        );
        Ok(())
    }

    async fn stops(&self, report: &mut Report) -> anyhow::Result<()> {
        let (trigger, limit) = (self.away(Decimal::new(6, 1)).await?, self.away(Decimal::new(7, 1)).await?);
        let lot = self.lead.lot();
        let stop = OrderSpec::new(Side::Sell, lot, OrderType::Stop { stop_px: trigger })?;
        let stop_limit =
            OrderSpec::new(Side::Sell, lot, OrderType::StopLimit { stop_px: trigger, limit_px: limit })?;
        for (name, spec) in [("stop", stop), ("stop-limit", stop_limit)] {
            let mut order = self.submit(name, &self.lead, spec).await?;
            self.reach(&mut order, OrderState::Working).await?;
        }
        report.step(true, "stop, stop-limit", format!("both armed below the market, trigger {trigger}"));
        Ok(())
    }

    async fn denial(&self, report: &mut Report) -> anyhow::Result<()> {
        let spec = OrderSpec::new(Side::Buy, self.too_much, OrderType::Market)?;
        match self.submit("too-large", &self.lead, spec).await {
            Err(error) => match error.downcast_ref::<Error>().and_then(Error::denied) {
                Some(reason) => report.step(true, "denied by the gate", reason.to_string()),
                None => return Err(error),
            },
            Ok(order) => bail!("order {} should have been denied", order.client_order_id()),
        }
        report.denied += 1;
        Ok(())
    }

    async fn rejection(&self, report: &mut Report) -> anyhow::Result<()> {
        let Some(refused) = &self.refused else {
            report.step(true, "rejection", "left out: it needs a second instrument in the profile");
            return Ok(());
        };
        let quote = self.client.wait_quote(refused.id(), PATIENCE).await?;
        let reference = quote.reference_px().context("a reference price")?;
        let tick = refused.tick().increment_at(Price::new(reference.round_dp(2))?).context("a tick")?;
        let rough = below(reference, self.collar, Decimal::new(5, 1))?;
        let off_grid = Price::new(rough.round_dp(2) + tick.get())?;
        let mut order =
            self.submit("off-tick", refused, OrderSpec::limit(Side::Buy, refused.lot(), off_grid)?).await?;
        self.reach(&mut order, OrderState::Rejected).await?;
        let reason = order.last().reject_reason.clone().context("a reason")?;
        report.step(true, "rejected by the broker", reason.to_string());
        report.rejected += 1;
        Ok(())
    }

    async fn outage(&self, relay: &Relay, report: &mut Report) -> anyhow::Result<()> {
        let away = self.away(Decimal::new(8, 1)).await?;
        let mut order =
            self.submit("outage", &self.lead, OrderSpec::limit(Side::Buy, self.lead.lot(), away)?).await?;
        self.reach(&mut order, OrderState::Working).await?;
        relay.cut();
        self.until_link(false).await?;
        report.step(true, "connection lost", "the wire was cut with an order working");
        let spec = OrderSpec::new(Side::Buy, self.lead.lot(), OrderType::Market)?;
        match self.submit_now("while-down", &self.lead, spec).await {
            Err(error)
                if error
                    .downcast_ref::<Error>()
                    .and_then(Error::denied)
                    .is_some_and(|reason| reason.is_not_ready()) =>
            {
                report.step(true, "denied while down", "an order during the outage was never sent");
                report.denied += 1;
            }
            Err(error) => return Err(error),
            Ok(order) => bail!("order {} should not have been sent", order.client_order_id()),
        }
        relay.mend();
        self.client.wait_ready(PATIENCE).await?;
        report.reconnects += 1;
        order.refresh().await?;
        let state = order.last().state;
        ensure!(state == OrderState::Working, "the order is {state} after the outage");
        report.step(true, "recovered", "reconnected, the broker's books read, the order still working");
        Ok(())
    }

    /// Sells what this run bought, so that a paper account is left as it was, even by a story that
    /// broke off.
    async fn flatten(&self, report: &mut Report) -> anyhow::Result<()> {
        let bought = self.bought().await?;
        if bought.is_zero() {
            return Ok(());
        }
        self.client.wait_ready(PATIENCE).await?;
        let spec = OrderSpec::new(Side::Sell, bought, OrderType::Market)?;
        let mut order = self.submit("flatten", &self.lead, spec).await?;
        self.reach(&mut order, OrderState::Filled).await?;
        report.step(true, "flat again", format!("sold {bought} {}", self.lead.id()));
        Ok(())
    }

    /// What this run holds of the lead: bought less sold.
    async fn bought(&self) -> anyhow::Result<Qty> {
        let prefix = self.prefix();
        let mut net = Decimal::ZERO;
        for order in self.client.all_orders().await?.iter().filter(|order| is_of(order, &prefix)) {
            let filled = order.cum_qty.get();
            net += if order.spec.side == Side::Buy { filled } else { -filled };
        }
        Ok(Qty::new(net.max(Decimal::ZERO))?)
    }

    fn prefix(&self) -> String {
        format!("demo-{}-", self.run)
    }

    /// Leaves: open orders by policy, then whatever is left is named.
    pub(super) async fn leave(&self, report: &mut Report) -> anyhow::Result<()> {
        let prefix = self.prefix();
        self.client.cancel_all(CancelScope::Strategy { strategy_id: strategy()? }).await?;
        let settled = async {
            while self.client.open_orders().await?.iter().any(|order| is_of(order, &prefix)) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            Ok::<_, Error>(())
        };
        let settled = tokio::time::timeout(PATIENCE, settled).await;
        if let Err(error) = self.flatten(report).await {
            let left = self.bought().await.map_or_else(|_| "?".to_owned(), |left| left.to_string());
            report.step(
                false,
                "not flat",
                format!("{left} {} left in the account: {error:#}", self.lead.id()),
            );
        }
        let orders = self.client.all_orders().await?;
        report.orders = orders.iter().filter(|order| is_of(order, &prefix)).map(OrderLine::from).collect();
        let stopped = self.client.stop().await?;
        report.left_working =
            stopped.left_working.iter().map(|order| order.client_order_id.to_string()).collect();
        let clean = settled.is_ok() && stopped.left_working.is_empty();
        let detail = match clean {
            true => "every open order canceled, nothing left working".to_owned(),
            false => format!("left working: {}", report.left_working.join(", ")),
        };
        report.step(clean, "stopped", detail);
        Ok(())
    }

    async fn submit(
        &self,
        name: &str,
        instrument: &Instrument,
        spec: OrderSpec,
    ) -> anyhow::Result<OrderHandle> {
        self.client.wait_quote(instrument.id(), PATIENCE).await?;
        self.submit_now(name, instrument, spec).await
    }

    async fn submit_now(
        &self,
        name: &str,
        instrument: &Instrument,
        spec: OrderSpec,
    ) -> anyhow::Result<OrderHandle> {
        let request = OrderRequest {
            client_order_id: ClientOrderId::new(format!("demo-{}-{name}", self.run))?,
            strategy_id: strategy()?,
            correlation_id: new_correlation_id(),
            account: self.account.clone(),
            instrument: instrument.id().clone(),
            spec,
            when_in_doubt: None,
        };
        Ok(self.client.submit_order(request).await?)
    }

    async fn reach(&self, order: &mut OrderHandle, state: OrderState) -> anyhow::Result<()> {
        let wanted = |order: &Order| order.state == state || order.state.is_terminal();
        let reached = tokio::time::timeout(PATIENCE, order.until(wanted)).await;
        let last = match reached {
            Ok(last) => last?,
            Err(_) => bail!(
                "order {} is {}, not {state}, after {PATIENCE:?}",
                order.client_order_id(),
                order.last().state
            ),
        };
        let why = last.reject_reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
        ensure!(last.state == state, "order {} is {}, not {state}{why}", last.client_order_id, last.state);
        Ok(())
    }

    async fn until_link(&self, up: bool) -> anyhow::Result<()> {
        let wait = async {
            while self.client.status().await?.readiness.is_ready() != up {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            Ok::<_, Error>(())
        };
        Ok(tokio::time::timeout(PATIENCE, wait).await??)
    }

    async fn quote(&self) -> anyhow::Result<Quote> {
        Ok(self.client.wait_quote(self.lead.id(), PATIENCE).await?)
    }

    /// A price on the tick, below the market by a share of the price collar, so that the gate of any
    /// profile lets it pass and no order meets the market by accident.
    async fn away(&self, share: Decimal) -> anyhow::Result<Price> {
        let reference = self.quote().await?.reference_px().context("a reference price")?;
        let wanted = below(reference, self.collar, share)?;
        let rough = Price::new(wanted.round_dp(4))?;
        let tick = self.lead.tick().increment_at(rough).context("a tick")?.get();
        Ok(Price::new((wanted / tick).floor() * tick)?)
    }
}

fn below(reference: Decimal, collar: Decimal, share: Decimal) -> anyhow::Result<Decimal> {
    let widest = Decimal::new(5, 2);
    let distance = collar.min(widest).checked_mul(share).context("a distance in range")?;
    reference.checked_mul(Decimal::ONE - distance).context("a price in range")
}

fn strategy() -> anyhow::Result<StrategyId> {
    Ok(StrategyId::new("demo")?)
}

fn is_of(order: &Order, prefix: &str) -> bool {
    order.client_order_id.as_str().starts_with(prefix)
}

fn show<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

//! An engine for the length of one command: start, wait for the link, do, stop and keep.
//!
//! It never cancels anything by stopping: orders on the journal may be another program's work.

use std::time::Duration;

use alphec_execution::config::Stop;
use alphec_execution::model::broker::{BrokerEvent, LinkState};
use alphec_execution::model::{
    AccountId, Alert, AlertKind, Body, ClientOrderId, InstrumentId, OrderState, Seq, Severity,
};
use alphec_execution::{Builder, Error, ExecutionClient, Profile, StopPolicy};
use alphec_journal::{Filter, Reader};
use tokio::sync::broadcast;
use tokio::time::{Instant, timeout, timeout_at};

use super::Common;
use crate::exit::{Exit, Failure};
use crate::render;

/// Between two looks at the engine's state.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(10);
/// How long the gate's inputs (a quote, account values) may take to arrive after the link is ready.
const INPUTS_PATIENCE: Duration = Duration::from_secs(10);
/// Between two looks at the record.
const LOOK_UP_AFTER: Duration = Duration::from_millis(250);
/// Records looked at to find out what the broker said of a connection or an instrument.
const LOOK_BACK: usize = 200;

/// How long to wait.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Patience {
    /// Longest wait in seconds for the gateway, and again for the outcome.
    #[arg(long = "timeout", value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    timeout: Duration,
}

impl Patience {
    pub(crate) const fn timeout(&self) -> Duration {
        self.timeout
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| format!("`{text}` is no number of seconds"))?;
    if !(0.0..=86_400.0).contains(&seconds) {
        return Err("give 0 to 86400 seconds".to_owned());
    }
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

/// A running engine that will be stopped without a trace at the broker.
#[derive(Debug)]
pub(crate) struct OneShot {
    pub(crate) client: ExecutionClient,
    pub(crate) profile: Profile,
    /// Orders that were in doubt before the broker's books were read.
    pub(crate) doubts: Vec<ClientOrderId>,
    alerts: broadcast::Receiver<Alert>,
    heard: Vec<Alert>,
}

impl OneShot {
    /// Starts on the profile's journal and waits until the broker's books are read. Nothing new can be sent.
    pub(crate) async fn start(common: &Common, patience: &Patience) -> anyhow::Result<Self> {
        let profile = common.load()?.profile;
        let builder = ExecutionClient::builder(profile.clone()).unarmed();
        Self::ready(profile, builder, patience.timeout()).await
    }

    /// The same, with the permission to send orders: a live profile must be armed.
    pub(crate) async fn start_to_trade(common: &Common, patience: &Patience) -> anyhow::Result<Self> {
        let profile = common.load()?.profile;
        let mut builder = ExecutionClient::builder(profile.clone());
        if let Some(token) = &common.arm {
            builder = builder.arm(token.clone());
        }
        Self::ready(profile, builder, patience.timeout()).await
    }

    /// Starts for cancels: where anything listens, without waiting for it, for its books or for the disk.
    pub(crate) async fn start_to_cancel(common: &Common, patience: &Patience) -> anyhow::Result<Self> {
        let profile = common.load()?.profile;
        reach(&profile, patience.timeout()).await?;
        Self::start_at_once(common)
    }

    async fn ready(profile: Profile, builder: Builder, patience: Duration) -> anyhow::Result<Self> {
        // Before the engine, so that a gateway that is not there costs a moment and no records.
        reach(&profile, patience).await?;
        let mut one_shot = Self::on(profile, builder)?;
        match one_shot.begin(patience).await {
            Ok(()) => Ok(one_shot),
            Err(error) => {
                one_shot.stop().await;
                Err(error)
            }
        }
    }

    async fn begin(&mut self, patience: Duration) -> anyhow::Result<()> {
        let open = self.client.open_orders().await?;
        let in_doubt = open.into_iter().filter(|order| order.state == OrderState::InDoubt);
        self.doubts = in_doubt.map(|order| order.client_order_id).collect();
        self.link_up(patience).await
    }

    /// Starts on the profile's journal, whatever the link.
    pub(crate) fn start_at_once(common: &Common) -> anyhow::Result<Self> {
        let profile = common.load()?.profile;
        let builder = ExecutionClient::builder(profile.clone()).unarmed();
        Self::on(profile, builder)
    }

    fn on(profile: Profile, builder: Builder) -> anyhow::Result<Self> {
        let client = builder.start().map_err(held)?;
        let alerts = client.alerts();
        Ok(Self { client, profile, doubts: Vec::new(), alerts, heard: Vec::new() })
    }

    /// Stops and keeps every order. What was asked for is done by then, so trouble here is only told.
    pub(crate) async fn stop(mut self) {
        // Those of the stop itself are not news: it is meant, and it keeps orders working.
        while let Ok(alert) = self.alerts.try_recv() {
            self.heard.push(alert);
        }
        for alert in self.heard.iter().filter(|alert| is_for_the_operator(alert.kind)) {
            render::warning(&alert.text);
        }
        let stop = Stop { policy: StopPolicy::Keep, deadline: self.profile.stop.deadline };
        if let Err(error) = self.client.stop_with(stop).await {
            tracing::warn!(%error, "stopping");
        }
    }

    /// Waits for what the gate judges by; without it a good order would be denied. It decides, not we:
    /// when something does not come, the order is submitted all the same and its denial says what is missing.
    pub(crate) async fn inputs(&self, account: &AccountId, instrument: &InstrumentId) -> Result<(), Error> {
        if !self.profile.instruments.contains_key(instrument) || !self.profile.accounts.contains(account) {
            return Ok(());
        }
        let began = Instant::now();
        let mut look_up_at = began;
        while began.elapsed() < INPUTS_PATIENCE {
            let quote = self.client.quote(instrument).await?;
            let values = self.client.account(account).await?;
            let values = values.is_some_and(|values| values.ready && values.net_liquidation.is_some());
            if values && quote.is_some_and(|quote| quote.reference_px().is_some()) {
                break;
            }
            if Instant::now() >= look_up_at {
                if self.is_unknown(instrument) {
                    break;
                }
                look_up_at = Instant::now() + LOOK_UP_AFTER;
            }
            tokio::time::sleep(LOOK_AGAIN_AFTER).await;
        }
        Ok(())
    }

    /// Whether the broker has said that it does not know the instrument: then no quote will come.
    fn is_unknown(&self, wanted: &InstrumentId) -> bool {
        let is_it = |event: &BrokerEvent| matches!(event, BrokerEvent::InstrumentUnknown { instrument, .. } if instrument == wanted);
        self.lately_observed().iter().any(is_it)
    }

    /// Whether a global cancel went to the wire, by the record after `before`; `None` when that was not heard of.
    ///
    /// # Errors
    /// Why not.
    pub(crate) async fn global_cancel_outcome(
        &self,
        before: Option<Seq>,
        patience: Duration,
    ) -> Option<Result<(), String>> {
        let deadline = Instant::now() + patience;
        loop {
            let since = before.map_or(Filter::default(), |seq| Filter::default().from(seq.next()));
            for event in self.observed(&since.kind("observed")) {
                match event {
                    BrokerEvent::GlobalCancelWritten { .. } => return Some(Ok(())),
                    BrokerEvent::GlobalCancelNotWritten { why } => return Some(Err(why)),
                    _ => {}
                }
            }
            if Instant::now() >= deadline {
                return None;
            }
            tokio::time::sleep(LOOK_AGAIN_AFTER).await;
        }
    }

    /// The last of what the broker said, as it is on record.
    fn lately_observed(&self) -> Vec<BrokerEvent> {
        self.observed(&Filter::default().kind("observed").last(LOOK_BACK))
    }

    fn observed(&self, filter: &Filter) -> Vec<BrokerEvent> {
        let Ok(reader) = Reader::open(&self.profile.journal) else { return Vec::new() };
        let Ok(records) = reader.find(filter) else { return Vec::new() };
        let observed = records.filter_map(|stored| match stored.ok()?.record.body {
            Body::Observed { event } => Some(*event),
            _ => None,
        });
        observed.collect()
    }

    /// Waits for a connection, whatever else is not there yet.
    ///
    /// # Errors
    /// A login that is not the profile's, or none in time.
    pub(crate) async fn connected(&self, patience: Duration) -> anyhow::Result<()> {
        let deadline = Instant::now() + patience;
        loop {
            let readiness = self.client.status().await.map_err(anyhow::Error::new)?.readiness;
            if let Some(why) = readiness.refused {
                return Err(Failure::new(Exit::Usage, "configuration", why).into());
            }
            if readiness.link != LinkState::Down {
                return Ok(());
            }
            if Instant::now() >= deadline {
                return Err(self.not_ready(readiness.link, patience).into());
            }
            tokio::time::sleep(LOOK_AGAIN_AFTER).await;
        }
    }

    async fn link_up(&mut self, patience: Duration) -> anyhow::Result<()> {
        let deadline = Instant::now() + patience;
        loop {
            let readiness = self.client.status().await.map_err(anyhow::Error::new)?.readiness;
            if let Some(why) = readiness.refused {
                return Err(Failure::new(Exit::Usage, "configuration", why).into());
            }
            if let Some(why) = readiness.journal_trouble {
                // Waiting helps a link; a journal that takes no records needs a person.
                let message = format!("the journal takes no records: {why}; nothing was sent");
                return Err(Failure::new(Exit::Failed, "journal", message).into());
            }
            if readiness.link == LinkState::Ready {
                return Ok(());
            }
            // An alert may be the change that is waited for; so may the next moment.
            let look = Instant::now() + LOOK_AGAIN_AFTER;
            if let Ok(Ok(alert)) = timeout_at(look.min(deadline), self.alerts.recv()).await {
                self.heard.push(alert);
            }
            if Instant::now() >= deadline {
                return Err(self.not_ready(readiness.link, patience).into());
            }
        }
    }

    fn not_ready(&self, link: LinkState, patience: Duration) -> Failure {
        let why = self.last_trouble().map(|why| format!(": {why}")).unwrap_or_default();
        let message = format!(
            "no usable connection to {}:{} within {patience:?}, the link is {link}{why}",
            self.profile.host, self.profile.port
        );
        Failure::new(Exit::NotConnected, "not_connected", message)
    }

    /// What the record says of the connection.
    fn last_trouble(&self) -> Option<String> {
        let troubles = self.lately_observed().into_iter().filter_map(|event| match event {
            BrokerEvent::ConnectFailed { error, .. } => Some(error),
            BrokerEvent::Disconnected { why, .. } | BrokerEvent::SnapshotFailed { why, .. } => Some(why),
            _ => None,
        });
        troubles.last()
    }
}

/// Whatever someone should look at now, and an order that was placed again. Denials and rejections are told as what
/// became of the order, and links by the wait for them.
const fn is_for_the_operator(kind: AlertKind) -> bool {
    let is_of_the_link = matches!(kind, AlertKind::ReconnectFailing);
    matches!(kind, AlertKind::OrderResent)
        || (matches!(kind.severity(), Severity::Critical) && !is_of_the_link)
}

/// Whether anything listens there at all.
pub(crate) async fn reach(profile: &Profile, patience: Duration) -> Result<(), Failure> {
    let (host, port) = (profile.host.trim_matches(['[', ']']), profile.port);
    let patience = patience.min(profile.connect_timeout);
    let failed = |why: String| {
        let message = format!(
            "cannot connect to {host}:{port}: {why}; start TWS or IB Gateway, enable its API, and check host and port of profile {}",
            profile.name
        );
        Failure::new(Exit::NotConnected, "not_connected", message)
    };
    match timeout(patience, tokio::net::TcpStream::connect((host, port))).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(failed(error.to_string())),
        Err(_) => Err(failed(format!("no answer within {patience:?}"))),
    }
}

/// A journal that is taken can still be read. Its orders are canceled by whoever holds it, but for the one
/// act that needs no journal of theirs.
fn held(error: Error) -> anyhow::Error {
    match &error {
        Error::Journal(journal) if journal.is_held() => {
            let message = format!(
                "{error}; orders and positions can be read beside it, with --offline; to stop trading, run alphec-exec \
                 kill, which asks that process; to cancel single orders, let it do so (`cancel_order()` and \
                 `cancel_all()` of the library), or end every open order of the login, whoever \
                 placed it: alphec-exec order cancel --all --global --yes --journal emergency.db --client-id 999"
            );
            Failure::new(Exit::Failed, "journal_held", message).into()
        }
        _ => error.into(),
    }
}

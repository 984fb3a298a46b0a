//! The shape of the file: what may stand in a profile, before anything is checked.

use std::collections::BTreeMap;

use alphec_engine::StopPolicy;
use alphec_engine::core::Mode;
use alphec_ibkr::Endpoint;
use alphec_model::{AccountId, Currency, Decimal, InstrumentId, OptionRight, Price, Qty, WhenInDoubt};
use serde::Deserialize;

use super::secret::SecretRef;

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ModeText {
    Paper,
    Live,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum EndpointText {
    Tws,
    Gateway,
}

impl EndpointText {
    /// The broker's default port of this program in this mode.
    pub(super) const fn port(self, mode: Mode) -> u16 {
        match (self, mode) {
            (Self::Tws, Mode::Paper) => Endpoint::TwsPaper,
            (Self::Tws, Mode::Live) => Endpoint::TwsLive,
            (Self::Gateway, Mode::Paper) => Endpoint::GatewayPaper,
            (Self::Gateway, Mode::Live) => Endpoint::GatewayLive,
        }
        .port()
    }
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum MarketDataText {
    Live,
    Delayed,
}

/// Resending is chosen order by order and has no word here.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum DoubtText {
    Hold,
    CancelProbe,
}

impl From<DoubtText> for WhenInDoubt {
    fn from(text: DoubtText) -> Self {
        match text {
            DoubtText::Hold => Self::Hold,
            DoubtText::CancelProbe => Self::CancelProbe,
        }
    }
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum PolicyText {
    Cancel,
    Keep,
    KeepGtc,
}

impl From<PolicyText> for StopPolicy {
    fn from(text: PolicyText) -> Self {
        match text {
            PolicyText::Cancel => Self::Cancel,
            PolicyText::Keep => Self::Keep,
            PolicyText::KeepGtc => Self::KeepGtc,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProfileText {
    pub(super) mode: ModeText,
    pub(super) accounts: Vec<AccountId>,
    pub(super) journal: String,
    pub(super) host: String,
    // The two are spent on the port before this shape is read; here they only must be sound.
    #[expect(dead_code, reason = "read for its check")]
    pub(super) endpoint: EndpointText,
    pub(super) port: u16,
    pub(super) client_id: i32,
    pub(super) instruments: BTreeMap<InstrumentId, InstrumentText>,
    pub(super) limits: LimitsText,
    pub(super) reconnect: ReconnectText,
    pub(super) heartbeat: HeartbeatText,
    pub(super) timeouts: TimeoutsText,
    pub(super) pacing_per_second: u32,
    pub(super) market_data: MarketDataText,
    pub(super) when_in_doubt: DoubtText,
    pub(super) restart_windows: Vec<String>,
    pub(super) stop: StopText,
    pub(super) alerts: AlertsText,
    pub(super) allow_live: bool,
    pub(super) arming: Option<SecretRef>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum KindText {
    Stock,
    Future,
    Option,
    Forex,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct InstrumentText {
    pub(super) kind: KindText,
    pub(super) symbol: String,
    pub(super) exchange: String,
    pub(super) primary_exchange: Option<String>,
    pub(super) currency: Currency,
    pub(super) tick: TickText,
    pub(super) lot: Qty,
    #[serde(default, with = "alphec_model::decimal::text::option")]
    pub(super) multiplier: Option<Decimal>,
    pub(super) expiry: Option<String>,
    pub(super) strike: Option<Price>,
    pub(super) right: Option<OptionRight>,
    #[serde(default)]
    pub(super) limits: LimitsText,
}

/// One increment, or a ladder of `[from this price, increment]`.
#[derive(Debug)]
pub(super) enum TickText {
    Fixed(Price),
    Ladder(Vec<(Price, Price)>),
}

impl<'de> Deserialize<'de> for TickText {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TickVisitor)
    }
}

struct TickVisitor;

impl<'de> serde::de::Visitor<'de> for TickVisitor {
    type Value = TickText;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(
            "a tick in quotes, like \"0.01\", or a ladder, like [[\"0\", \"0.0001\"], [\"1\", \"0.01\"]],",
        )
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<TickText, E> {
        text.parse().map(TickText::Fixed).map_err(E::custom)
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<TickText, E> {
        Price::new(number.into()).map(TickText::Fixed).map_err(E::custom)
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<TickText, E> {
        alphec_model::decimal::text::deserialize(serde::de::value::F64Deserializer::new(number))
            .and_then(|value| Price::new(value).map_err(E::custom))
            .map(TickText::Fixed)
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, seq: A) -> Result<TickText, A::Error> {
        Vec::deserialize(serde::de::value::SeqAccessDeserializer::new(seq)).map(TickText::Ladder)
    }
}

/// Limits of a profile, or an instrument's own where they differ.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LimitsText {
    pub(super) max_order_qty: Option<Qty>,
    #[serde(default, with = "alphec_model::decimal::text::option")]
    pub(super) max_order_notional: Option<Decimal>,
    pub(super) max_position: Option<Qty>,
    #[serde(default, with = "alphec_model::decimal::text::option")]
    pub(super) max_gross_notional: Option<Decimal>,
    #[serde(default, with = "alphec_model::decimal::text::option")]
    pub(super) max_net_notional: Option<Decimal>,
    #[serde(default, with = "alphec_model::decimal::text::option")]
    pub(super) max_leverage: Option<Decimal>,
    #[serde(default, with = "alphec_model::decimal::text::option")]
    pub(super) price_collar: Option<Decimal>,
    pub(super) max_open_orders: Option<u32>,
    pub(super) max_messages_per_second: Option<u32>,
    pub(super) max_quote_age_ms: Option<u64>,
    pub(super) max_account_age_ms: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReconnectText {
    pub(super) first_delay_ms: u64,
    pub(super) factor: f64,
    pub(super) ceiling_ms: u64,
    pub(super) jitter: f64,
    pub(super) attempts: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HeartbeatText {
    pub(super) interval_ms: u64,
    pub(super) deadline_ms: u64,
    pub(super) misses: u32,
    pub(super) idle_ms: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TimeoutsText {
    pub(super) connect_ms: u64,
    pub(super) ack_ms: u64,
    pub(super) snapshot_ms: u64,
    pub(super) resnapshot_ms: u64,
    pub(super) absent_ms: u64,
    pub(super) absent_watch_ms: u64,
    pub(super) reconcile_ms: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StopText {
    pub(super) policy: PolicyText,
    pub(super) deadline_ms: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AlertsText {
    pub(super) webhook: Option<SecretRef>,
}

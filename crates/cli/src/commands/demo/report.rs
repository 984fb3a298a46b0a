//! What the demo says: a line for each step as it happens, one document at the end.

use std::io::Write;

use alphec_execution::model::Order;
use serde::Serialize;

/// One order, as the document lists it.
#[derive(Debug, Clone, Serialize)]
pub(super) struct OrderLine {
    client_order_id: String,
    #[serde(rename = "type")]
    order_type: String,
    side: String,
    instrument: String,
    qty: String,
    filled: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    avg_px: Option<String>,
    state: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl From<&Order> for OrderLine {
    fn from(order: &Order) -> Self {
        let denied = order.deny_reason.as_ref().map(ToString::to_string);
        let rejected = order.reject_reason.as_ref().map(ToString::to_string);
        Self {
            client_order_id: order.client_order_id.to_string(),
            order_type: order.spec.order_type.as_str().to_owned(),
            side: order.spec.side.to_string(),
            instrument: order.instrument.to_string(),
            qty: order.spec.order_qty.to_string(),
            filled: order.cum_qty.to_string(),
            avg_px: order.avg_px().map(|px| px.round_dp(6).normalize().to_string()),
            state: order.state.as_str().to_owned(),
            reason: denied.or(rejected),
        }
    }
}

/// The journal, as the document names it.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct JournalLine {
    pub(super) path: String,
    pub(super) records: u64,
    pub(super) verified: bool,
    pub(super) head: String,
}

/// One step and how it went.
#[derive(Debug, Clone, Serialize)]
struct StepLine {
    step: String,
    ok: bool,
    detail: String,
}

/// The document.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) ok: bool,
    pub(super) gateway: String,
    pub(super) orders: Vec<OrderLine>,
    pub(super) denied: u64,
    pub(super) rejected: u64,
    pub(super) reconnects: u64,
    pub(super) left_working: Vec<String>,
    pub(super) journal: JournalLine,
    steps: Vec<StepLine>,
    #[serde(skip)]
    live: bool,
    #[serde(skip)]
    colour: bool,
}

impl Report {
    /// `live` prints each step as it happens.
    pub(super) fn new(gateway: String, live: bool, colour: bool) -> Self {
        Self {
            ok: true,
            gateway,
            orders: Vec::new(),
            denied: 0,
            rejected: 0,
            reconnects: 0,
            left_working: Vec::new(),
            journal: JournalLine::default(),
            steps: Vec::new(),
            live,
            colour,
        }
    }

    /// One step, done or failed. A step that failed makes the whole demo fail.
    pub(super) fn step(&mut self, ok: bool, step: &str, detail: impl Into<String>) {
        let detail = detail.into();
        if self.live {
            let (mark, colour) = if ok { ("✓", "32") } else { ("✗", "31") };
            let mark = if self.colour { format!("\u{1b}[{colour}m{mark}\u{1b}[0m") } else { mark.to_owned() };
            let mut out = std::io::stdout().lock();
            // A reader that has left, such as `head`, is no reason to stop half way through an order's life.
            drop(writeln!(out, " {mark} {step:<22} {detail}").and_then(|()| out.flush()));
        }
        self.ok &= ok;
        self.steps.push(StepLine { step: step.to_owned(), ok, detail });
    }
}

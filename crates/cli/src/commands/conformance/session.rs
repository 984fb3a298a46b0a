//! What the checks share: the main connection, the instrument with its price, and how a gateway's words about an
//! order are written down.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use alphec_execution::model::Decimal;
use anyhow::bail;

use super::fields::{Body, Fields};
use super::link::{Frame, Heard, Link, Recorder};

/// Messages to the gateway.
pub(super) mod ask {
    pub(in super::super) const MARKET_DATA: i32 = 1;
    pub(in super::super) const CANCEL_MARKET_DATA: i32 = 2;
    pub(in super::super) const PLACE: i32 = 3;
    pub(in super::super) const CANCEL: i32 = 4;
    pub(in super::super) const OPEN_ORDERS: i32 = 5;
    pub(in super::super) const ACCOUNT_UPDATES: i32 = 6;
    pub(in super::super) const EXECUTIONS: i32 = 7;
    pub(in super::super) const CONTRACT: i32 = 9;
    pub(in super::super) const AUTO_OPEN_ORDERS: i32 = 15;
    pub(in super::super) const ALL_OPEN_ORDERS: i32 = 16;
    pub(in super::super) const HISTORY: i32 = 20;
    pub(in super::super) const CANCEL_HISTORY: i32 = 25;
    pub(in super::super) const TIME: i32 = 49;
    pub(in super::super) const DATA_TYPE: i32 = 59;
    pub(in super::super) const POSITIONS: i32 = 61;
    pub(in super::super) const SUMMARY: i32 = 62;
    pub(in super::super) const CANCEL_SUMMARY: i32 = 63;
    pub(in super::super) const CANCEL_POSITIONS: i32 = 64;
    pub(in super::super) const START: i32 = 71;
    pub(in super::super) const MARKET_RULE: i32 = 91;
    pub(in super::super) const COMPLETED: i32 = 99;
    pub(in super::super) const TIME_MILLIS: i32 = 105;
}

/// Messages from it.
pub(super) mod tell {
    pub(in super::super) const TICK_PRICE: i32 = 1;
    pub(in super::super) const STATUS: i32 = 3;
    pub(in super::super) const ERROR: i32 = 4;
    pub(in super::super) const OPEN_ORDER: i32 = 5;
    pub(in super::super) const ACCOUNT_VALUE: i32 = 6;
    pub(in super::super) const NEXT_ID: i32 = 9;
    pub(in super::super) const CONTRACT: i32 = 10;
    pub(in super::super) const EXECUTION: i32 = 11;
    pub(in super::super) const ACCOUNTS: i32 = 15;
    pub(in super::super) const HISTORY: i32 = 17;
    pub(in super::super) const TIME: i32 = 49;
    pub(in super::super) const CONTRACT_END: i32 = 52;
    pub(in super::super) const OPEN_ORDERS_END: i32 = 53;
    pub(in super::super) const ACCOUNT_END: i32 = 54;
    pub(in super::super) const EXECUTIONS_END: i32 = 55;
    pub(in super::super) const COMMISSION: i32 = 59;
    pub(in super::super) const POSITION: i32 = 61;
    pub(in super::super) const POSITIONS_END: i32 = 62;
    pub(in super::super) const SUMMARY: i32 = 63;
    pub(in super::super) const SUMMARY_END: i32 = 64;
    pub(in super::super) const MARKET_RULE: i32 = 93;
    pub(in super::super) const COMPLETED: i32 = 101;
    pub(in super::super) const COMPLETED_END: i32 = 102;
    pub(in super::super) const HISTORY_END: i32 = 108;
    pub(in super::super) const TIME_MILLIS: i32 = 109;
}

/// Longest wait for an end marker.
const PATIENCE: Duration = Duration::from_secs(20);
/// Attempts to get the client id back.
const COME_BACK_MAX: u32 = 20;
/// Statuses whose meaning is known; another one is worth a report.
const STATUSES: [&str; 9] = [
    "ApiPending",
    "PendingSubmit",
    "PendingCancel",
    "PreSubmitted",
    "Submitted",
    "ApiCancelled",
    "Cancelled",
    "Filled",
    "Inactive",
];

/// Where to, and as whom.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) client_id: i32,
    pub(super) symbol: String,
    /// A gateway that has said nothing for this long has nothing more to say.
    pub(super) quiet: Duration,
}

/// What the gateway said by itself when the session began.
#[derive(Debug, Default)]
pub(super) struct Greeting {
    pub(super) accounts: Vec<String>,
    pub(super) first: Vec<&'static str>,
    pub(super) notices: BTreeSet<i64>,
}

/// The main session.
pub(super) struct Session {
    pub(super) link: Link,
    pub(super) target: Target,
    pub(super) recorder: Recorder,
    pub(super) greeting: Greeting,
    pub(super) con_id: Option<i32>,
    pub(super) rule_id: Option<i32>,
    /// A price at which a buy rests far below the market, in whole dollars.
    pub(super) far: Option<f64>,
    /// The resting order that several checks are about, and the market order.
    pub(super) subject: Option<i32>,
    pub(super) bought: Option<i32>,
    pub(super) odd_statuses: BTreeSet<String>,
    /// Order of each execution seen.
    executions: BTreeMap<String, i64>,
    /// Bought less sold by this session.
    pub(super) net: Decimal,
    working: BTreeSet<i32>,
    next_id: i32,
    next_request: i32,
}

impl Session {
    pub(super) async fn start(target: Target, recorder: &Recorder) -> anyhow::Result<Self> {
        let link = Link::open((&target.host, target.port), "main", recorder).await?;
        let mut session = Self {
            link,
            target,
            recorder: recorder.clone(),
            greeting: Greeting::default(),
            con_id: None,
            rule_id: None,
            far: None,
            subject: None,
            bought: None,
            odd_statuses: BTreeSet::new(),
            executions: BTreeMap::new(),
            net: Decimal::ZERO,
            working: BTreeSet::new(),
            next_id: 0,
            // Far from order ids, which share one number space with requests in errors.
            next_request: 1_600_000_000,
        };
        session.begin().await?;
        Ok(session)
    }

    async fn begin(&mut self) -> anyhow::Result<()> {
        self.link.send(ask::START, &Body::default().int(1, self.target.client_id)).await?;
        let mut greeting = Greeting::default();
        for frame in self.listen().await? {
            match frame.id {
                tell::NEXT_ID => {
                    greeting.first.push("nextValidId");
                    let offered = frame.fields.int(1).and_then(|id| i32::try_from(id).ok()).unwrap_or(1);
                    self.next_id = self.next_id.max(offered);
                }
                tell::ACCOUNTS => {
                    greeting.first.push("managedAccounts");
                    let named = frame.fields.text(1).unwrap_or_default().split(',');
                    greeting.accounts = named.filter(|it| !it.is_empty()).map(str::to_owned).collect();
                }
                tell::ERROR => greeting.notices.extend(frame.fields.int(3)),
                _ => {}
            }
        }
        if greeting.accounts.is_empty() {
            bail!("the gateway names no account; it said {:?}", greeting.notices);
        }
        self.greeting = greeting;
        Ok(())
    }

    /// Ends the connection and begins another one under the same client id, which the gateway may hold for a
    /// while. Returns what was said at its start.
    pub(super) async fn come_back(&mut self) -> anyhow::Result<Vec<Frame>> {
        self.link.close().await;
        for _ in 0..COME_BACK_MAX {
            self.link = Link::open((&self.target.host, self.target.port), "main", &self.recorder).await?;
            self.link.send(ask::START, &Body::default().int(1, self.target.client_id)).await?;
            let heard = self.listen().await?;
            if heard.iter().any(|frame| frame.id == tell::NEXT_ID) {
                return Ok(heard);
            }
            tokio::time::sleep(self.target.quiet).await;
        }
        bail!("the gateway does not give the client id free")
    }

    pub(super) async fn is_alive(&mut self) -> bool {
        self.link.listen(self.target.quiet).await.is_ok_and(|heard| !heard.closed)
    }

    pub(super) fn request_id(&mut self) -> i32 {
        self.next_request += 1;
        self.next_request
    }

    pub(super) fn order_id(&mut self) -> i32 {
        self.next_id += 1;
        self.next_id - 1
    }

    /// Everything said, up to a silence.
    pub(super) async fn listen(&mut self) -> anyhow::Result<Vec<Frame>> {
        let heard = self.link.listen(self.target.quiet).await?;
        if heard.closed && heard.frames.is_empty() {
            bail!("the gateway closed the connection");
        }
        for frame in &heard.frames {
            self.note(frame);
        }
        Ok(heard.frames)
    }

    /// Asks, and listens.
    pub(super) async fn ask(&mut self, id: i32, body: &Body) -> anyhow::Result<Vec<Frame>> {
        self.link.send(id, body).await?;
        self.listen().await
    }

    /// Asks for a list, and listens up to its end or an error; the end is not among what is returned.
    pub(super) async fn list(&mut self, id: i32, body: &Body, end: i32) -> anyhow::Result<Listed> {
        self.link.send(id, body).await?;
        let mut rows = Vec::new();
        let until = Instant::now() + PATIENCE;
        loop {
            let patience = until.saturating_duration_since(Instant::now());
            match self.link.hear(patience).await? {
                Heard::Frame(frame) if frame.id == end => return Ok(Listed { rows, ended: true }),
                Heard::Frame(frame) => {
                    self.note(&frame);
                    let is_refusal = error_code(&frame).is_some_and(|code| !is_notice(code));
                    rows.push(frame);
                    if is_refusal {
                        return Ok(Listed { rows, ended: false });
                    }
                }
                Heard::Nothing => return Ok(Listed { rows, ended: false }),
                Heard::Closed => bail!("the gateway closed the connection"),
            }
        }
    }

    /// An order in the instrument of this session, marked as ours.
    pub(super) fn order(&self, action: &str, kind: &str) -> Body {
        let account = self.greeting.accounts.first().map_or("", String::as_str);
        let body = Body::default().text(5, action).text(6, "1").text(8, kind).text(11, "DAY");
        body.text(12, account).text(28, "conformance").flag(66, true)
    }

    /// A buy that rests.
    pub(super) fn resting(&self) -> anyhow::Result<Body> {
        Ok(self.order("BUY", "LMT").double(9, self.far()?))
    }

    pub(super) fn far(&self) -> anyhow::Result<f64> {
        self.far.ok_or_else(|| anyhow::anyhow!("no price is known"))
    }

    /// The frame's body of a placement.
    pub(super) fn placement(&self, order_id: i32, order: &Body) -> anyhow::Result<Body> {
        let Some(con_id) = self.con_id else { bail!("the instrument is not known") };
        let contract = Body::default().int(1, con_id).text(8, "SMART");
        Ok(Body::default().int(1, order_id).nested(2, &contract).nested(3, order))
    }

    /// Places, and writes down what is said about it.
    pub(super) async fn place(&mut self, order_id: i32, order: &Body) -> anyhow::Result<String> {
        let body = self.placement(order_id, order)?;
        self.working.insert(order_id);
        let heard = self.ask(ask::PLACE, &body).await?;
        Ok(self.words(&heard, order_id))
    }

    /// Cancels, and writes down what is said about it.
    pub(super) async fn cancel(&mut self, order_id: i32) -> anyhow::Result<String> {
        let heard = self.ask(ask::CANCEL, &Body::default().int(1, order_id)).await?;
        Ok(self.words(&heard, order_id))
    }

    /// Ends whatever this session has left working, and says how many orders are left all the same.
    pub(super) async fn clean_up(&mut self) -> anyhow::Result<usize> {
        let listed = self.list(ask::OPEN_ORDERS, &Body::default(), tell::OPEN_ORDERS_END).await?;
        for order_id in order_ids(&listed.rows) {
            self.cancel(order_id).await?;
        }
        let listed = self.list(ask::OPEN_ORDERS, &Body::default(), tell::OPEN_ORDERS_END).await?;
        Ok(if listed.ended { order_ids(&listed.rows).len() } else { self.working.len() })
    }

    /// What was said about an order: `OO` open order, `OS` status with filled and remaining, `EX` execution, `CR`
    /// commission, `ER` error.
    pub(super) fn words(&self, frames: &[Frame], order_id: i32) -> String {
        let order_id = i64::from(order_id);
        let words = frames.iter().filter_map(|frame| self.word(frame, order_id));
        joined(&words.collect::<Vec<_>>())
    }

    fn word(&self, frame: &Frame, order_id: i64) -> Option<String> {
        let fields = &frame.fields;
        let is_ours = |id: Option<i64>| id == Some(order_id);
        match frame.id {
            tell::OPEN_ORDER if is_ours(fields.int(1)) => {
                let state = fields.nested(4).unwrap_or_default();
                Some(format!("OO {}", state.text(1).unwrap_or("without status")))
            }
            tell::STATUS if is_ours(fields.int(1)) => {
                let quantity = |tag| fields.text(tag).unwrap_or("?").to_owned();
                let status = fields.text(2).unwrap_or("without status");
                Some(format!("OS {status} {}/{}", quantity(3), quantity(4)))
            }
            tell::EXECUTION => {
                let body = fields.nested(3)?;
                is_ours(body.int(1)).then(|| format!("EX {}", body.text(7).unwrap_or("?")))
            }
            tell::COMMISSION => {
                let order = fields.text(1).and_then(|id| self.executions.get(id));
                is_ours(order.copied()).then(|| "CR".to_owned())
            }
            tell::ERROR if is_ours(fields.int(1)) => Some(format!("ER {}", fields.int(3).unwrap_or(0))),
            _ => None,
        }
    }

    /// Keeps what later checks and the end need to know.
    fn note(&mut self, frame: &Frame) {
        let fields = &frame.fields;
        match frame.id {
            tell::EXECUTION => {
                let Some(body) = fields.nested(3) else { return };
                let Some(exec_id) = body.text(2) else { return };
                let is_new = self.executions.insert(exec_id.to_owned(), body.int(1).unwrap_or(0)).is_none();
                let is_own = body.int(10) == Some(i64::from(self.target.client_id));
                let shares = body.text(7).and_then(|shares| Decimal::from_str_exact(shares).ok());
                if is_new && is_own {
                    let sold = body.text(6) == Some("SLD");
                    let shares = shares.unwrap_or_default();
                    self.net += if sold { -shares } else { shares };
                }
            }
            tell::STATUS => self.status(fields.text(2).unwrap_or_default()),
            tell::OPEN_ORDER => {
                let state = fields.nested(4).unwrap_or_default();
                self.status(state.text(1).unwrap_or_default());
            }
            _ => {}
        }
    }

    fn status(&mut self, status: &str) {
        if !STATUSES.contains(&status) {
            self.odd_statuses.insert(status.to_owned());
        }
    }
}

/// A list, and whether its end came.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) rows: Vec<Frame>,
    pub(super) ended: bool,
}

impl Listed {
    /// Rows of one kind, the refusal if there is one, and whether the end came.
    pub(super) fn describe(&self, row: i32) -> String {
        let rows = self.rows.iter().filter(|frame| frame.id == row).count();
        let refused = self.rows.iter().filter_map(error_code).find(|code| !is_notice(*code));
        match (self.ended, refused) {
            (true, _) if rows == 0 => "the end alone".to_owned(),
            (true, _) => "rows, then the end".to_owned(),
            (false, Some(code)) => format!("ER {code}"),
            (false, None) => "no end".to_owned(),
        }
    }
}

pub(super) fn joined(words: &[String]) -> String {
    if words.is_empty() { "nothing".to_owned() } else { words.join(", ") }
}

pub(super) fn error_code(frame: &Frame) -> Option<i64> {
    (frame.id == tell::ERROR).then(|| frame.fields.int(3).unwrap_or(0))
}

/// Farm notices and the like, which come at any time.
pub(super) const fn is_notice(code: i64) -> bool {
    matches!(code, 2100..=2199 | 1100..=1102 | 10_167 | 10_089 | 10_090 | 354)
}

/// Errors among these frames that are no notices.
pub(super) fn errors(frames: &[Frame]) -> String {
    let codes = frames.iter().filter_map(error_code).filter(|code| !is_notice(*code));
    joined(&codes.map(|code| format!("ER {code}")).collect::<Vec<_>>())
}

/// Orders among these frames, once each.
pub(super) fn order_ids(frames: &[Frame]) -> BTreeSet<i32> {
    let opened = frames.iter().filter(|frame| frame.id == tell::OPEN_ORDER);
    opened.filter_map(|frame| i32::try_from(frame.fields.int(1)?).ok()).collect()
}

/// The order's part of an open order.
pub(super) fn opened(frames: &[Frame], order_id: i32) -> Option<Fields> {
    let id = Some(i64::from(order_id));
    let found =
        frames.iter().rev().find(|frame| frame.id == tell::OPEN_ORDER && frame.fields.int(1) == id)?;
    found.fields.nested(3)
}

//! Everything that can go wrong: one row per name. Sections are those of the behaviour study that the matrix in
//! the docs cites.

use super::args::{Arg, Param, ParamKind};

/// What a fault counts, and how long it lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// New orders; happens once.
    Order,
    /// Modifications; happens once.
    Modify,
    /// Cancels; happens once.
    Cancel,
    /// Executions; happens once.
    Fill,
    /// Connections; lasts.
    Socket,
    /// Starts of a session; lasts.
    Session,
    /// Orders, decided once for the life of each; lasts.
    Life,
    /// New orders; a state of the gateway that lasts.
    Level,
    /// New orders; something that begins at an instant.
    Instant,
}

impl Unit {
    /// What is counted, in words.
    pub const fn counted(self) -> &'static str {
        match self {
            Self::Order | Self::Level | Self::Instant => "new orders",
            Self::Modify => "modifications",
            Self::Cancel => "cancels",
            Self::Fill => "executions",
            Self::Socket => "connections",
            Self::Session => "session starts",
            Self::Life => "orders",
        }
    }

    /// Happens once, unless it has a range or a probability.
    pub(super) const fn is_once(self) -> bool {
        matches!(self, Self::Order | Self::Modify | Self::Cancel | Self::Fill)
    }
}

/// One thing that can go wrong.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// Its identity.
    pub knob: Knob,
    /// Its name.
    pub name: &'static str,
    /// What it counts.
    pub unit: Unit,
    /// Which of the 40 dangerous behaviours it brings about.
    pub behaviours: &'static [u8],
    /// Where the behaviour is described.
    pub section: &'static str,
    /// What it does.
    pub what: &'static str,
    /// Its parameters; the first is the one after `=`.
    pub params: &'static [Param],
}

/// Parameters of every fault that has a subject: only for this client, order or symbol.
const FILTERS: [Param; 3] = [
    Param::new("client", ParamKind::Int(0, 2_147_483_647), ""),
    Param::new("order", ParamKind::Int(-2_147_483_648, 2_147_483_647), ""),
    Param::new("symbol", ParamKind::Text, ""),
];

impl Row {
    /// Its parameters and the filters that apply to it.
    pub(super) fn all_params(&self) -> impl Iterator<Item = &Param> {
        let filters = match self.unit {
            Unit::Order | Unit::Modify | Unit::Cancel | Unit::Fill | Unit::Life => FILTERS.as_slice(),
            Unit::Session => &FILTERS[..1],
            Unit::Socket | Unit::Level | Unit::Instant => &[],
        };
        let own = |filter: &&Param| self.params.iter().all(|param| param.name != filter.name);
        self.params.iter().chain(filters.iter().filter(own))
    }

    pub(super) fn default_of(&self, name: &str) -> Option<Arg> {
        let param = self.params.iter().find(|param| param.name == name)?;
        if param.default.is_empty() { None } else { param.read(param.default) }
    }

    /// Older and other names, which are read too.
    pub fn aliases(&self) -> &'static [&'static str] {
        match self.knob {
            Knob::HalfOpen => &["mute"],
            _ => &[],
        }
    }

    /// The name with its parameters and their defaults.
    pub fn usage(&self) -> String {
        let shown: Vec<String> = self
            .params
            .iter()
            .map(|param| match param.default {
                "" => format!("[{}]", param.name),
                super::text::REQUIRED => param.name.to_owned(),
                default => format!("{}={default}", param.name),
            })
            .collect();
        if shown.is_empty() { self.name.to_owned() } else { format!("{}({})", self.name, shown.join(", ")) }
    }
}

impl Knob {
    /// Its row.
    pub fn row(self) -> &'static Row {
        // The test below holds the two orders together.
        &TABLE[self as usize]
    }

    pub(super) const fn bit(self) -> u128 {
        1 << self as u32
    }
}

/// Identity of a fault, in the order of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "each is described in its row")]
pub enum Knob {
    DropBeforeAccept,
    DropAfterAccept,
    DropBeforeModify,
    DropAfterModify,
    DropBeforeCancel,
    DropAfterCancel,
    Swallow,
    SwallowModify,
    SwallowCancel,
    Reject,
    RejectModify,
    Inform,
    PresetTif,
    IgnoreOutsideRth,
    CancelNotFound,
    CancelLate,
    FillDuringCancel,
    FillAfterCancel,
    CancelFinished,
    FillDuringModify,
    ModifyShowsOld,
    ModifyTwins,
    LocateHold,
    ChildRace,
    ParentGone,
    PerSideLimit,
    ForeignOrder,
    Duplicate,
    ExecutionFirst,
    NoStatus,
    Lose,
    StatusLate,
    StaleStatus,
    ExecutionAgain,
    ExecutionLate,
    CancelUnasked,
    CommissionLate,
    CommissionMissing,
    CommissionPending,
    CommissionUnset,
    Correction,
    Bust,
    LegsApart,
    ErrorId,
    ErrorText,
    HalfOpen,
    Disconnect,
    Outage,
    Restart,
    DailyRestart,
    LostServers,
    Notice,
    PortChanged,
    Garble,
    RollBackIds,
    ResetIds,
    HoldClientId,
    HandshakeStall,
    ResetAtConnect,
    ResetAtStart,
    AccountsFirst,
    EarlyNotices,
    NoFarms,
    DownloadOpenOrders,
    TimeZone,
    LiveAccounts,
    ReadOnly,
    ClockOnce,
    Pacing,
    EmptyLists,
    ListsLate,
    MasterClient,
    PositiveAutoIds,
    OmitOrders,
    ListsBackwards,
    CompletedTotal,
    ExecutionWindow,
    Sentinels,
    MissingRemaining,
    UnknownStatus,
    Delay,
    BulkTimeout,
    SlowRead,
    PortRefused,
    NoZeroPositions,
    DepthReset,
    ExecutionZone,
}

const fn row(
    knob: Knob,
    name: &'static str,
    unit: Unit,
    (behaviours, section): (&'static [u8], &'static str),
    what: &'static str,
    params: &'static [Param],
) -> Row {
    Row { knob, name, unit, behaviours, section, what, params }
}

/// The table.
#[rustfmt::skip] // A table: one paragraph per row.
pub const TABLE: &[Row] = &[
    row(Knob::DropBeforeAccept, "drop-before-accept", Unit::Order, (&[1, 37], "1.7, 2.1"),
        "cuts the connection as an order arrives: it never existed, and its id is offered again", &[
        Param::new("how", ParamKind::Word(&["fin", "rst"]), "fin"),
    ]),
    row(Knob::DropAfterAccept, "drop-after-accept", Unit::Order, (&[1, 37], "1.7, 2.1"),
        "cuts the connection after an order went live and before it was answered", &[
        Param::new("how", ParamKind::Word(&["fin", "rst"]), "fin"),
    ]),
    row(Knob::DropBeforeModify, "drop-before-modify", Unit::Modify, (&[], "1.7"),
        "cuts the connection as a modification arrives: the old terms stay", &[
        Param::new("how", ParamKind::Word(&["fin", "rst"]), "fin"),
    ]),
    row(Knob::DropAfterModify, "drop-after-modify", Unit::Modify, (&[], "1.7"),
        "cuts the connection after a modification was made and before it was answered", &[
        Param::new("how", ParamKind::Word(&["fin", "rst"]), "fin"),
    ]),
    row(Knob::DropBeforeCancel, "drop-before-cancel", Unit::Cancel, (&[], "1.7"),
        "cuts the connection as a cancel arrives: the order stays live", &[
        Param::new("how", ParamKind::Word(&["fin", "rst"]), "fin"),
    ]),
    row(Knob::DropAfterCancel, "drop-after-cancel", Unit::Cancel, (&[], "1.7"),
        "cuts the connection after a cancel was made and before it was answered", &[
        Param::new("how", ParamKind::Word(&["fin", "rst"]), "fin"),
    ]),
    row(Knob::Swallow, "swallow", Unit::Order, (&[18], "2.5-11"),
        "reads an order and never answers; with `late` it is acted on after that time", &[
        Param::new("late", ParamKind::Wait, ""),
    ]),
    row(Knob::SwallowModify, "swallow-modify", Unit::Modify, (&[], "2.5-11"),
        "reads a modification and never answers", &[
        Param::new("late", ParamKind::Wait, ""),
    ]),
    row(Knob::SwallowCancel, "swallow-cancel", Unit::Cancel, (&[], "2.8"),
        "reads a cancel and never answers", &[
        Param::new("late", ParamKind::Wait, ""),
    ]),
    row(Knob::Reject, "reject", Unit::Order, (&[14], "2.5-9, 2.5-10, 2.6"),
        "refuses an order with any code; `auto` sends a status for 201 and 203 only", &[
        Param::new("code", ParamKind::Int(1, 99999), "201"),
        Param::new("text", ParamKind::Text, ""),
        Param::new("id", ParamKind::Word(&["order", "none", "absent"]), "order"),
        Param::new("status", ParamKind::Word(&["auto", "none", "inactive", "cancelled"]), "auto"),
    ]),
    row(Knob::RejectModify, "reject-modify", Unit::Modify, (&[15], "2.6, 2.7"),
        "refuses a modification: the order stays live at its old terms", &[
        Param::new("code", ParamKind::Int(1, 99999), "110"),
        Param::new("text", ParamKind::Text, ""),
        Param::new("id", ParamKind::Word(&["order", "none", "absent"]), "order"),
    ]),
    row(Knob::Inform, "inform", Unit::Order, (&[16], "2.6"),
        "sends an error that looks bad and means nothing, then treats the order as usual", &[
        Param::new("code", ParamKind::Int(0, 99999), "10349"),
        Param::new("text", ParamKind::Text, ""),
        Param::new("id", ParamKind::Word(&["order", "none", "absent"]), "order"),
    ]),
    row(Knob::PresetTif, "preset-tif", Unit::Order, (&[39], "2.3, 2.6"),
        "a preset of the gateway rewrites the order's time in force", &[
        Param::new("tif", ParamKind::Word(&["DAY", "GTC", "IOC"]), "DAY"),
        Param::new("code", ParamKind::Int(0, 99999), "10349"),
    ]),
    row(Knob::IgnoreOutsideRth, "ignore-outside-rth", Unit::Order, (&[16], "2.5, 2.6"),
        "resets outsideRth and says so with a code that looks like an error", &[
        Param::new("code", ParamKind::Int(0, 99999), "2109"),
    ]),
    row(Knob::CancelNotFound, "cancel-not-found", Unit::Cancel, (&[12], "2.6, 2.8"),
        "answers a cancel as if the order were unknown; with `acts=yes` it is cancelled all the same", &[
        Param::new("code", ParamKind::Int(1, 99999), "10147"),
        Param::new("acts", ParamKind::Word(&["no", "yes"]), "no"),
    ]),
    row(Knob::CancelLate, "cancel-late", Unit::Cancel, (&[11], "2.8"),
        "confirms a cancel only after this time, or never; fills go on meanwhile", &[
        Param::new("by", ParamKind::Wait, "1h"),
        Param::new("shown", ParamKind::Word(&["yes", "no"]), "yes"),
    ]),
    row(Knob::FillDuringCancel, "fill-during-cancel", Unit::Cancel, (&[10], "2.5-15, 2.8"),
        "fills the order while its cancel is pending; the cancel is answered with 10148", &[
        Param::new("shown", ParamKind::Word(&["yes", "no"]), "yes"),
    ]),
    row(Knob::FillAfterCancel, "fill-after-cancel", Unit::Cancel, (&[10], "2.4"),
        "says Cancelled, and then fills the order", &[
        Param::new("after", ParamKind::Span, "100ms"),
    ]),
    row(Knob::CancelFinished, "cancel-finished", Unit::Life, (&[13], "2.8"),
        "answers the cancel of an order that is over: with the first code once, then with the second; 0 is silence", &[
        Param::new("code", ParamKind::Int(0, 99999), "10148"),
        Param::new("then", ParamKind::Int(0, 99999), "10147"),
    ]),
    row(Knob::FillDuringModify, "fill-during-modify", Unit::Modify, (&[15], "2.7"),
        "fills the order at its old terms before the modification arrives", &[
        Param::new("code", ParamKind::Int(0, 99999), "104"),
    ]),
    row(Knob::ModifyShowsOld, "modify-shows-old", Unit::Modify, (&[39], "2.7"),
        "takes a modification and goes on reporting the old price", &[
        Param::new("for", ParamKind::Wait, "never"),
    ]),
    row(Knob::ModifyTwins, "modify-twins", Unit::Modify, (&[4], "2.2"),
        "makes a second order of a modification and leaves the first one live, as if the servers were lost that moment", &[]),
    row(Knob::LocateHold, "locate-hold", Unit::Order, (&[17], "2.4, 2.6"),
        "holds an order as Inactive until shares are located, then puts it to work", &[
        Param::new("for", ParamKind::Span, "30s"),
        Param::new("code", ParamKind::Int(0, 99999), "404"),
    ]),
    row(Knob::ChildRace, "child-race", Unit::Level, (&[38], "2.3"),
        "refuses a child with 10006 when it comes this soon after its parent", &[
        Param::new("within", ParamKind::Span, "50ms"),
    ]),
    row(Knob::ParentGone, "parent-gone", Unit::Modify, (&[38], "2.3"),
        "refuses a modification that names a parent", &[
        Param::new("code", ParamKind::Int(1, 99999), "135"),
    ]),
    row(Knob::PerSideLimit, "per-side-limit", Unit::Level, (&[34], "5"),
        "refuses more working orders than this per contract and side", &[
        Param::new("limit", ParamKind::Int(0, 100000), "15"),
        Param::new("code", ParamKind::Int(1, 99999), "201"),
    ]),
    row(Knob::ForeignOrder, "foreign-order", Unit::Order, (&[31], "1.4, 2.1"),
        "places somebody else's order with the same order id, or a hand-typed one, beside the client's", &[
        Param::new("client", ParamKind::Int(0, 2147483647), "99"),
        Param::new("id", ParamKind::Word(&["same", "manual"]), "same"),
    ]),
    row(Knob::Duplicate, "duplicate", Unit::Life, (&[6], "2.5"),
        "repeats every callback of an order; with `again` once more after that time", &[
        Param::new("copies", ParamKind::Int(2, 100), "2"),
        Param::new("again", ParamKind::Span, ""),
    ]),
    row(Knob::ExecutionFirst, "execution-first", Unit::Life, (&[8], "2.5-3"),
        "sends executions before the callbacks of their order, the acknowledgement included", &[
        Param::new("by", ParamKind::Span, "0s"),
    ]),
    row(Knob::NoStatus, "no-status", Unit::Life, (&[5], "2.5-2"),
        "sends no open order and no status of an order, only executions and commissions", &[]),
    row(Knob::Lose, "lose", Unit::Life, (&[14], "2.5"),
        "leaves out one kind of callback", &[
        Param::new("what", ParamKind::Word(&["open-order", "status", "acknowledgement", "terminal", "execution"]), "acknowledgement"),
    ]),
    row(Knob::StatusLate, "status-late", Unit::Life, (&[9], "2.5, 7.1"),
        "sends open orders and statuses of an order late; executions overtake them", &[
        Param::new("by", ParamKind::Wait, "1s"),
    ]),
    row(Knob::StaleStatus, "stale-status", Unit::Life, (&[9], "2.5-5"),
        "after a fill sends the state from before it once more", &[
        Param::new("after", ParamKind::Span, "100ms"),
    ]),
    row(Knob::ExecutionAgain, "execution-again", Unit::Life, (&[7], "3.1"),
        "delivers each execution live a second time", &[
        Param::new("after", ParamKind::Span, "1s"),
    ]),
    row(Knob::ExecutionLate, "execution-late", Unit::Life, (&[], "3.1"),
        "delivers executions late, after the statuses that report them", &[
        Param::new("by", ParamKind::Span, "1s"),
    ]),
    row(Knob::CancelUnasked, "cancel-unasked", Unit::Order, (&[], "2.5-8"),
        "the broker cancels an order that nobody cancelled", &[
        Param::new("after", ParamKind::Span, "1s"),
    ]),
    row(Knob::CommissionLate, "commission-late", Unit::Life, (&[29], "3.1"),
        "sends commissions this late", &[
        Param::new("by", ParamKind::Span, "10s"),
    ]),
    row(Knob::CommissionMissing, "commission-missing", Unit::Life, (&[29], "3.1"),
        "sends no commission", &[]),
    row(Knob::CommissionPending, "commission-pending", Unit::Life, (&[29], "3.1"),
        "sends a commission of -1 first and the right one later", &[
        Param::new("then", ParamKind::Span, "2s"),
    ]),
    row(Knob::CommissionUnset, "commission-unset", Unit::Life, (&[29], "3.1, 6"),
        "sends the realised result as the unset double", &[]),
    row(Knob::Correction, "correction", Unit::Fill, (&[28], "3.2"),
        "corrects an execution: same id, last group one higher", &[
        Param::new("after", ParamKind::Span, "1s"),
        Param::new("price", ParamKind::Number, ""),
        Param::new("by", ParamKind::Number, "0.01"),
        Param::new("quantity", ParamKind::Number, ""),
    ]),
    row(Knob::Bust, "bust", Unit::Fill, (&[28], "3.2"),
        "corrects an execution to quantity 0", &[
        Param::new("after", ParamKind::Span, "1s"),
    ]),
    row(Knob::LegsApart, "legs-apart", Unit::Life, (&[30], "3.5"),
        "fills the legs of a non-guaranteed combination one after the other, or with `legs` only the first of them", &[
        Param::new("by", ParamKind::Span, "1s"),
        Param::new("legs", ParamKind::Int(0, 8), "0"),
    ]),
    row(Knob::ErrorId, "error-id", Unit::Life, (&[32], "1.10"),
        "sends errors about orders under another id, or without one", &[
        Param::new("id", ParamKind::Int(-2147483648, 2147483647), "-1"),
        Param::new("absent", ParamKind::Word(&["no", "yes"]), "no"),
    ]),
    row(Knob::ErrorText, "error-text", Unit::Life, (&[32], "1.10"),
        "sends errors about orders in another language", &[
        Param::new("text", ParamKind::Text, "Auftrag abgelehnt"),
    ]),
    row(Knob::HalfOpen, "half-open", Unit::Instant, (&[19], "1.12"),
        "falls silent with sockets open; what arrives is kept and acted on when it resumes", &[
        Param::new("resume", ParamKind::Span, ""),
    ]),
    row(Knob::Disconnect, "disconnect", Unit::Instant, (&[22], "4.3"),
        "cuts every connection", &[
        Param::new("how", ParamKind::Word(&["fin", "rst"]), "fin"),
    ]),
    row(Knob::Outage, "outage", Unit::Instant, (&[22], "4.3"),
        "cuts every connection and takes no new one for a while; what happens meanwhile is told to nobody", &[
        Param::new("for", ParamKind::Span, "5s"),
    ]),
    row(Knob::Restart, "restart", Unit::Instant, (&[1, 2, 37], "1.7, 2.3"),
        "restarts the gateway: connections are reset, parked orders are lost, nobody gets in for a while", &[
        Param::new("down", ParamKind::Span, "2s"),
        Param::new("code", ParamKind::Int(0, 99999), "0"),
    ]),
    row(Knob::DailyRestart, "daily-restart", Unit::Instant, (&[1, 27], "1.7"),
        "restarts the gateway every day at this time (UTC)", &[
        Param::new("at", ParamKind::Text, "23:45"),
        Param::new("down", ParamKind::Span, "30s"),
    ]),
    row(Knob::LostServers, "lost-servers", Unit::Instant, (&[3, 4, 23], "1.7, 1.8, 2.2"),
        "the gateway loses the broker's servers (1100): new orders wait, a modification becomes a second order", &[
        Param::new("for", ParamKind::Span, "30s"),
        Param::new("then", ParamKind::Int(0, 99999), "1102"),
        Param::new("orders", ParamKind::Word(&["keep", "drop"]), "keep"),
        Param::new("fills", ParamKind::Word(&["deliver", "hold", "drop"]), "deliver"),
    ]),
    row(Knob::Notice, "notice", Unit::Instant, (&[], "1.8"),
        "sends a system or farm notice to every session", &[
        Param::new("code", ParamKind::Int(0, 99999), "2103"),
        Param::new("text", ParamKind::Text, ""),
        Param::new("id", ParamKind::Int(-2147483648, 2147483647), "-1"),
    ]),
    row(Knob::PortChanged, "port-changed", Unit::Instant, (&[], "1.8"),
        "says that the API port changed (1300) and cuts every connection", &[
        Param::new("port", ParamKind::Int(1, 65535), "4003"),
    ]),
    row(Knob::Garble, "garble", Unit::Instant, (&[], "1.1, 1.11, 7.3"),
        "sends bytes that are no proper frame", &[
        Param::new("how", ParamKind::Word(&["truncated", "zero-length", "oversized", "unknown-message", "bad-body"]), "truncated"),
    ]),
    row(Knob::RollBackIds, "roll-back-ids", Unit::Session, (&[2], "2.1"),
        "the handshake offers order ids this much below the right one", &[
        Param::new("by", ParamKind::Int(0, 2147483647), "1"),
    ]),
    row(Knob::ResetIds, "reset-ids", Unit::Session, (&[2], "2.1"),
        "forgets the order ids of the client: they begin at 1 and are taken again", &[]),
    row(Knob::HoldClientId, "hold-client-id", Unit::Session, (&[21], "1.4"),
        "after a connection ends, its client id stays taken (326) for this many attempts", &[
        Param::new("attempts", ParamKind::Int(0, 1000000), "1"),
    ]),
    row(Knob::HandshakeStall, "handshake-stall", Unit::Socket, (&[], "1.2"),
        "accepts a connection and never answers it", &[]),
    row(Knob::ResetAtConnect, "reset-at-connect", Unit::Socket, (&[], "1.2, 1.7"),
        "resets a connection as soon as it is made", &[]),
    row(Knob::ResetAtStart, "reset-at-start", Unit::Session, (&[], "1.2, 1.7"),
        "resets a connection right after the handshake", &[]),
    row(Knob::AccountsFirst, "accounts-first", Unit::Session, (&[], "1.2"),
        "sends the account list before the next order id", &[]),
    row(Knob::EarlyNotices, "early-notices", Unit::Session, (&[], "1.2"),
        "sends farm notices and open orders before the next order id", &[]),
    row(Knob::NoFarms, "no-farms", Unit::Session, (&[], "1.2"),
        "sends no farm notice at the start", &[]),
    row(Knob::DownloadOpenOrders, "download-open-orders", Unit::Session, (&[], "1.2, 4.3"),
        "sends the client's open orders unasked at the start", &[]),
    row(Knob::TimeZone, "time-zone", Unit::Socket, (&[], "1.2, 3.7"),
        "puts another time zone into the handshake", &[
        Param::new("zone", ParamKind::Text, "China Standard Time"),
    ]),
    row(Knob::LiveAccounts, "live-accounts", Unit::Level, (&[36], "1.5"),
        "the account list names live accounts: U… in place of DU…", &[]),
    row(Knob::ReadOnly, "read-only", Unit::Level, (&[35], "1.6"),
        "answers writes and open-order requests with 321 and id -1", &[]),
    row(Knob::ClockOnce, "clock-once-per-second", Unit::Level, (&[20], "1.12"),
        "answers reqCurrentTime at most once a second", &[]),
    row(Knob::Pacing, "pacing", Unit::Level, (&[33], "5"),
        "limits messages a second: delays what is above, or answers 100 and cuts the connection after some strikes", &[
        Param::new("mode", ParamKind::Word(&["queue", "reject"]), "queue"),
        Param::new("rate", ParamKind::Int(1, 1000000), "50"),
        Param::new("strikes", ParamKind::Int(1, 1000), "3"),
    ]),
    row(Knob::EmptyLists, "empty-lists", Unit::Level, (&[24], "4.1"),
        "answers lists with only the end marker, with nothing, or with 321 and id -1", &[
        Param::new("list", ParamKind::Word(&["all", "open", "completed", "executions", "positions"]), "all"),
        Param::new("how", ParamKind::Word(&["end", "silence", "refused"]), "end"),
    ]),
    row(Knob::ListsLate, "lists-late", Unit::Level, (&[], "4.1"),
        "answers lists this late, as they are then", &[
        Param::new("by", ParamKind::Span, "5s"),
        Param::new("list", ParamKind::Word(&["all", "open", "completed", "executions", "positions"]), "all"),
    ]),
    row(Knob::MasterClient, "master-client", Unit::Level, (&[], "1.4"),
        "this client id also hears of the orders of all others", &[
        Param::new("id", ParamKind::Int(0, 2_147_483_647), "0"),
    ]),
    row(Knob::PositiveAutoIds, "positive-auto-ids", Unit::Level, (&[], "1.4"),
        "hand-typed orders that client 0 binds get the next positive ids instead of negative ones", &[]),
    row(Knob::OmitOrders, "omit-orders", Unit::Level, (&[25], "4.1"),
        "leaves live orders out of the first open-order lists", &[
        Param::new("lists", ParamKind::Int(1, 1000000), "1"),
    ]),
    row(Knob::ListsBackwards, "lists-backwards", Unit::Level, (&[4], "2.2, 4.1"),
        "lists open orders newest first", &[]),
    row(Knob::CompletedTotal, "completed-total", Unit::Level, (&[26], "4.1"),
        "the total of a completed order: what was left, 0, or the whole quantity", &[
        Param::new("how", ParamKind::Word(&["left", "zero", "whole"]), "left"),
    ]),
    row(Knob::ExecutionWindow, "execution-window", Unit::Level, (&[27], "3.3"),
        "executions reach back this many days at most, whatever was asked for", &[
        Param::new("days", ParamKind::Int(1, 7), "1"),
    ]),
    row(Knob::Sentinels, "sentinels", Unit::Level, (&[40], "6, 7.3"),
        "writes unset numbers as the largest double, integer or decimal", &[]),
    row(Knob::MissingRemaining, "missing-remaining", Unit::Level, (&[40], "6, 7.3"),
        "leaves `remaining` out of order statuses", &[]),
    row(Knob::UnknownStatus, "unknown-status", Unit::Level, (&[40], "2.4"),
        "reports every working order under a status that no client knows", &[
        Param::new("status", ParamKind::Text, "WarnState"),
    ]),
    row(Knob::Delay, "delay", Unit::Level, (&[], "7.1"),
        "sends everything this late", &[
        Param::new("by", ParamKind::Span, "!"),
    ]),
    row(Knob::BulkTimeout, "bulk-timeout", Unit::Level, (&[], "1.11"),
        "disconnects a client that takes nothing for this long", &[
        Param::new("after", ParamKind::Span, "30s"),
    ]),
    row(Knob::SlowRead, "slow-read", Unit::Level, (&[], "1.11, 7.1"),
        "reads no more than this many bytes a second from each client", &[
        Param::new("rate", ParamKind::Int(1, 1000000000), "1000"),
    ]),
    row(Knob::PortRefused, "port-refused", Unit::Instant, (&[], "1.1, 7.1"),
        "refuses new connections at the port for a while; those that there are go on", &[
        Param::new("for", ParamKind::Span, "5s"),
    ]),
    row(Knob::NoZeroPositions, "no-zero-positions", Unit::Level, (&[], "4.2, 7.1"),
        "leaves closed positions out of position lists and updates instead of sending them as 0", &[]),
    row(Knob::DepthReset, "depth-reset", Unit::Instant, (&[], "1.8"),
        "says that market depth was reset (317) and builds every book that is watched anew", &[]),
    row(Knob::ExecutionZone, "execution-zone", Unit::Level, (&[], "3.7, 7.1"),
        "writes execution times in another zone, on the instrument's clock, in UTC with a dash, or without a zone", &[
        Param::new("zone", ParamKind::Text, "US/Eastern"),
    ]),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::BEHAVIOURS;

    #[test]
    fn the_table_is_in_the_order_of_the_knobs_and_names_are_unique() {
        for (at, row) in TABLE.iter().enumerate() {
            assert_eq!(row.knob as usize, at, "{}", row.name);
            assert_eq!(TABLE.iter().filter(|other| other.name == row.name).count(), 1);
            assert!(!row.what.is_empty() && !row.section.is_empty(), "{}", row.name);
        }
        assert!(TABLE.len() <= 128, "one bit of a u128 per row");
    }

    #[test]
    fn every_behaviour_has_a_switch() {
        for (at, behaviour) in BEHAVIOURS.iter().enumerate() {
            assert_eq!(usize::from(behaviour.number), at + 1);
            assert!(TABLE.iter().any(|row| row.behaviours.contains(&behaviour.number)), "{behaviour:?}");
        }
        assert_eq!(BEHAVIOURS.len(), 40);
    }
}

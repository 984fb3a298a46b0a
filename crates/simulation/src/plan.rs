//! What happens in one run, as data: everything that strategies, people and faults will do, and when. A plan can
//! be shown, shortened, and run again.

use alphec_model::{Limits, WhenInDoubt};

use crate::clock::Instant;
use crate::disk::Mood;

/// Who is meant by a cancel-all, a halt or a kill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    All,
    Account,
    Strategy(u8),
    Instrument(u8),
}

/// The kind of a new order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Market,
    Limit,
    Stop,
    StopLimit,
    /// A stop that follows the market, by as much as the order is away.
    Trail,
}

/// The life of a new order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Life {
    Day,
    Gtc,
    /// So many seconds from its submission.
    Gtd(i64),
    Ioc,
    Fok,
}

/// A new order, priced by the market of its moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NewOrder {
    pub(crate) instrument: u8,
    pub(crate) strategy: u8,
    pub(crate) is_buy: bool,
    pub(crate) qty: i64,
    pub(crate) kind: Kind,
    /// Ticks away from the touch; below zero through it.
    pub(crate) away: i64,
    pub(crate) life: Life,
    /// What its author wants done while it is in doubt; the profile's choice where none.
    pub(crate) doubt: Option<WhenInDoubt>,
}

/// Something that happens at one instant.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Act {
    /// The market moves by so many ticks, to a spread and a displayed size.
    Market {
        instrument: u8,
        ticks: i64,
        spread: i64,
        size: i64,
    },
    Submit(NewOrder),
    /// An entry with a profit, a loss, or both, so many ticks away; zero for none.
    Bracket {
        entry: NewOrder,
        profit: i64,
        loss: i64,
    },
    /// So many orders of which one is to fill, each some ticks farther away than the one before.
    OneCancelsAll {
        first: NewOrder,
        legs: i64,
    },
    /// An earlier submission is repeated, word for word or with another body under the same key.
    Again {
        back: usize,
        is_other: bool,
    },
    Modify {
        back: usize,
        qty: i64,
        ticks: i64,
    },
    Cancel {
        back: usize,
    },
    CancelAll(Scope),
    GlobalCancel,
    Halt,
    Kill(Scope),
    Resume(Scope),
    /// Callers stop waiting for what they asked; nobody hears the answers.
    Abandon,
    /// An operator settles an order in doubt, or accepts the broker's position.
    Settle {
        back: usize,
    },
    AcceptPosition {
        instrument: u8,
    },
    /// Someone types an order into TWS, or cancels one of ours there.
    ManualOrder {
        instrument: u8,
        is_buy: bool,
        qty: i64,
        away: i64,
    },
    /// Someone trades in another place: the position differs, and no execution of it is ever shown.
    TradeElsewhere {
        instrument: u8,
        /// Bought, or below zero sold.
        qty: i64,
    },
    /// A fault of the gateway, by its text.
    Gateway(String),
    /// All faults of the gateway end.
    GatewayHeals,
    Disk(Mood),
    /// The process dies, and while it is down a bit flips in what was durable, so many thousandths along the way.
    Rot {
        down: Instant,
        thousandths: usize,
        bit: u8,
    },
    /// The network takes this long, one way.
    Latency {
        from: Instant,
        to: Instant,
    },
    /// The network forgets a connection: nothing passes any more, and nobody is told until the gateway notices.
    BlackHole {
        notices_after: Instant,
    },
    /// The connection is cut; what is on its way is lost.
    Cut,
    /// The process dies and starts again, on a machine whose clock is off by `skew` and runs at `drift`.
    Crash {
        down: Instant,
        skew: i64,
        drift: i64,
    },
    /// The process stands still.
    Pause {
        span: Instant,
    },
    /// Somebody sets the machine's wall clock while the process runs.
    Step {
        by: i64,
    },
    /// The machine sleeps: its monotonic clock does not count it.
    Sleep {
        span: Instant,
    },
    /// The process is told to stop, and starts again.
    Stop {
        cancels: bool,
        down: Instant,
    },
}

/// The groups of faults, as the study names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Group {
    Process,
    Clock,
    Disk,
    Network,
    Gateway,
    Humans,
    Caller,
}

impl Group {
    pub(crate) const ALL: [Self; 7] =
        [Self::Process, Self::Clock, Self::Disk, Self::Network, Self::Gateway, Self::Humans, Self::Caller];

    pub(crate) const fn letter(self) -> char {
        match self {
            Self::Process => 'P',
            Self::Clock => 'C',
            Self::Disk => 'D',
            Self::Network => 'N',
            Self::Gateway => 'G',
            Self::Humans => 'H',
            Self::Caller => 'K',
        }
    }
}

impl Act {
    /// Which fault it is, if it is one.
    pub(crate) fn group(&self) -> Option<Group> {
        match self {
            Self::Crash { skew, drift, .. } if (*skew, *drift) != (0, 0) => Some(Group::Clock),
            Self::Step { .. } | Self::Sleep { .. } => Some(Group::Clock),
            Self::Crash { .. } | Self::Pause { .. } | Self::Stop { .. } => Some(Group::Process),
            Self::Disk(Mood::Works { .. }) => None,
            Self::Disk(_) | Self::Rot { .. } => Some(Group::Disk),
            Self::Latency { .. } | Self::BlackHole { .. } | Self::Cut => Some(Group::Network),
            Self::ManualOrder { .. } | Self::TradeElsewhere { .. } => Some(Group::Humans),
            Self::Again { .. } | Self::Abandon => Some(Group::Caller),
            Self::Gateway(text) => Some(group_of_gateway_fault(text)),
            _ => None,
        }
    }
}

/// Faults that the gateway brings about, sorted by where they would come from.
fn group_of_gateway_fault(text: &str) -> Group {
    const NETWORK: [&str; 12] = [
        "drop-",
        "disconnect",
        "outage",
        "half-open",
        "handshake-stall",
        "reset-at",
        "port-refused",
        "duplicate",
        "stale-status",
        "lose",
        "delay",
        "garble",
    ];
    let is_network = NETWORK.iter().any(|name| text.starts_with(name));
    if is_network { Group::Network } else { Group::Gateway }
}

/// An act and its instant, counted from the start of the run.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Planned {
    pub(crate) at: Instant,
    pub(crate) act: Act,
}

/// What a world is made of.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Setup {
    /// The instant the run begins.
    pub(crate) start: Instant,
    /// How long the day is; then everything heals.
    pub(crate) day: Instant,
    pub(crate) instruments: u8,
    pub(crate) limits: Limits,
    pub(crate) ack_timeout: Instant,
    pub(crate) resnapshot_after: Instant,
    pub(crate) absent_after: Instant,
    pub(crate) reconcile_every: Instant,
    pub(crate) messages_per_second: Option<u32>,
    pub(crate) heartbeat: Instant,
    pub(crate) has_rule: bool,
    /// The longest that the custom rule thinks; some of it is too long.
    pub(crate) rule_takes: Instant,
    /// When the gateway is to restart: from and to, since the start.
    pub(crate) restart: Option<(Instant, Instant)>,
    pub(crate) when_in_doubt: WhenInDoubt,
    pub(crate) disk: Mood,
    pub(crate) latency: (Instant, Instant),
    pub(crate) cancel_delay: Instant,
    pub(crate) commission_delay: Instant,
}

/// One run.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) setup: Setup,
    pub(crate) acts: Vec<Planned>,
}

"""The words of the house, as real enums. Their values are the words of the journal and of the command line."""

from enum import Enum


class Side(Enum):
    """Buy or sell; a short sale is a sell."""

    BUY = "buy"
    SELL = "sell"


class TimeInForce(Enum):
    """How long an order lives."""

    DAY = "day"
    GTC = "gtc"
    GTD = "gtd"
    IOC = "ioc"
    FOK = "fok"


class OrderState(Enum):
    """Where an order stands. "Partially filled" is derived from quantities, never a state."""

    STAGED = "staged"
    """Passed our gate; a risk rule has yet to answer. Nothing was sent."""
    PENDING_NEW = "pending_new"
    """Recorded and handed to the wire; the broker has not answered."""
    WORKING = "working"
    """The broker has it and it can fill."""
    IN_DOUBT = "in_doubt"
    """Its outcome is not proven. Exposure stays reserved until evidence ends it."""
    FILLED = "filled"
    CANCELED = "canceled"
    REJECTED = "rejected"
    EXPIRED = "expired"
    DENIED = "denied"
    """We refused it; it was never sent."""

    @property
    def is_terminal(self) -> bool:
        """Nothing more is expected (a late fill is still booked)."""
        return self in _TERMINAL


_TERMINAL = frozenset(
    {OrderState.FILLED, OrderState.CANCELED, OrderState.REJECTED, OrderState.EXPIRED, OrderState.DENIED}
)


class WhenInDoubt(Enum):
    """What may be done by itself while an order's outcome is not proven."""

    HOLD = "hold"
    """Nothing: it stays in doubt until the broker shows it, someone cancels it, or an operator settles it."""
    CANCEL_PROBE = "cancel_probe"
    """Ask for it with a cancel, which is safe whatever the truth is."""
    RESEND_IF_ABSENT = "resend_if_absent"
    """The same, and once proven gone it is placed again, once and within a quarter of an hour.

    Only limit orders by themselves, wanted gone by nobody and never heard of by the broker. Not for currency pairs,
    whose holdings cannot be compared, and not where there are custom risk rules.
    """


class GroupKind(Enum):
    """How the orders of a group depend on each other."""

    BRACKET = "bracket"
    """The first is an entry, the others are its exits: they work for what has filled of it, and each ends the other."""
    ONE_CANCELS_ALL = "one_cancels_all"
    """The first that fills ends the others."""


class LegRole(Enum):
    """As what an order is in its group."""

    PARENT = "parent"
    """The entry of a bracket."""
    CHILD = "child"
    """An exit of a bracket."""
    PEER = "peer"
    """One of several, of which one is to fill."""


class LinkState(Enum):
    """How the connection stands."""

    DOWN = "down"
    RECOVERING = "recovering"
    READY = "ready"
    DEGRADED = "degraded"


class Provenance(Enum):
    """Where a record comes from."""

    OBSERVED = "observed"
    DECIDED = "decided"
    INFERRED = "inferred"
    OPERATOR = "operator"


class Severity(Enum):
    """How soon someone must look."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class AlertKind(Enum):
    """What the monitoring subsystem must hear about."""

    ORDER_DENIED = "order_denied"
    ORDER_REJECTED = "order_rejected"
    ORDER_IN_DOUBT = "order_in_doubt"
    DISCONNECTED = "disconnected"
    RECONNECT_FAILING = "reconnect_failing"
    RECONNECTED = "reconnected"
    POSITION_BREAK = "position_break"
    JOURNAL_TROUBLE = "journal_trouble"
    HALTED = "halted"
    RESUMED = "resumed"
    KILL_VERIFIED = "kill_verified"
    FOREIGN_ORDER = "foreign_order"
    GROUP_BROKEN = "group_broken"
    ORDER_RESENT = "order_resent"
    LATE_ARRIVAL = "late_arrival"
    GLOBAL_CANCEL = "global_cancel"
    ACCOUNT_MISMATCH = "account_mismatch"
    ANOMALY = "anomaly"
    FARM_DOWN = "farm_down"
    FARM_BACK = "farm_back"
    CHANGE_FAILED = "change_failed"
    LEFT_WORKING = "left_working"


MEMBERS: dict[tuple[str, str], Enum] = {
    (kind.__name__, member.value): member
    for kind in (Side, TimeInForce, OrderState, WhenInDoubt, LegRole, LinkState, Provenance, Severity, AlertKind)
    for member in kind
}
"""Every member by class and word; the native half looks them up here."""

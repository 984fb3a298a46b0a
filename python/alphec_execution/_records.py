"""Small records, as they come out: immutable, comparable, to be pickled and matched."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from alphec_execution._enums import AlertKind, LinkState, Severity, Side
from alphec_execution._time import Timestamp

if TYPE_CHECKING:
    from alphec_execution._native import Order


@dataclass(frozen=True, slots=True)
class Fill:
    """An execution, as booked."""

    exec_id: str
    account: str
    instrument: str
    """Our name, or ``con:<id>`` for an instrument outside the profile."""
    side: Side
    last_qty: Decimal
    last_px: Decimal
    time: Timestamp | None
    """When, to the second; ``None`` where what the broker wrote names no one instant, and in journals of old."""
    time_text: str
    """The same, as the broker wrote it."""


@dataclass(frozen=True, slots=True)
class Position:
    """A position, counted from executions."""

    account: str
    instrument: str
    qty: Decimal
    """Negative is short."""
    broken: Decimal | None
    """By how much the broker's count differs (it is ``qty + broken``), where it does; the instrument is frozen."""

    def _repr_html_(self) -> str:
        from alphec_execution import _frames

        return _frames.html([self])


@dataclass(frozen=True, slots=True)
class Account:
    """The latest figures of an account."""

    account: str
    net_liquidation: Decimal | None
    currency: str | None
    exchange_rates: dict[str, Decimal]
    """Base-currency value of one unit, by currency."""
    updated_at: Timestamp | None
    ready: bool
    """Whether the broker says its values are current."""


@dataclass(frozen=True, slots=True)
class Quote:
    """The market as last seen."""

    bid: Decimal | None
    ask: Decimal | None
    last: Decimal | None
    at: Timestamp


@dataclass(frozen=True, slots=True)
class Waits:
    """What waits for the budget of messages, and what waited since the start."""

    waiting: dict[str, int]
    """Messages that wait now, by lane: ``kill``, ``cancel``, ``reducing``, ``new``, ``query``, first to last."""
    delayed: int
    """Messages that had to wait."""
    longest: float
    """The longest that one of them waited, in seconds."""


@dataclass(frozen=True, slots=True)
class Halt:
    """A halt in force."""

    scope: str
    why: str
    """And by whom."""
    since: Timestamp
    is_kill: bool
    is_verified: bool
    """Of a kill: complete lists have shown that nothing of it works any more."""


@dataclass(frozen=True, slots=True)
class Status:
    """Whether orders can be sent, and if not, why.

    In a restart window, after a live arming has ended and in a scope that is halted they are denied all the same.
    """

    is_ready: bool
    link: LinkState
    refused: str | None
    """Why it is not ready although connected."""
    halted: str | None
    journal_trouble: str | None
    gap: int | None
    """The gap that is open: messages may be missing, what is known of orders may be old."""
    halted_scopes: tuple[tuple[str, str], ...]
    """Halts of single accounts, strategies or instruments, with their reasons."""
    journal_seq: int | None
    """The last durable record."""
    stopping: bool
    books_as_of: Timestamp | None
    """When the broker's complete books were asked for that were read last, on this connection."""
    farms_down: tuple[tuple[str, str], ...]
    """Data farms that are broken: what they serve, and their names. Orders still pass while their prices are fresh."""
    waits: Waits


@dataclass(frozen=True, slots=True)
class StopReport:
    """What a stop left behind."""

    left_working: tuple[Order, ...]
    """Orders that can still fill at the broker, in doubt ones included."""
    canceled: int
    """How many orders had a cancel on its way while the stop waited for answers, whoever asked for it."""
    all_answered: bool
    """Whether the broker answered every cancel within the deadline."""
    records_lost: int
    """Zero, unless the journal failed to the end."""


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What the broker's books leave open once they were read."""

    is_clean: bool
    """Whether nothing of ours is open to question."""
    in_doubt: tuple[Order, ...]
    """Orders whose outcome is still not proven."""
    broken: tuple[Position, ...]
    """Positions that differ from the broker's."""
    foreign: tuple[ForeignOrder, ...]
    """Open orders of others."""
    gap: int | None
    """The gap that is still open: messages may be missing."""
    disputed: bool
    """A holding differed, and the time was up before the books were read once more."""


@dataclass(frozen=True, slots=True)
class Alert:
    """What the monitoring subsystem must hear about."""

    at: Timestamp
    kind: AlertKind
    severity: Severity
    text: str
    client_order_id: str | None
    correlation_id: str | None


@dataclass(frozen=True, slots=True)
class ForeignOrder:
    """An open order of someone else in one of our accounts: counted in every limit, never touched."""

    key: str
    account: str
    instrument: str
    side: Side
    leaves_qty: Decimal
    symbol: str
    order_ref: str | None

"""What a strategy asks for: how an order meets the market, and the whole request."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from alphec_execution._enums import Side, TimeInForce, WhenInDoubt
from alphec_execution._time import to_ns


def exact(value: object, name: str) -> Decimal:
    """A price or a size: a finite ``Decimal``, or an ``int``. A float is refused: it is not what was written."""
    if isinstance(value, bool) or not isinstance(value, Decimal | int):
        hint = f'write Decimal("{value}") with quotes' if isinstance(value, float) else "write a decimal.Decimal"
        raise TypeError(f"{name} is {type(value).__name__}, which is not exact: {hint}")
    number = Decimal(value)
    if not number.is_finite():
        raise ValueError(f"{name} is {number}: write a finite number")
    return number


@dataclass(frozen=True, slots=True)
class Market:
    """At the best price there is."""


@dataclass(frozen=True, slots=True)
class Limit:
    """At this price or better."""

    limit_px: Decimal

    def __post_init__(self) -> None:
        object.__setattr__(self, "limit_px", exact(self.limit_px, "limit_px"))


@dataclass(frozen=True, slots=True)
class Stop:
    """A market order once the trigger trades."""

    stop_px: Decimal

    def __post_init__(self) -> None:
        object.__setattr__(self, "stop_px", exact(self.stop_px, "stop_px"))


@dataclass(frozen=True, slots=True)
class StopLimit:
    """A limit order once the trigger trades."""

    stop_px: Decimal
    limit_px: Decimal

    def __post_init__(self) -> None:
        object.__setattr__(self, "stop_px", exact(self.stop_px, "stop_px"))
        object.__setattr__(self, "limit_px", exact(self.limit_px, "limit_px"))


@dataclass(frozen=True, slots=True)
class TrailingStop:
    """A stop that follows the market at a distance and never goes back: by so much of the price, or by percent."""

    amount: Decimal | None = None
    percent: Decimal | None = None

    def __post_init__(self) -> None:
        if (self.amount is None) is (self.percent is None):
            raise ValueError("a trailing stop has a distance: give amount or percent, not both")
        for name in ("amount", "percent"):
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, exact(value, name))


OrderType = Market | Limit | Stop | StopLimit | TrailingStop

Terms = tuple[str, Decimal, str, Decimal | None, Decimal | None, str, int | None]
"""What the native half takes: side, size, kind, two prices (limit and trigger, or how far a stop trails: amount and
percent), life, expiry in nanoseconds."""


@dataclass(frozen=True, slots=True, init=False)
class OrderRequest:
    """A new order.

    ``client_order_id`` is the idempotency key: the same key with the same body is the same order, and sends
    nothing twice. What is ``None`` the client fills in: fresh ids, the profile's only account, its own strategy,
    the profile's choice of what to do when the order is in doubt.
    """

    instrument: str
    side: Side
    order_qty: Decimal
    order_type: OrderType
    time_in_force: TimeInForce
    expire_at: datetime | None
    account: str | None
    strategy_id: str | None
    client_order_id: str | None
    correlation_id: str | None
    when_in_doubt: WhenInDoubt | None

    def __init__(
        self,
        instrument: str,
        side: Side,
        order_qty: Decimal | int,
        order_type: OrderType,
        time_in_force: TimeInForce = TimeInForce.DAY,
        expire_at: datetime | None = None,
        *,
        account: str | None = None,
        strategy_id: str | None = None,
        client_order_id: str | None = None,
        correlation_id: str | None = None,
        when_in_doubt: WhenInDoubt | None = None,
    ) -> None:
        def keep(name: str, value: object) -> None:
            object.__setattr__(self, name, value)

        keep("instrument", instrument)
        keep("side", side)
        keep("order_qty", exact(order_qty, "order_qty"))
        keep("order_type", order_type)
        keep("time_in_force", time_in_force)
        keep("expire_at", expire_at)
        keep("account", account)
        keep("strategy_id", strategy_id)
        keep("client_order_id", client_order_id)
        keep("correlation_id", correlation_id)
        keep("when_in_doubt", when_in_doubt)
        terms(self)
        if when_in_doubt is not None:
            _check(when_in_doubt, WhenInDoubt, "when_in_doubt", "WhenInDoubt.HOLD, for example")


def terms(of: Any, **changes: Any) -> Terms:
    """The terms of a request or an order, with some of them changed."""

    def value(name: str) -> Any:
        changed = changes.get(name)
        return getattr(of, name) if changed is None else changed

    side, order_type, life = value("side"), value("order_type"), value("time_in_force")
    _check(side, Side, "side", "Side.BUY or Side.SELL")
    _check(life, TimeInForce, "time_in_force", "TimeInForce.DAY, for example")
    _check(order_type, OrderType, "order_type", 'Market() or Limit(Decimal("199.50")), for example')
    expire_at = value("expire_at")
    if (life is TimeInForce.GTD) is (expire_at is None):
        raise ValueError("expire_at goes with TimeInForce.GTD, and with nothing else")
    expire_at_ns = None if expire_at is None else to_ns(expire_at, "expire_at")
    quantity = exact(value("order_qty"), "order_qty")
    kind, limit_px, stop_px = _kind(order_type)
    return (side.value, quantity, kind, limit_px, stop_px, life.value, expire_at_ns)


def _kind(order_type: OrderType) -> tuple[str, Decimal | None, Decimal | None]:
    match order_type:
        case Market():
            return "market", None, None
        case Limit(limit_px):
            return "limit", limit_px, None
        case Stop(stop_px):
            return "stop", None, stop_px
        case StopLimit(stop_px, limit_px):
            return "stop_limit", limit_px, stop_px
        case TrailingStop(amount, percent):
            return "trailing_stop", amount, percent


def _check(value: object, kind: Any, name: str, instead: str) -> None:
    if not isinstance(value, kind):
        raise TypeError(f"{name} is {value!r}: write {instead}")

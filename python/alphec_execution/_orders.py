"""What a strategy asks for: how an order meets the market, and the whole request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from alphec_execution import _native
from alphec_execution._enums import GroupKind, Side, TimeInForce, WhenInDoubt
from alphec_execution._time import to_ns

EXACT = (Decimal, int)


def exact(value: object, name: str) -> Decimal:
    """A price or a size: a finite ``Decimal``, or an ``int``. A float is refused: it is not what was written."""
    if not isinstance(value, EXACT) or isinstance(value, bool):
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


Asked = tuple[str, str, str, str, str, Terms, str | None]
"""A whole order, as the native half takes it: key, strategy, work, account, instrument, terms, what to do in doubt."""


@dataclass(frozen=True, slots=True, init=False)
class OrderRequest:
    """A new order.

    ``client_order_id`` is the idempotency key: the same key with the same body is the same order, and sends
    nothing twice. Where it is not given the request makes one of its own, so whoever is not sure submits the *same
    request* again; :meth:`fresh` makes another order of it. What is ``None`` the client fills in: the profile's only
    account, its own strategy, a correlation id, the profile's choice of what to do when the order is in doubt.
    """

    instrument: str
    side: Side
    order_qty: Decimal
    order_type: OrderType
    time_in_force: TimeInForce
    expire_at: datetime | None
    account: str | None
    strategy_id: str | None
    client_order_id: str
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
        keep("order_qty", terms(side, order_qty, order_type, time_in_force, expire_at)[1])
        keep("order_type", order_type)
        keep("time_in_force", time_in_force)
        keep("expire_at", expire_at)
        keep("account", account)
        keep("strategy_id", strategy_id)
        keep("client_order_id", _native.new_id() if client_order_id is None else client_order_id)
        keep("correlation_id", correlation_id)
        keep("when_in_doubt", when_in_doubt)
        if when_in_doubt is not None:
            _check(when_in_doubt, WhenInDoubt, "when_in_doubt", "WhenInDoubt.HOLD, for example")

    def fresh(self) -> OrderRequest:
        """The same as another order: with a key of its own."""
        return replace(self, client_order_id=_native.new_id())

    def _terms(self) -> Terms:
        return terms(self.side, self.order_qty, self.order_type, self.time_in_force, self.expire_at)


@dataclass(frozen=True, slots=True, init=False)
class GroupRequest:
    """Orders that belong together, submitted as one act: none is sent unless all passed, and a group that does not
    arrive whole at the broker is undone.

    The same group again is the same group, and sends nothing twice.
    """

    kind: GroupKind
    orders: tuple[OrderRequest, ...]

    def __init__(self, kind: GroupKind, orders: Sequence[OrderRequest]) -> None:
        _check(kind, GroupKind, "kind", "GroupKind.ONE_CANCELS_ALL, for example")
        for order in orders:
            _check(order, OrderRequest, "an order of the group", "an OrderRequest")
        object.__setattr__(self, "kind", kind)
        object.__setattr__(self, "orders", _of_one_work(orders))

    @classmethod
    def bracket(
        cls,
        entry: OrderRequest,
        *,
        take_profit: Decimal | int | None = None,
        stop_loss: Decimal | int | None = None,
    ) -> GroupRequest:
        """An entry with its usual exits, good until canceled: a limit order at ``take_profit``, a stop order at
        ``stop_loss``, or one of the two. Their keys are the entry's with ``-profit`` and ``-loss``.
        """
        _check(entry, OrderRequest, "entry", "an OrderRequest")
        prices = [
            None if price is None else exact(price, name)
            for name, price in (("take_profit", take_profit), ("stop_loss", stop_loss))
        ]
        [entry] = _of_one_work([entry])
        exits = [
            replace(entry, client_order_id=key, side=side, order_type=order_type, time_in_force=life, expire_at=None)
            for key, side, order_type, life in _native.exits(entry.client_order_id, entry._terms(), *prices)
        ]
        return cls(GroupKind.BRACKET, [entry, *exits])


def _of_one_work(orders: Sequence[OrderRequest]) -> tuple[OrderRequest, ...]:
    """The orders with one correlation id, where they have none of their own."""
    work = next((order.correlation_id for order in orders if order.correlation_id), None) or _native.new_id()
    return tuple(replace(order, correlation_id=order.correlation_id or work) for order in orders)


def terms(
    side: Side, order_qty: Decimal | int, order_type: OrderType, life: TimeInForce, expire_at: datetime | None
) -> Terms:
    """The terms of an order, checked."""
    _check(side, Side, "side", "Side.BUY or Side.SELL")
    _check(life, TimeInForce, "time_in_force", "TimeInForce.DAY, for example")
    _check(order_type, OrderType, "order_type", 'Market() or Limit(Decimal("199.50")), for example')
    if (life is TimeInForce.GTD) is (expire_at is None):
        raise ValueError("expire_at goes with TimeInForce.GTD, and with nothing else")
    expire_at_ns = None if expire_at is None else to_ns(expire_at, "expire_at")
    quantity = exact(order_qty, "order_qty")
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

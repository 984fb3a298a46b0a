"""What can go wrong, sorted by who is at fault. Every message says what to do."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alphec_execution._native import Order

__all__ = [
    "ClientStopped",
    "ConfigError",
    "EventsMissed",
    "ExecutionError",
    "InDoubt",
    "JournalError",
    "KillNotVerified",
    "NotConnected",
    "OrderDenied",
    "OrderRejected",
    "UnknownOrder",
]


class ExecutionError(Exception):
    """The root of everything that this package raises of its own."""


class OrderDenied(ExecutionError):
    """Our own gate refused it; nothing was sent."""

    rule: str
    """Which rule."""
    value: Decimal | None
    """What it measured, where it measures."""
    limit: Decimal | None
    """What is allowed, where there is a number."""
    reason: dict[str, Any]
    """The whole reason, as the journal has it."""
    order: Order
    """The order as it stands: denied, or for a change, as it was."""

    def __init__(
        self,
        message: str,
        *,
        rule: str,
        value: Decimal | None,
        limit: Decimal | None,
        reason: dict[str, Any],
        order: Order,
    ) -> None:
        super().__init__(message)
        self.rule = rule
        self.value = value
        self.limit = limit
        self.reason = reason
        self.order = order

    def __reduce__(self) -> Any:
        facts = {name: getattr(self, name) for name in ("rule", "value", "limit", "reason", "order")}
        return (_denied, (self.args[0], facts))


def _denied(message: str, facts: dict[str, Any]) -> OrderDenied:
    return OrderDenied(message, **facts)


class OrderRejected(ExecutionError):
    """The broker refused the order."""

    order: Order
    """The order as it stands."""
    code: int | None
    """The broker's code; 0 when only a status said so."""
    text: str | None
    """The broker's words."""

    def __init__(self, order: Order) -> None:
        super().__init__(f"the broker refused the order: code {order.reject_code}: {order.reject_text}")
        self.order = order
        self.code = order.reject_code
        self.text = order.reject_text

    def __reduce__(self) -> Any:
        return (OrderRejected, (self.order,))


class InDoubt(ExecutionError):
    """The order's outcome is not proven: it may live, or have filled. Its exposure stays reserved."""

    order: Order
    """The order as it stood when nobody had answered in time."""

    def __init__(self, order: Order) -> None:
        super().__init__(
            f"order {order.client_order_id} may be live at the broker or not; do not send it again: wait with "
            "done(), which ends with evidence, or cancel it"
        )
        self.order = order

    def __reduce__(self) -> Any:
        return (InDoubt, (self.order,))


class KillNotVerified(ExecutionError):
    """A kill has no proof yet that nothing works any more. Its scope is halted, and it goes on."""

    canceled: tuple[str, ...]
    """The ids of the orders that it asked the broker to cancel: what ``kill`` gives when it is verified."""
    left: tuple[Order, ...]
    """The orders of its scope that may still work."""

    def __init__(self, message: str, *, canceled: tuple[str, ...], left: tuple[Order, ...]) -> None:
        super().__init__(message)
        self.canceled = canceled
        self.left = left

    def __reduce__(self) -> Any:
        return (_not_verified, (self.args[0], self.canceled, self.left))


def _not_verified(message: str, canceled: tuple[str, ...], left: tuple[Order, ...]) -> KillNotVerified:
    return KillNotVerified(message, canceled=canceled, left=left)


class NotConnected(ExecutionError):
    """The connection is not ready for orders."""


class ClientStopped(NotConnected):
    """The client has stopped, or was not started."""


class UnknownOrder(ExecutionError):
    """No order has this id in the journal."""


class EventsMissed(ExecutionError):
    """A subscriber was too slow, and events were lost to it. Read the state again; the stream goes on."""

    missed: int
    """How many."""

    def __init__(self, message: str, *, missed: int) -> None:
        super().__init__(message)
        self.missed = missed

    def __reduce__(self) -> Any:
        return (_missed, (self.args[0], self.missed))


def _missed(message: str, missed: int) -> EventsMissed:
    return EventsMissed(message, missed=missed)


class ConfigError(ExecutionError):
    """The configuration cannot be used."""


class JournalError(ExecutionError):
    """The journal cannot be read, trusted or written; nothing new is sent until it can."""


class NotOnRecord(JournalError):
    """What was asked for is in force, and the journal has not taken it: should this process end first, the next one
    carries out cancels and halts and knows of nothing else. Ask for it again once the journal takes records.
    """

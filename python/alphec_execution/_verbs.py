"""What both clients ask of the engine: each verb as a native call, so that the verbs are said once."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from alphec_execution import _log, _native
from alphec_execution._enums import OrderState, TimeInForce
from alphec_execution._orders import Asked, GroupRequest, OrderRequest, OrderType, terms
from alphec_execution._records import Alert, StopReport
from alphec_execution._rules import RiskRule
from alphec_execution._subscription import Subscription
from alphec_execution.errors import ClientStopped, InDoubt, OrderRejected

KILL_TIMEOUT = 30.0
"""How long ``kill`` waits for its proof, in seconds."""

READY_TIMEOUT = 30.0
"""How long ``connect`` waits until orders can be sent, in seconds."""


@dataclass(frozen=True)
class Options:
    """What ``connect`` was told."""

    profile: str | None = None
    config: str | os.PathLike[str] | None = None
    host: str | None = None
    port: int | None = None
    client_id: int | None = None
    journal: str | os.PathLike[str] | None = None
    arm: str | None = None
    strategy_id: str | None = None
    rules: Sequence[RiskRule] = ()
    ready_timeout: float | None = READY_TIMEOUT
    unarmed: bool = False
    on_alert: Callable[[Alert], None] | None = None

    def start(self, rules: list[tuple[str, float, Any]]) -> _native.Client:
        """Starts the engine. Blocks for as long as the journal's replay takes."""
        _log.listen()
        return _native.Client.start(
            profile=self.profile,
            config=None if self.config is None else os.fspath(self.config),
            host=self.host,
            port=self.port,
            client_id=self.client_id,
            journal=None if self.journal is None else os.fspath(self.journal),
            arm=self.arm,
            unarmed=self.unarmed,
            hears_alerts=self.on_alert is not None,
            rules=rules,
        )


@dataclass
class Verbs:
    """The native client, and what it is asked."""

    options: Options
    running: _native.Client | None = field(default=None)
    subscription: Subscription | None = field(default=None)

    def begin(self, native: _native.Client) -> None:
        """The engine runs: whoever wants its alerts hears them from the start on."""
        self.running = native
        told = native.told()
        if self.options.on_alert is not None and told is not None:
            self.subscription = Subscription(told, self.options.on_alert)

    @property
    def native(self) -> _native.Client:
        if self.running is None:
            raise ClientStopped(
                "this client is not started; write `async with ExecutionClient.connect(...) as client:`, or "
                "`with` for the blocking one"
            )
        return self.running

    def submit(self, request: OrderRequest) -> _native.Call:
        if not isinstance(request, OrderRequest):
            raise TypeError(f"submit_order takes an OrderRequest, not {type(request).__name__}")
        return self.native.submit_order(self._asked(request))

    def submit_group(self, request: GroupRequest) -> _native.Call:
        if not isinstance(request, GroupRequest):
            raise TypeError(f"submit_group takes a GroupRequest, not {type(request).__name__}")
        return self.native.submit_group(request.kind.value, [self._asked(order) for order in request.orders])

    def _asked(self, request: OrderRequest) -> Asked:
        return (
            request.client_order_id,
            request.strategy_id or self._strategy_id(),
            request.correlation_id or _native.new_id(),
            request.account or self.only_account(),
            request.instrument,
            request._terms(),
            None if request.when_in_doubt is None else request.when_in_doubt.value,
        )

    def modify(
        self,
        order: _native.Order,
        order_qty: Decimal | int | None,
        order_type: OrderType | None,
        time_in_force: TimeInForce | None,
        expire_at: datetime | None,
    ) -> _native.Call:
        life = order.time_in_force if time_in_force is None else time_in_force
        if life is TimeInForce.GTD and expire_at is None:
            expire_at = order.expire_at
        quantity = order.order_qty if order_qty is None else order_qty
        kind = order.order_type if order_type is None else order_type
        changed = terms(order.side, quantity, kind, life, expire_at)
        return self.native.modify_order(order.client_order_id, changed)

    def only_account(self) -> str:
        accounts = self.native.accounts
        if len(accounts) == 1:
            return accounts[0]
        raise ValueError(f"the profile has several accounts; say which: account= one of {', '.join(accounts)}")

    def _strategy_id(self) -> str:
        if self.options.strategy_id is None:
            raise ValueError(
                'say whose order it is: strategy_id="…" in the OrderRequest, or once for all in connect(…)'
            )
        return self.options.strategy_id


def tell_what_is_left(report: StopReport) -> None:
    """Where nobody looks at the report of a stop, the log has what it must not keep to itself."""
    if report.records_lost:
        _log.log.error("stopped, and %d records did not become durable", report.records_lost)
    if not report.all_answered:
        _log.log.error("stopped before the broker had answered every cancel; orders may still work")
    if report.left_working:
        keys = ", ".join(order.client_order_id for order in report.left_working[:10])
        _log.log.warning("stopped, and %d orders are left at the broker: %s", len(report.left_working), keys)


def checked(order: _native.Order) -> _native.Order:
    """The order, if the broker has taken it."""
    if order.state is OrderState.REJECTED:
        raise OrderRejected(order)
    if order.state is OrderState.IN_DOUBT:
        raise InDoubt(order)
    return order


def key_of(order: Any) -> str:
    """The id of an order, given as itself, by a handle, or by an order."""
    key = order if isinstance(order, str) else getattr(order, "client_order_id", None)
    if not isinstance(key, str):
        raise TypeError(f"{order!r} names no order: give its client_order_id, or the handle")
    return key

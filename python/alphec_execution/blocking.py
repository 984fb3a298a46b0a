"""The same client for scripts and notebooks: every verb blocks until it is answered. Ctrl-C gets through."""

from __future__ import annotations

import contextlib
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from types import TracebackType
from typing import TYPE_CHECKING, Any

from alphec_execution import _frames, _native
from alphec_execution._enums import TimeInForce
from alphec_execution._orders import GroupRequest, OrderRequest, OrderType
from alphec_execution._records import (
    Account,
    Alert,
    Fill,
    ForeignOrder,
    Halt,
    Position,
    Quote,
    Reconciliation,
    Status,
    StopReport,
)
from alphec_execution._rules import RiskRule, native_rules
from alphec_execution._subscription import Subscription
from alphec_execution._verbs import (
    KILL_TIMEOUT,
    READY_TIMEOUT,
    Options,
    Verbs,
    checked,
    key_of,
    tell_what_is_left,
)
from alphec_execution.errors import ClientStopped, ExecutionError

if TYPE_CHECKING:
    import pandas

Event = _native.Event
Order = _native.Order

__all__ = ["ExecutionClient", "OrderHandle"]


class OrderHandle:
    """One order, to be watched. Dropping it does nothing to the order.

    Every wait takes ``timeout`` in seconds and raises ``TimeoutError`` when it is over; the order goes on.
    """

    __slots__ = ("_client", "_native")

    def __init__(self, client: ExecutionClient, native: _native.Handle) -> None:
        self._client = client
        self._native = native

    @property
    def client_order_id(self) -> str:
        """Its key."""
        return self._native.client_order_id

    @property
    def last(self) -> Order:
        """The order as last heard of."""
        return self._native.last

    def accepted(self, timeout: float | None = None) -> Order:
        """Waits for the broker's first answer. :raises OrderRejected: :raises InDoubt:"""
        return checked(self._native.accepted().wait(timeout))

    def done(self, timeout: float | None = None) -> Order:
        """Waits until it has ended, in whichever state."""
        order: Order = self._native.done().wait(timeout)
        return order

    def replaced(self, timeout: float | None = None) -> Order:
        """Waits until the change asked for last has been answered, and gives the order as it is then.

        It has a higher `version` where the change was made, and the terms before it where it was not. That one was
        refused, never written or not seen is an alert too (`AlertKind.CHANGE_FAILED`). One of a held order, such as
        a stop, may never be answered: bound the wait, and ask again.
        """
        order: Order = self._native.replaced().wait(timeout)
        return order

    def modify(
        self,
        *,
        order_qty: Decimal | int | None = None,
        order_type: OrderType | None = None,
        time_in_force: TimeInForce | None = None,
        expire_at: datetime | None = None,
    ) -> Order:
        """As :meth:`ExecutionClient.modify_order`."""
        return self._client.modify_order(
            self, order_qty=order_qty, order_type=order_type, time_in_force=time_in_force, expire_at=expire_at
        )

    def cancel(self) -> Order:
        """As :meth:`ExecutionClient.cancel_order`."""
        return self._client.cancel_order(self)

    def events(self, timeout: float | None = None) -> Iterator[Event]:
        """Its events since it was asked for, each once durable, until the order has ended.

        A wait that is over raises ``TimeoutError``, and the same iterator goes on.
        """
        return _OrderEvents(self._client, self._native, timeout)

    def __repr__(self) -> str:
        return f"<OrderHandle of {self.last!r}>"


class ExecutionClient:
    """A running engine. Make one with :meth:`connect`."""

    def __init__(self, options: Options) -> None:
        self._verbs = Verbs(options)

    @classmethod
    def connect(
        cls,
        profile: str | None = None,
        *,
        config: str | os.PathLike[str] | None = None,
        host: str | None = None,
        port: int | None = None,
        client_id: int | None = None,
        journal: str | os.PathLike[str] | None = None,
        strategy_id: str | None = None,
        rules: Sequence[RiskRule] = (),
        arm: str | None = None,
        unarmed: bool = False,
        ready_timeout: float | None = READY_TIMEOUT,
        on_alert: Callable[[Alert], None] | None = None,
    ) -> ExecutionClient:
        """A running client of this profile, as :meth:`alphec_execution.ExecutionClient.connect`."""
        client = cls(
            Options(
                profile=profile,
                config=config,
                host=host,
                port=port,
                client_id=client_id,
                journal=journal,
                arm=arm,
                strategy_id=strategy_id,
                rules=tuple(rules),
                ready_timeout=ready_timeout,
                unarmed=unarmed,
                on_alert=on_alert,
            )
        )
        client._start()
        return client

    def __enter__(self) -> ExecutionClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(ClientStopped):
            tell_what_is_left(self.stop())

    def _start(self) -> None:
        if self._verbs.running is not None:
            raise ExecutionError("this client was started already; connect again for another")
        options = self._verbs.options
        native = options.start(native_rules(options.rules, None))
        try:
            self._verbs.begin(native)
            if options.ready_timeout is not None:
                self.wait_ready(options.ready_timeout)
        except BaseException:
            with contextlib.suppress(ClientStopped):
                native.leave().wait()
            raise

    @property
    def profile(self) -> str:
        """The profile's name."""
        return self._verbs.native.profile

    @property
    def instruments(self) -> list[str]:
        """What may be traded."""
        return self._verbs.native.instruments

    @property
    def accounts(self) -> list[str]:
        """Where it may be traded."""
        return self._verbs.native.accounts

    def submit_order(self, request: OrderRequest) -> OrderHandle:
        """Submits an order. Returns once its intent is durable. :raises OrderDenied:"""
        return OrderHandle(self, self._verbs.submit(request).wait())

    def submit_group(self, request: GroupRequest) -> list[OrderHandle]:
        """Submits orders that belong together: all recorded in one step, and judged, sent, refused or undone as one.
        Gives their handles in the order asked for.

        :raises OrderDenied: our gate refused one of them (its ``order`` says which); none was sent.
        :raises ValueError: these orders make no group.
        """
        handles = self._verbs.submit_group(request).wait()
        return [OrderHandle(self, handle) for handle in handles]

    def modify_order(
        self,
        order: str | OrderHandle | Order,
        *,
        order_qty: Decimal | int | None = None,
        order_type: OrderType | None = None,
        time_in_force: TimeInForce | None = None,
        expire_at: datetime | None = None,
    ) -> Order:
        """Changes a live order's terms; what is not given stays. :raises OrderDenied:"""
        stands = self.get_order_status(order)
        call = self._verbs.modify(stands, order_qty, order_type, time_in_force, expire_at)
        changed: Order = call.wait()
        return changed

    def cancel_order(self, order: str | OrderHandle | Order) -> Order:
        """Cancels an order: never refused while it can be live. It has ended when the broker says so."""
        canceling: Order = self._verbs.native.cancel_order(key_of(order)).wait()
        return canceling

    def cancel_all(
        self, *, account: str | None = None, strategy_id: str | None = None, instrument: str | None = None
    ) -> list[str]:
        """Cancels every order of ours, or those of one account, strategy or instrument; gives their ids."""
        ids: list[str] = self._verbs.native.cancel_all(account, strategy_id, instrument).wait()
        return ids

    def kill(
        self,
        reason: str,
        *,
        by: str = "python",
        timeout: float | None = KILL_TIMEOUT,
        account: str | None = None,
        strategy_id: str | None = None,
        instrument: str | None = None,
    ) -> list[str]:
        """The kill switch: halts the scope across restarts, cancels everything of ours in it, and waits until the
        broker's complete lists show that nothing of it works any more. Gives the ids of what it canceled.

        Neither a time that is up nor Ctrl-C ends the kill: it goes on, through reconnects too.

        :param timeout: seconds to wait for the proof; ``None`` waits for good.
        :raises KillNotVerified: there is no proof in time; says what it canceled and what may still work.
        :raises NotOnRecord: it is in force and its cancels leave, but the journal has not taken it; should this process
            end first, the next one carries it out. Kill again to wait for the proof.
        """
        ids: list[str] = self._verbs.native.kill(by, reason, timeout, account, strategy_id, instrument).wait()
        return ids

    def halt(self, reason: str, *, by: str = "python") -> None:
        """Refuses every new order and change, across restarts, until resumed.

        :raises NotOnRecord: it is in force, but the journal has not taken it; should this process end first, the next
            one carries it out.
        """
        self._verbs.native.halt(by, reason).wait()

    def resume(
        self,
        reason: str,
        *,
        by: str = "python",
        account: str | None = None,
        strategy_id: str | None = None,
        instrument: str | None = None,
    ) -> None:
        """Allows orders again.

        Refused until the broker's books were read since the halt with no gap open, nothing in doubt and no position
        that differs, no order of ours lives twice, and a kill is verified.
        """
        self._verbs.native.resume(by, reason, account, strategy_id, instrument).wait()

    def halts(self) -> list[Halt]:
        """Every halt in force."""
        halts: list[Halt] = self._verbs.native.halts().wait()
        return halts

    def accept_position(self, instrument: str, reason: str, *, by: str = "python", account: str | None = None) -> None:
        """An operator's act, on record: where the counts differ, the broker's is right. Thaws the instrument."""
        name = self._verbs.only_account() if account is None else account
        self._verbs.native.accept_position(name, instrument, by, reason).wait()

    def settle_order(self, order: str | OrderHandle | Order, reason: str, *, by: str = "python") -> Order:
        """An operator's act, on record: an order in doubt is over at the broker, by proof that we cannot see."""
        settled: Order = self._verbs.native.settle_order(key_of(order), by, reason).wait()
        return settled

    def get_order_status(self, order: str | OrderHandle | Order) -> Order:
        """One order as it stands. :raises UnknownOrder: there is none of this id."""
        stands: Order = self._verbs.native.get_order_status(key_of(order)).wait()
        return stands

    def order(self, client_order_id: str) -> OrderHandle:
        """A handle on an order that exists."""
        return OrderHandle(self, self._verbs.native.order(key_of(client_order_id)).wait())

    def open_orders(self) -> list[Order]:
        """Every order that can still change, oldest first."""
        orders: list[Order] = self._verbs.native.open_orders().wait()
        return orders

    def all_orders(self) -> list[Order]:
        """Every order of this journal, oldest first."""
        orders: list[Order] = self._verbs.native.all_orders().wait()
        return orders

    def foreign_orders(self) -> list[ForeignOrder]:
        """Open orders of others in our accounts, those too that the last lists left out for the first time."""
        orders: list[ForeignOrder] = self._verbs.native.foreign_orders().wait()
        return orders

    def fills(self, order: str | OrderHandle | Order) -> list[Fill]:
        """The fills of one order."""
        fills: list[Fill] = self._verbs.native.fills(key_of(order)).wait()
        return fills

    def positions(self) -> list[Position]:
        """Every position that is not flat."""
        positions: list[Position] = self._verbs.native.positions().wait()
        return positions

    def account(self, account: str | None = None) -> Account | None:
        """The latest figures of an account, the only one if not named; ``None`` before the first arrive."""
        name = self._verbs.only_account() if account is None else account
        values: Account | None = self._verbs.native.account(name).wait()
        return values

    def quote(self, instrument: str, *, timeout: float | None = None) -> Quote | None:
        """The latest quote; with ``timeout`` (seconds), waits for the first one."""
        native = self._verbs.native
        call = native.quote(instrument) if timeout is None else native.wait_quote(instrument, timeout)
        quote: Quote | None = call.wait()
        return quote

    def reconcile(self, timeout: float = READY_TIMEOUT) -> Reconciliation:
        """Reads the broker's complete books now, and gives what they leave open."""
        found: Reconciliation = self._verbs.native.reconcile(timeout).wait()
        return found

    def status(self) -> Status:
        """Whether orders can be sent, and if not, why: see :class:`Status`."""
        status: Status = self._verbs.native.status().wait()
        return status

    def wait_ready(self, timeout: float = READY_TIMEOUT) -> None:
        """Waits until orders can be sent.

        :raises NotConnected: says what was missing when the time was up, or at once where the journal is in trouble.
        """
        self._verbs.native.wait_ready(timeout).wait()

    def events(self, timeout: float | None = None) -> Iterator[Event]:
        """Everything from now on, in record order, each once durable. Ends when the client stops."""
        return _Stream(self, self._verbs.native.events(), timeout)

    def alerts(self, timeout: float | None = None) -> Iterator[Alert]:
        """Every alert from now on."""
        return _Stream(self, self._verbs.native.alerts(), timeout)

    def on_event(self, callback: Callable[[Event], None]) -> Subscription:
        """Calls back with every event, on a thread of its own."""
        return Subscription(self._verbs.native.events(), callback)

    def on_alert(self, callback: Callable[[Alert], None]) -> Subscription:
        """Calls back with every alert, on a thread of its own."""
        return Subscription(self._verbs.native.alerts(), callback)

    def orders_frame(self) -> pandas.DataFrame:
        """Every order, by the time it was made. Decimals stay exact."""
        return _frames.orders(self.all_orders())

    def fills_frame(self) -> pandas.DataFrame:
        """Every fill, order by order; the index is the time, ``NaT`` where that is not known."""
        return _frames.fills([(order, self.fills(order)) for order in self.all_orders() if order.cum_qty])

    def positions_frame(self) -> pandas.DataFrame:
        """Every position that is not flat."""
        return _frames.positions(self.positions())

    def audit_frame(
        self,
        *,
        order: str | OrderHandle | Order | None = None,
        correlation_id: str | None = None,
        kind: str | None = None,
        since: datetime | None = None,
        last: int | None = None,
    ) -> pandas.DataFrame:
        """Records of the journal, by their time, each with its hash and its exact text."""
        key = None if order is None else key_of(order)
        return _frames.audit(self._verbs.native.journal, key, correlation_id, kind, since, last)

    def stop(self) -> StopReport:
        """Stops by the profile's policy. :raises ClientStopped: it has stopped already."""
        report: StopReport = self._verbs.native.stop().wait()
        return report


class _Stream:
    """Batches of a native stream, one by one. What is raised on the way ends nothing."""

    def __init__(self, client: ExecutionClient, native: Any, timeout: float | None) -> None:
        self._client = client  # Whoever listens keeps it from being stopped.
        self._native = native
        self._timeout = timeout
        self._heard: deque[Any] = deque()

    def __iter__(self) -> _Stream:
        return self

    def __next__(self) -> Any:
        while not self._heard:
            try:
                self._heard.extend(self._native.next().wait(self._timeout))
            except ClientStopped:
                raise StopIteration from None
        return self._heard.popleft()


class _OrderEvents:
    """The events of one order, until it has ended."""

    def __init__(self, client: ExecutionClient, native: _native.Handle, timeout: float | None) -> None:
        self._client = client  # Whoever listens keeps it from being stopped.
        self._native = native
        self._timeout = timeout
        self._is_over = False

    def __iter__(self) -> _OrderEvents:
        return self

    def __next__(self) -> Event:
        if self._is_over:
            raise StopIteration
        if self._native.was_over:
            try:
                event: Event = self._native.next_event().wait(0)
            except TimeoutError:
                raise StopIteration from None
            return event
        event = self._native.next_event().wait(self._timeout)
        self._is_over = event.order is not None and not event.order.is_open
        return event

"""The client for asyncio: the verbs of the library, each a coroutine."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable, Generator, Sequence
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
from alphec_execution._streams import OrderEvents, Stream
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


class OrderHandle:
    """One order, to be watched. Dropping it does nothing to the order."""

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

    async def accepted(self) -> Order:
        """Waits for the broker's first answer.

        An order that was given up before its first byte is returned as ``DENIED``: see its ``deny_reason``.

        :raises OrderRejected: the broker refused it.
        :raises InDoubt: the broker did not answer, so that it may be live or not.
        """
        return checked(await self._client._wait(self._native.accepted()))

    async def done(self) -> Order:
        """Waits until it has ended, in whichever state. An order in doubt has not: bound the wait."""
        order: Order = await self._client._wait(self._native.done())
        return order

    async def replaced(self) -> Order:
        """Waits until the change asked for last has been answered, and gives the order as it is then.

        It has a higher `version` where the change was made, and the terms before it where it was not. That one was
        refused, never written or not seen is an alert too (`AlertKind.CHANGE_FAILED`). One of a held order, such as
        a stop, may never be answered: bound the wait, and ask again.
        """
        order: Order = await self._client._wait(self._native.replaced())
        return order

    async def modify(
        self,
        *,
        order_qty: Decimal | int | None = None,
        order_type: OrderType | None = None,
        time_in_force: TimeInForce | None = None,
        expire_at: datetime | None = None,
    ) -> Order:
        """As :meth:`ExecutionClient.modify_order`."""
        return await self._client.modify_order(
            self, order_qty=order_qty, order_type=order_type, time_in_force=time_in_force, expire_at=expire_at
        )

    async def cancel(self) -> Order:
        """As :meth:`ExecutionClient.cancel_order`."""
        return await self._client.cancel_order(self)

    def events(self) -> AsyncIterator[Event]:
        """Its events since it was asked for, each once durable, until the order has ended.

        What comes after the end (commissions, a late fill) is heard in :meth:`ExecutionClient.events`. A wait that is
        bounded and over loses none; the same iterator goes on.
        """
        return OrderEvents(self._client, self._native)

    def __repr__(self) -> str:
        return f"<OrderHandle of {self.last!r}>"


class ExecutionClient:
    """A running engine. Make one with :meth:`connect`."""

    def __init__(self, options: Options) -> None:
        self._verbs = Verbs(options)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._bridge: _native.Bridge | None = None

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
        """A client of this profile: ``async with ExecutionClient.connect("paper") as client``, or ``await`` it.

        :param profile: its name in the configuration; ``None`` for the default one.
        :param config: the file; ``None`` looks where the command line looks.
        :param strategy_id: whose orders these are, where a request does not say.
        :param rules: risk rules of your own; all must pass.
        :param arm: the arming token, for a live profile.
        :param unarmed: of a live profile: follow, cancel and kill, and send nothing new. Stopping needs no permission.
        :param ready_timeout: seconds to wait until orders can be sent; ``None`` does not wait. What does not become
            ready in time ends again and cancels nothing: orders of before, such as stop-losses, work on.
        :param on_alert: hears every alert on a thread of its own, from the first one of the start on.
        """
        return cls(
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

    async def __aenter__(self) -> ExecutionClient:
        await self._start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(ClientStopped):
            tell_what_is_left(await self.stop())

    def __await__(self) -> Generator[Any, None, ExecutionClient]:
        return self.__aenter__().__await__()

    async def _start(self) -> None:
        if self._loop is not None:
            raise ExecutionError("this client was started already; connect again for another")
        options = self._verbs.options
        loop = asyncio.get_running_loop()
        rules = native_rules(options.rules, loop)
        starting = loop.run_in_executor(None, options.start, rules)
        try:
            native = await asyncio.shield(starting)
        except asyncio.CancelledError:
            # The thread goes on; what it starts is nobody's, and must not cancel what works already.
            starting.add_done_callback(_leave)
            raise
        try:
            self._verbs.begin(native)
            self._loop, self._bridge = loop, _native.Bridge()
            loop.add_reader(self._bridge.fileno(), self._bridge.drain)
            if options.ready_timeout is not None:
                await self._wait(native.wait_ready(options.ready_timeout))
        except BaseException:
            with contextlib.suppress(ClientStopped):
                if self._bridge is None:
                    native.leave().wait()
                else:
                    await self._end(native.leave())
            raise

    def _begin(self, call: _native.Call) -> asyncio.Future[Any]:
        """Begins a call. Cancelling the future leaves what was asked to go on."""
        return self._started(call)[0]

    def _wait(self, call: _native.Call) -> asyncio.Future[Any]:
        """Begins a call that only waits, and asks for nothing: cancelling the future ends it."""
        future, number, bridge = self._started(call)

        def forget(future: asyncio.Future[Any]) -> None:
            if future.cancelled():
                bridge.forget(number)

        future.add_done_callback(forget)
        return future

    def _started(self, call: _native.Call) -> tuple[asyncio.Future[Any], int, _native.Bridge]:
        loop, bridge = self._loop, self._bridge
        if loop is None or bridge is None:
            raise ClientStopped("this client has stopped; connect again")
        if asyncio.get_running_loop() is not loop:
            state = "closed" if loop.is_closed() else "another one"
            raise ExecutionError(
                f"this client belongs to the event loop it was started in, which is {state}; use it there, or "
                "connect again in this one"
            )
        future = loop.create_future()
        return future, bridge.begin(call, future), bridge

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

    async def submit_order(self, request: OrderRequest) -> OrderHandle:
        """Submits an order. Returns once its intent is durable (and, with risk rules, judged).

        The same ``client_order_id`` with the same body gives the same order and sends nothing. Cancelling the
        ``await`` neither cancels nor loses the order.

        :raises OrderDenied: our gate refused it; nothing was sent.
        """
        return OrderHandle(self, await self._begin(self._verbs.submit(request)))

    async def submit_group(self, request: GroupRequest) -> list[OrderHandle]:
        """Submits orders that belong together: all recorded in one step, and judged, sent, refused or undone as one.
        Gives their handles in the order asked for.

        :raises OrderDenied: our gate refused one of them (its ``order`` says which); none was sent.
        :raises ValueError: these orders make no group.
        """
        handles = await self._begin(self._verbs.submit_group(request))
        return [OrderHandle(self, handle) for handle in handles]

    async def modify_order(
        self,
        order: str | OrderHandle | Order,
        *,
        order_qty: Decimal | int | None = None,
        order_type: OrderType | None = None,
        time_in_force: TimeInForce | None = None,
        expire_at: datetime | None = None,
    ) -> Order:
        """Changes a live order's terms; what is not given stays. Returns once the change is durable and on its way.

        The order keeps its old terms until the broker repeats the new ones: see :meth:`OrderHandle.replaced`.

        :raises OrderDenied: our gate refused it; the order stands as it did.
        """
        stands = await self.get_order_status(order)
        call = self._verbs.modify(stands, order_qty, order_type, time_in_force, expire_at)
        changed: Order = await self._begin(call)
        return changed

    async def cancel_order(self, order: str | OrderHandle | Order) -> Order:
        """Cancels an order: never refused while it can be live. It has ended when the broker says so."""
        canceling: Order = await self._begin(self._verbs.native.cancel_order(key_of(order)))
        return canceling

    async def cancel_all(
        self, *, account: str | None = None, strategy_id: str | None = None, instrument: str | None = None
    ) -> list[str]:
        """Cancels every order of ours, or those of one account, strategy or instrument; gives their ids."""
        call = self._verbs.native.cancel_all(account, strategy_id, instrument)
        ids: list[str] = await self._begin(call)
        return ids

    async def kill(
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

        Neither a time that is up nor a cancelled ``await`` ends the kill: it goes on, through reconnects too.

        :param timeout: seconds to wait for the proof; ``None`` waits for good.
        :raises KillNotVerified: there is no proof in time; says what it canceled and what may still work.
        :raises NotOnRecord: it is in force and its cancels leave, but the journal has not taken it; should this process
            end first, the next one carries it out. Kill again to wait for the proof.
        """
        call = self._verbs.native.kill(by, reason, timeout, account, strategy_id, instrument)
        ids: list[str] = await self._begin(call)
        return ids

    async def halt(self, reason: str, *, by: str = "python") -> None:
        """Refuses every new order and change, across restarts, until resumed.

        :raises NotOnRecord: it is in force, but the journal has not taken it; should this process end first, the next
            one carries it out.
        """
        await self._begin(self._verbs.native.halt(by, reason))

    async def resume(
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
        call = self._verbs.native.resume(by, reason, account, strategy_id, instrument)
        await self._begin(call)

    async def halts(self) -> list[Halt]:
        """Every halt in force."""
        halts: list[Halt] = await self._begin(self._verbs.native.halts())
        return halts

    async def accept_position(
        self, instrument: str, reason: str, *, by: str = "python", account: str | None = None
    ) -> None:
        """An operator's act, on record: where the counts differ, the broker's is the right one. Thaws the instrument.

        :raises ExecutionError: there is no difference.
        """
        name = self._verbs.only_account() if account is None else account
        await self._begin(self._verbs.native.accept_position(name, instrument, by, reason))

    async def settle_order(self, order: str | OrderHandle | Order, reason: str, *, by: str = "python") -> Order:
        """An operator's act, on record: an order in doubt is over at the broker, by proof that we cannot see.

        :raises ExecutionError: it is not in doubt.
        """
        settled: Order = await self._begin(self._verbs.native.settle_order(key_of(order), by, reason))
        return settled

    async def get_order_status(self, order: str | OrderHandle | Order) -> Order:
        """One order as it stands. :raises UnknownOrder: there is none of this id."""
        stands: Order = await self._begin(self._verbs.native.get_order_status(key_of(order)))
        return stands

    async def order(self, client_order_id: str) -> OrderHandle:
        """A handle on an order that exists."""
        return OrderHandle(self, await self._begin(self._verbs.native.order(key_of(client_order_id))))

    async def open_orders(self) -> list[Order]:
        """Every order that can still change, oldest first."""
        orders: list[Order] = await self._begin(self._verbs.native.open_orders())
        return orders

    async def all_orders(self) -> list[Order]:
        """Every order of this journal, oldest first."""
        orders: list[Order] = await self._begin(self._verbs.native.all_orders())
        return orders

    async def foreign_orders(self) -> list[ForeignOrder]:
        """Open orders of others in our accounts, those too that the last lists left out for the first time."""
        orders: list[ForeignOrder] = await self._begin(self._verbs.native.foreign_orders())
        return orders

    async def fills(self, order: str | OrderHandle | Order) -> list[Fill]:
        """The fills of one order."""
        fills: list[Fill] = await self._begin(self._verbs.native.fills(key_of(order)))
        return fills

    async def positions(self) -> list[Position]:
        """Every position that is not flat."""
        positions: list[Position] = await self._begin(self._verbs.native.positions())
        return positions

    async def account(self, account: str | None = None) -> Account | None:
        """The latest figures of an account, the only one if not named; ``None`` before the first arrive."""
        name = self._verbs.only_account() if account is None else account
        values: Account | None = await self._begin(self._verbs.native.account(name))
        return values

    async def quote(self, instrument: str, *, timeout: float | None = None) -> Quote | None:
        """The latest quote; with ``timeout`` (seconds), waits for the first one."""
        native = self._verbs.native
        call = native.quote(instrument) if timeout is None else native.wait_quote(instrument, timeout)
        quote: Quote | None = await self._begin(call)
        return quote

    async def reconcile(self, timeout: float = READY_TIMEOUT) -> Reconciliation:
        """Reads the broker's complete books now, and gives what they leave open. Done by itself every minute.

        :raises NotConnected: they could not be read in time.
        """
        found: Reconciliation = await self._begin(self._verbs.native.reconcile(timeout))
        return found

    async def status(self) -> Status:
        """Whether orders can be sent, and if not, why: see :class:`Status`."""
        status: Status = await self._begin(self._verbs.native.status())
        return status

    async def wait_ready(self, timeout: float = READY_TIMEOUT) -> None:
        """Waits until orders can be sent.

        :raises NotConnected: says what was missing when the time was up, or at once where the journal is in trouble.
        """
        await self._wait(self._verbs.native.wait_ready(timeout))

    def events(self) -> AsyncIterator[Event]:
        """Everything from now on, in record order, each once durable. Ends when the client stops.

        Whoever falls behind too far gets :class:`EventsMissed` once; the same iterator goes on after it.
        """
        return Stream(self, self._verbs.native.events())

    def alerts(self) -> AsyncIterator[Alert]:
        """Every alert from now on."""
        return Stream(self, self._verbs.native.alerts())

    def on_event(self, callback: Callable[[Event], None]) -> Subscription:
        """Calls back with every event, on a thread of its own."""
        return Subscription(self._verbs.native.events(), callback)

    def on_alert(self, callback: Callable[[Alert], None]) -> Subscription:
        """Calls back with every alert, on a thread of its own."""
        return Subscription(self._verbs.native.alerts(), callback)

    async def orders_frame(self) -> pandas.DataFrame:
        """Every order, by the time it was made. Decimals stay exact."""
        return _frames.orders(await self.all_orders())

    async def fills_frame(self) -> pandas.DataFrame:
        """Every fill, order by order; the index is the time, ``NaT`` where that is not known."""
        traded = [order for order in await self.all_orders() if order.cum_qty]
        return _frames.fills([(order, await self.fills(order)) for order in traded])

    async def positions_frame(self) -> pandas.DataFrame:
        """Every position that is not flat."""
        return _frames.positions(await self.positions())

    async def audit_frame(
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
        journal = self._verbs.native.journal
        return await asyncio.to_thread(_frames.audit, journal, key, correlation_id, kind, since, last)

    async def stop(self) -> StopReport:
        """Stops by the profile's policy: no new orders, open ones canceled or kept, the answers waited for.

        :raises ClientStopped: it has stopped already.
        """
        return await self._end(self._verbs.native.stop())

    async def _end(self, stop: _native.Call) -> StopReport:
        report: StopReport = await self._begin(stop)
        loop, bridge = self._loop, self._bridge
        self._bridge = None
        if loop is not None and bridge is not None:
            _end(loop, bridge)
        return report


def _leave(started: asyncio.Future[_native.Client]) -> None:
    """Ends an engine that came to be when nobody wanted it any more."""
    if not started.cancelled() and started.exception() is None:
        started.result().leave().wait()


def _end(loop: asyncio.AbstractEventLoop, bridge: _native.Bridge) -> None:
    """Whoever still waits hears that the engine has stopped; then the loop is rid of the bridge."""

    def drain() -> None:
        bridge.drain()
        if not len(bridge):
            loop.remove_reader(bridge.fileno())

    loop.add_reader(bridge.fileno(), drain)
    drain()

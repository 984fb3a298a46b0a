"""What asyncio listens to: streams whose reads no cancelled wait can lose."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from alphec_execution import _native
from alphec_execution.errors import ClientStopped

if TYPE_CHECKING:
    from alphec_execution.client import ExecutionClient

Event = _native.Event


class _Reading:
    """One read after the other. A reader that goes away leaves its read to the next one, so that nothing it would have
    heard is lost.
    """

    def __init__(self, client: ExecutionClient, read: Callable[[], _native.Call]) -> None:
        self._client = client
        self._read = read
        self._under_way: asyncio.Future[Any] | None = None
        self._turn = asyncio.Lock()

    async def next(self) -> Any:
        async with self._turn:
            if self._under_way is None:
                self._under_way = self._client._begin(self._read())
                self._under_way.add_done_callback(_looked_at)
            # Whoever is cancelled although the answer is there leaves it to the next one.
            await asyncio.wait([self._under_way])
            answered, self._under_way = self._under_way, None
            return answered.result()

    def left(self) -> Any:
        """What is there already, once the client has stopped."""
        return self._read().wait(0)


def _looked_at(future: asyncio.Future[Any]) -> None:
    """Whoever goes away before an answer need not hear that it failed."""
    if not future.cancelled():
        future.exception()


class Stream:
    """Batches of a native stream, one by one."""

    def __init__(self, client: ExecutionClient, native: Any) -> None:
        self._reading = _Reading(client, native.next)
        self._heard: deque[Any] = deque()

    def __aiter__(self) -> Stream:
        return self

    async def __anext__(self) -> Any:
        while not self._heard:
            try:
                heard = await self._reading.next()
            except ClientStopped:
                heard = self._left()
            self._heard.extend(heard)
        return self._heard.popleft()

    def _left(self) -> Any:
        try:
            return self._reading.left()
        except (ClientStopped, TimeoutError):
            raise StopAsyncIteration from None


class OrderEvents:
    """The events of one order, until it has ended."""

    def __init__(self, client: ExecutionClient, native: _native.Handle) -> None:
        self._native = native
        self._reading = _Reading(client, native.next_event)
        self._is_over = False

    def __aiter__(self) -> OrderEvents:
        return self

    async def __anext__(self) -> Event:
        if self._is_over:
            raise StopAsyncIteration
        if self._native.was_over:
            try:
                event: Event = self._reading.left()
            except TimeoutError:
                raise StopAsyncIteration from None
            return event
        event = await self._reading.next()
        self._is_over = event.order is not None and not event.order.is_open
        return event

"""What is heard: nothing that was told is lost to a wait that ended early."""

import asyncio
import contextlib
from decimal import Decimal

import pytest

from alphec_execution import ExecutionClient, Limit, Market, OrderRequest, Side

REST = OrderRequest("AAPL", Side.BUY, 10, Limit(Decimal("199.50")))


def test_a_read_that_was_bounded_loses_no_event(trading):
    async def body(client: ExecutionClient):
        events = client.events()
        request = REST.fresh()
        early = []
        for _ in range(5):
            with contextlib.suppress(TimeoutError):
                early.append(await asyncio.wait_for(anext(events), 0.02))
        handle = await client.submit_order(request)
        own = handle.events()
        await handle.accepted()
        heard = list(early)
        while not any(event.kind == "order_changed" for event in heard):
            heard.append(await asyncio.wait_for(anext(events), 5))
        kinds = [event.kind for event in heard if event.client_order_id == request.client_order_id]
        assert kinds[0] == "accepted", kinds
        first = [await anext(own) for _ in kinds]
        for _ in range(5):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(anext(own), 0.02)
        await handle.cancel()
        rest = [event.kind async for event in own]
        assert ([event.kind for event in first], rest[0]) == (kinds, "cancel_asked")

    trading(body)


def test_what_was_told_before_the_stop_is_heard_after_it(trading):
    async def body(client: ExecutionClient):
        events = client.events()
        await (await client.submit_order(REST.fresh())).accepted()
        first = await anext(events)
        await client.stop()
        kinds = [first.kind, *[event.kind async for event in events]]
        assert "accepted" in kinds
        assert kinds[-1] == "stopped"

    trading(body)


def test_the_events_of_an_order_that_was_over_already_end(trading):
    async def body(client: ExecutionClient):
        handle = await client.submit_order(OrderRequest("AAPL", Side.BUY, 1, Market()))
        await handle.done()
        again = await client.order(handle.client_order_id)
        # What is not durable yet may still come; the order was asked for before, and nothing is waited for.
        assert "accepted" not in [event.kind async for event in again.events()]

    trading(body)


def test_waits_that_were_given_up_leave_nothing_behind(trading):
    async def body(client: ExecutionClient):
        handle = await client.submit_order(REST.fresh())
        await handle.accepted()
        before = len(client._bridge)
        for _ in range(20):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(handle.done(), 0.005)
        assert len(client._bridge) == before

    trading(body)

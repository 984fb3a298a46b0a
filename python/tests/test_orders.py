"""Every verb, against the simulated gateway and compared with its truth."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pandas
import pytest

from alphec_execution import (
    ExecutionClient,
    Limit,
    Market,
    OrderDenied,
    OrderRejected,
    OrderRequest,
    OrderState,
    Position,
    Side,
    Stop,
    StopLimit,
    TimeInForce,
    TrailingStop,
    UnknownOrder,
)


def buy(order_type, qty=10, **more):
    return OrderRequest("AAPL", Side.BUY, qty, order_type, **more)


REST = Limit(Decimal("199.50"))


def test_a_limit_order_rests_is_changed_and_is_canceled(trading, ibkr_gateway):
    async def body(client: ExecutionClient):
        handle = await client.submit_order(buy(REST))
        order = await handle.accepted()
        assert (order.state, order.order_qty, order.limit_px) == (
            OrderState.WORKING,
            Decimal(10),
            Decimal("199.50"),
        )
        await handle.modify(order_qty=12, order_type=Limit(Decimal("199.25")))
        changed = await handle.replaced()
        assert (changed.order_qty, changed.limit_px, changed.version) == (Decimal(12), Decimal("199.25"), 2)
        await handle.cancel()
        assert (await handle.done()).state is OrderState.CANCELED
        [truth] = ibkr_gateway.truth()["orders"]
        assert (truth["status"], truth["filled"], truth["order_ref"]) == ("Cancelled", 0, changed.order_ref)

    trading(body)


@pytest.mark.parametrize(
    ("order_type", "life"),
    [
        (REST, TimeInForce.DAY),
        (REST, TimeInForce.GTC),
        (REST, TimeInForce.GTD),
        (Stop(Decimal("210.00")), TimeInForce.GTC),
        (StopLimit(Decimal("210.00"), Decimal("210.50")), TimeInForce.DAY),
        (TrailingStop(amount=Decimal("5.00")), TimeInForce.DAY),
        (TrailingStop(percent=Decimal("2.5")), TimeInForce.GTC),
    ],
)
def test_every_order_type_comes_back_as_it_was_sent(trading, order_type, life):
    expire_at = pandas.Timestamp.now(tz="UTC") + pandas.Timedelta(1, "h") if life is TimeInForce.GTD else None

    async def body(client: ExecutionClient):
        request = buy(order_type, time_in_force=life, expire_at=expire_at)
        order = await (await client.submit_order(request)).accepted()
        assert (order.order_type, order.time_in_force, order.expire_at) == (order_type, life, expire_at)
        [seen] = await client.open_orders()
        assert seen.client_order_id == order.client_order_id

    trading(body)


def test_a_change_of_the_date_alone_is_denied_with_what_to_do(trading):
    expire_at = pandas.Timestamp.now(tz="UTC").ceil("s") + pandas.Timedelta(1, "h")
    later = expire_at + pandas.Timedelta(1, "h")

    async def body(client: ExecutionClient):
        handle = await client.submit_order(buy(REST, time_in_force=TimeInForce.GTD, expire_at=expire_at))
        await handle.accepted()
        with pytest.raises(OrderDenied, match="cancel it and place a new order") as caught:
            await handle.modify(expire_at=later)
        assert (caught.value.rule, caught.value.order.state) == ("terms", OrderState.WORKING)
        await handle.modify(order_qty=11, expire_at=later)
        changed = await handle.replaced()
        assert (changed.order_qty, changed.expire_at) == (Decimal(11), later)

    trading(body)


def test_a_market_order_fills_and_every_book_agrees(trading, ibkr_gateway):
    async def body(client: ExecutionClient):
        handle = await client.submit_order(buy(Market()))
        order = await handle.done()
        assert (order.state, order.cum_qty, order.avg_px) == (OrderState.FILLED, Decimal(10), Decimal("200.01"))
        [fill] = await client.fills(handle)
        [truth] = ibkr_gateway.truth()["executions"]
        assert (fill.exec_id, fill.last_qty, fill.last_px) == (
            truth["exec_id"],
            truth["quantity"],
            truth["price"],
        )
        assert await client.positions() == [Position("DU1234567", "AAPL", Decimal(10), None)]
        account = await client.account()
        assert account is not None
        assert account.currency == "USD"

    trading(body)


def test_an_orders_events_end_with_the_order(trading):
    async def body(client: ExecutionClient):
        handle = await client.submit_order(buy(Market()))
        events = [event async for event in handle.events()]
        assert next(event.kind for event in events) == "accepted"
        assert "filled" in [event.kind for event in events]
        assert [event.seq for event in events] == sorted(event.seq for event in events)
        assert events[-1].order.state is OrderState.FILLED

    trading(body)


def test_the_same_key_and_body_is_the_same_order(trading, ibkr_gateway):
    async def body(client: ExecutionClient):
        request = buy(REST, client_order_id="mine-1", correlation_id="work-1")
        first, second = await asyncio.gather(client.submit_order(request), client.submit_order(request))
        assert first.client_order_id == second.client_order_id == "mine-1"
        await second.accepted()
        assert len(ibkr_gateway.truth()["orders"]) == 1

    trading(body)


def test_our_own_refusal_names_rule_value_and_limit(trading, ibkr_gateway):
    async def body(client: ExecutionClient):
        with pytest.raises(OrderDenied) as caught:
            await client.submit_order(buy(Market(), qty=1_001))
        denied = caught.value
        assert (denied.rule, denied.value, denied.limit) == ("max_order_qty", Decimal(1001), Decimal(1000))
        assert denied.order.state is OrderState.DENIED
        assert ibkr_gateway.truth()["orders"] == []

    trading(body)


def test_the_brokers_refusal_carries_its_code_and_words(trading, ibkr_gateway):
    async def body(client: ExecutionClient):
        ibkr_gateway.inject("reject=201")
        with pytest.raises(OrderRejected) as caught:
            await (await client.submit_order(buy(REST))).accepted()
        assert caught.value.code == 201
        assert caught.value.text

    trading(body)


def test_cancel_all_reaches_what_it_names(trading):
    async def body(client: ExecutionClient):
        apple = await client.submit_order(buy(REST))
        await client.quote("MSFT", timeout=10)
        other = await client.submit_order(OrderRequest("MSFT", Side.BUY, 1, Limit(Decimal(390))))
        assert await client.cancel_all(instrument="MSFT") == [other.client_order_id]
        assert (await other.done()).state is OrderState.CANCELED
        assert await client.cancel_all() == [apple.client_order_id]
        assert (await apple.done()).state is OrderState.CANCELED

    trading(body)


def test_a_halt_holds_until_it_is_resumed(trading):
    async def body(client: ExecutionClient):
        await client.halt("lunch")
        with pytest.raises(OrderDenied, match="lunch"):
            await client.submit_order(buy(REST))
        status = await client.status()
        assert not status.is_ready
        assert "lunch" in status.halted

    trading(body)


def test_an_unknown_order_is_said_to_be_unknown(trading):
    async def body(client: ExecutionClient):
        with pytest.raises(UnknownOrder):
            await client.get_order_status("nobody")

    trading(body)


def test_times_are_utc_to_the_nanosecond(trading):
    async def body(client: ExecutionClient):
        before = datetime.now(UTC) - timedelta(seconds=1)
        order = await (await client.submit_order(buy(REST))).accepted()
        assert isinstance(order.created_at, pandas.Timestamp)
        assert str(order.created_at.tz) == "UTC"
        assert order.created_at.unit == "ns"
        assert order.created_at.value == order.created_at_ns
        assert before < order.created_at < datetime.now(UTC) + timedelta(seconds=1)

    trading(body)


def test_a_fill_is_dated_in_utc_or_not_at_all(trading, ibkr_gateway):
    async def fill_of(client: ExecutionClient, zone: str):
        ibkr_gateway.inject(f"execution-zone={zone}")
        handle = await client.submit_order(buy(Market(), qty=1))
        await handle.done()
        ibkr_gateway.clear_faults()
        [fill] = await client.fills(handle)
        return fill

    async def body(client: ExecutionClient):
        began = pandas.Timestamp.now(tz="UTC").floor("s")
        for zone in ("Asia/Tokyo", "America/Sao_Paulo", "dash", "none"):
            fill = await fill_of(client, zone)
            assert began <= fill.time <= pandas.Timestamp.now(tz="UTC"), fill
            assert (str(fill.time.tz), fill.time.unit) == ("UTC", "ns")
        lost = await fill_of(client, "Nowhere/Town")
        assert lost.time is None
        assert lost.time_text.endswith("Nowhere/Town")
        frame = await client.fills_frame()
        assert list(frame.index.isna()) == [False] * 4 + [True]

    trading(body)


def test_tables_are_exact_and_in_utc(trading):
    async def body(client: ExecutionClient):
        await (await client.submit_order(buy(Market()))).done()
        orders, fills = await client.orders_frame(), await client.fills_frame()
        positions, audit = await client.positions_frame(), await client.audit_frame(kind="filled")
        assert list(orders["avg_px"]) == [Decimal("200.01")]
        assert str(orders.index.dtype) == str(audit.index.dtype) == "datetime64[ns, UTC]"
        assert list(fills["last_px"]) == [Decimal("200.01")]
        assert str(fills.index.dtype) == "datetime64[ns, UTC]"
        assert not fills.index.hasnans
        assert positions.loc[("DU1234567", "AAPL"), "qty"] == Decimal(10)
        assert list(audit["kind"]) == ["filled"]

    trading(body)


def test_tables_of_nothing_have_their_columns(trading):
    async def body(client: ExecutionClient):
        assert list((await client.orders_frame()).columns)
        assert (await client.fills_frame()).empty
        assert (await client.positions_frame()).empty

    trading(body)


def test_the_books_are_read_on_request(trading):
    async def body(client: ExecutionClient):
        await (await client.submit_order(buy(REST))).accepted()
        found = await client.reconcile()
        assert (found.is_clean, found.in_doubt, found.broken, found.foreign) == (True, (), (), ())

    trading(body)


def test_the_same_request_again_is_the_same_order_and_a_fresh_one_is_another(trading, ibkr_gateway):
    request = OrderRequest("AAPL", Side.BUY, 10, Limit(Decimal("199.50")))

    async def body(client: ExecutionClient):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await client.submit_order(request)
        again, another = await client.submit_order(request), await client.submit_order(request.fresh())
        assert again.client_order_id == request.client_order_id != another.client_order_id
        await asyncio.gather(again.accepted(), another.accepted())

    trading(body)
    assert len(ibkr_gateway.truth()["orders"]) == 2

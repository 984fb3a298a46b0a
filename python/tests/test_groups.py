"""Orders that belong together, and the kill switch: one act, with one answer."""

import asyncio
import pickle
from dataclasses import replace
from decimal import Decimal

import pytest

from alphec_execution import (
    ExecutionClient,
    GroupKind,
    GroupRequest,
    KillNotVerified,
    LegRole,
    Limit,
    OrderDenied,
    OrderRequest,
    OrderState,
    Side,
    Stop,
    TimeInForce,
    WhenInDoubt,
    blocking,
)

ENTRY = OrderRequest("AAPL", Side.BUY, 10, Limit(Decimal("201.00")))
REST = OrderRequest("AAPL", Side.BUY, 10, Limit(Decimal("199.50")))


def bracket(entry=ENTRY):
    return GroupRequest.bracket(entry, take_profit=Decimal("205.00"), stop_loss=Decimal("195.00"))


def test_a_bracket_is_an_entry_and_two_exits_with_keys_of_their_own():
    entry = replace(ENTRY, client_order_id="mine", time_in_force=TimeInForce.DAY)
    group = bracket(entry)
    parent, profit, loss = group.orders
    assert (group.kind, parent.client_order_id) == (GroupKind.BRACKET, "mine")
    assert [order.client_order_id for order in (profit, loss)] == ["mine-profit", "mine-loss"]
    assert (profit.order_type, loss.order_type) == (Limit(Decimal("205.00")), Stop(Decimal("195.00")))
    assert {order.side for order in (profit, loss)} == {Side.SELL}
    assert {order.time_in_force for order in (profit, loss)} == {TimeInForce.GTC}
    assert len({order.correlation_id for order in group.orders}) == 1
    assert pickle.loads(pickle.dumps(group)) == group
    assert len(GroupRequest.bracket(ENTRY, stop_loss=190).orders) == 2


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: GroupRequest.bracket(ENTRY), ValueError, "2 to 8 orders"),
        (lambda: GroupRequest.bracket(ENTRY, take_profit=205.0), TypeError, 'Decimal\\("205.0"\\)'),
        (lambda: GroupRequest.bracket("AAPL", take_profit=205), TypeError, "an OrderRequest"),
        (lambda: GroupRequest("bracket", [ENTRY, ENTRY]), TypeError, "GroupKind.ONE_CANCELS_ALL"),
        (lambda: GroupRequest(GroupKind.BRACKET, [ENTRY, "AAPL"]), TypeError, "an OrderRequest"),
    ],
)
def test_what_makes_no_group_says_why(make, error, words):
    with pytest.raises(error, match=words):
        make()


@pytest.mark.parametrize(
    ("orders", "words"),
    [
        ([ENTRY], "2 to 8 orders"),
        ([ENTRY, REST], "is no exit of the first"),
        ([replace(ENTRY, client_order_id="x"), replace(REST, client_order_id="x")], "stands twice"),
        ([ENTRY, replace(bracket().orders[1], when_in_doubt=WhenInDoubt.RESEND_IF_ABSENT)], "resend_if_absent"),
    ],
)
def test_orders_that_make_no_group_are_refused_before_anything_is_written(trading, ibkr_gateway, orders, words):
    async def body(client: ExecutionClient):
        with pytest.raises(ValueError, match=words):
            await client.submit_group(GroupRequest(GroupKind.BRACKET, orders))
        with pytest.raises(TypeError, match="submit_group takes a GroupRequest"):
            await client.submit_group(orders)  # type: ignore[arg-type]
        assert await client.all_orders() == []

    trading(body)


def test_the_exits_of_a_bracket_work_once_it_has_filled_and_one_ends_the_other(trading, ibkr_gateway):
    async def body(client: ExecutionClient):
        entry, profit, loss = await client.submit_group(bracket())
        assert (await entry.done()).state is OrderState.FILLED
        for leg in (profit, loss):
            order = await leg.accepted()
            assert (order.state, order.leg_role) == (OrderState.WORKING, LegRole.CHILD)
            assert order.group_id == entry.client_order_id
        assert entry.last.leg_role is LegRole.PARENT
        ibkr_gateway.set_price("AAPL", 205)
        assert (await profit.done()).state is OrderState.FILLED
        assert (await loss.done()).state is OrderState.CANCELED
        assert await client.positions() == []

    trading(body)


def test_exits_never_outlive_an_entry_that_is_canceled(trading, ibkr_gateway):
    async def body(client: ExecutionClient):
        entry, *exits = await client.submit_group(bracket(REST))
        await entry.accepted()
        await entry.cancel()
        for leg in (entry, *exits):
            assert (await leg.done()).state is OrderState.CANCELED
        assert {order["status"] for order in ibkr_gateway.truth()["orders"]} == {"Cancelled"}
        assert ibkr_gateway.truth()["executions"] == []

    trading(body)


def test_one_leg_that_our_gate_refuses_refuses_the_whole(trading, ibkr_gateway):
    async def body(client: ExecutionClient):
        group = GroupRequest.bracket(ENTRY, take_profit=Decimal("205.00"), stop_loss=Decimal("195.001"))
        with pytest.raises(OrderDenied, match="off the tick") as caught:
            await client.submit_group(group)
        assert caught.value.order.client_order_id == group.orders[2].client_order_id
        with pytest.raises(OrderDenied) as caught:
            await client.submit_group(bracket(replace(ENTRY.fresh(), order_qty=Decimal(1_001))))
        assert (caught.value.rule, caught.value.order.order_qty) == ("max_order_qty", Decimal(1001))
        assert {order.state for order in await client.all_orders()} == {OrderState.DENIED}
        assert ibkr_gateway.truth()["orders"] == []

    trading(body)


def test_the_same_group_again_sends_nothing(trading, ibkr_gateway):
    async def body(client: ExecutionClient):
        group = bracket(REST)
        first, second = await asyncio.gather(client.submit_group(group), client.submit_group(group))
        assert [leg.client_order_id for leg in first] == [leg.client_order_id for leg in second]
        for leg in first:
            await leg.accepted()
        assert len(ibkr_gateway.truth()["orders"]) == 3

    trading(body)


def test_of_orders_that_cancel_each_other_the_first_that_fills_ends_the_rest(trading, ibkr_gateway):
    async def body(client: ExecutionClient):
        orders = [replace(REST.fresh(), order_type=Limit(Decimal(price))) for price in (199, 198)]
        near, far = await client.submit_group(GroupRequest(GroupKind.ONE_CANCELS_ALL, orders))
        assert (await near.accepted()).leg_role is LegRole.PEER
        await far.accepted()
        ibkr_gateway.set_price("AAPL", Decimal("198.50"))
        assert (await near.done()).state is OrderState.FILLED
        assert (await far.done()).state is OrderState.CANCELED

    trading(body)


def test_a_kill_is_over_when_the_lists_show_that_nothing_works(trading, ibkr_gateway):
    async def body(client: ExecutionClient):
        handles = [await client.submit_order(REST.fresh()) for _ in range(3)]
        for handle in handles:
            await handle.accepted()
        killed = await client.kill("smoke")
        assert sorted(killed) == sorted(handle.client_order_id for handle in handles)
        assert {order["status"] for order in ibkr_gateway.truth()["orders"]} == {"Cancelled"}
        with pytest.raises(OrderDenied, match="smoke"):
            await client.submit_order(REST.fresh())
        await client.reconcile()
        await client.resume("aired")
        assert (await (await client.submit_order(REST.fresh())).accepted()).state is OrderState.WORKING

    trading(body)


def test_a_kill_without_its_proof_says_what_is_left_and_goes_on(trading, ibkr_gateway):
    async def body(client: ExecutionClient):
        await (await client.submit_order(REST)).accepted()
        await client.quote("MSFT", timeout=10)
        other = await client.submit_order(OrderRequest("MSFT", Side.BUY, 1, Limit(Decimal(390)), strategy_id="other"))
        await other.accepted()
        ibkr_gateway.inject("mute")
        with pytest.raises(KillNotVerified, match="strategy other is halted") as caught:
            await client.kill("smoke", strategy_id="other", timeout=0.3)
        [left] = caught.value.left
        assert left.client_order_id == other.client_order_id
        assert caught.value.canceled == (other.client_order_id,)
        assert other.client_order_id in str(caught.value)
        again = pickle.loads(pickle.dumps(caught.value))
        assert (again.left, again.canceled) == ((left,), (other.client_order_id,))
        task = asyncio.create_task(client.kill("smoke", strategy_id="other"))
        await asyncio.sleep(0.05)
        task.cancel()
        ibkr_gateway.clear_faults()
        await client.kill("smoke", strategy_id="other", timeout=30)
        assert (await client.get_order_status(other)).state is OrderState.CANCELED

    trading(body)


def test_a_kill_without_its_proof_names_also_what_it_did_cancel(trading, ibkr_gateway):
    async def body(client: ExecutionClient):
        handles = [await client.submit_order(REST.fresh()) for _ in range(2)]
        for handle in handles:
            await handle.accepted()
        gone, kept = (handle.client_order_id for handle in handles)
        # The second cancel is lost, and no list comes that could prove anything.
        ibkr_gateway.inject("swallow-cancel@2")
        ibkr_gateway.inject("lists-late(by=30s)")
        with pytest.raises(KillNotVerified) as caught:
            await client.kill("smoke", timeout=1)
        assert [order.client_order_id for order in caught.value.left] == [kept]
        assert caught.value.canceled == (gone, kept)

    trading(body)


def test_the_blocking_client_groups_and_kills_as_well(profile, ibkr_gateway):
    with blocking.ExecutionClient.connect(config=profile, strategy_id="test") as client:
        client.quote("AAPL", timeout=10)
        entry, profit, loss = client.submit_group(bracket())
        assert entry.done(10).state is OrderState.FILLED
        assert [leg.accepted(10).state for leg in (profit, loss)] == [OrderState.WORKING] * 2
        ibkr_gateway.inject("mute")
        with pytest.raises(KillNotVerified) as caught:
            client.kill("smoke", timeout=0.3)
        assert len(caught.value.left) == 2
        assert sorted(caught.value.canceled) == sorted(leg.client_order_id for leg in (profit, loss))
        ibkr_gateway.clear_faults()
        client.kill("smoke")
        assert [leg.last.state for leg in (profit, loss)] == [OrderState.CANCELED] * 2

"""The blocking client has the same verbs, and the same answers."""

import inspect
import signal
import threading
import time
from decimal import Decimal

import pytest

import alphec_execution
from alphec_execution import (
    ClientStopped,
    Limit,
    Market,
    OrderDenied,
    OrderRejected,
    OrderRequest,
    OrderState,
    Side,
    blocking,
)

REST = OrderRequest("AAPL", Side.BUY, 10, Limit(Decimal("199.50")))


@pytest.fixture
def client(profile):
    with blocking.ExecutionClient.connect(config=profile, strategy_id="test") as client:
        client.quote("AAPL", timeout=10)
        yield client


def test_an_order_lives_and_ends(client):
    handle = client.submit_order(REST)
    assert handle.accepted(10).state is OrderState.WORKING
    handle.modify(order_qty=11)
    assert handle.replaced(10).order_qty == Decimal(11)
    handle.cancel()
    assert handle.done(10).state is OrderState.CANCELED
    kinds = [event.kind for event in handle.events(10)]
    assert (kinds[0], kinds[-1]) == ("accepted", "order_changed")


def test_a_fill_is_in_every_book(client):
    handle = client.submit_order(OrderRequest("AAPL", Side.BUY, 10, Market()))
    assert handle.done(10).avg_px == Decimal("200.01")
    [fill] = client.fills(handle)
    assert fill.last_px == Decimal("200.01")
    [position] = client.positions()
    assert position.qty == Decimal(10)
    assert "AAPL" in position._repr_html_()
    assert list(client.orders_frame()["state"]) == ["filled"]


def test_refusals_raise_as_they_do_in_the_other_client(client, ibkr_gateway):
    with pytest.raises(OrderDenied):
        client.submit_order(OrderRequest("AAPL", Side.BUY, 5_000, Market()))
    ibkr_gateway.inject("reject=201")
    with pytest.raises(OrderRejected):
        client.submit_order(REST).accepted(10)


def test_a_wait_that_is_over_leaves_the_order(client):
    handle = client.submit_order(REST)
    handle.accepted(10)
    with pytest.raises(TimeoutError):
        handle.done(0.05)
    assert client.get_order_status(handle).state is OrderState.WORKING


def test_a_signal_ends_a_wait(client):
    class Alarm(Exception):
        pass

    def ring(*_):
        raise Alarm

    handle = client.submit_order(REST)
    handle.accepted(10)
    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    began = time.monotonic()
    with pytest.raises(Alarm):
        handle.done(30)
    assert time.monotonic() - began < 10


def test_many_threads_share_one_client(client):
    done = []

    def trade(number):
        handle = client.submit_order(OrderRequest("AAPL", Side.BUY, 1, Market(), client_order_id=f"thread-{number}"))
        done.append(handle.done(30).state)

    threads = [threading.Thread(target=trade, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done == [OrderState.FILLED] * 16


def test_after_stop_every_verb_says_so(client):
    client.stop()
    with pytest.raises(ClientStopped):
        client.open_orders()
    with pytest.raises(ClientStopped):
        client.submit_order(REST)


@pytest.mark.parametrize("name", ["ExecutionClient", "OrderHandle"])
def test_both_clients_have_the_same_verbs_and_arguments(name):
    ours, theirs = getattr(blocking, name), getattr(alphec_execution, name)
    verbs = {verb for verb in vars(theirs) if not verb.startswith("_")}
    assert verbs == {verb for verb in vars(ours) if not verb.startswith("_")}
    for verb in verbs:
        if not callable(getattr(theirs, verb)):
            continue
        asked = [inspect.signature(getattr(kind, verb)).parameters for kind in (ours, theirs)]
        for parameters in asked:
            assert next(iter(parameters)) in ("self", "profile")
        names = [[name for name in parameters if name != "timeout"] for parameters in asked]
        assert names[0] == names[1], verb


def test_an_asynchronous_rule_needs_the_asynchronous_client(profile):
    class Rule:
        name = "later"

        async def check(self, order, context): ...

    with pytest.raises(TypeError, match="asyncio"):
        blocking.ExecutionClient.connect(config=profile, rules=[Rule()])


def test_an_iterator_goes_on_after_a_wait_that_was_over(client):
    events = client.events(0.05)
    handle = client.submit_order(REST.fresh())
    own = handle.events(0.2)
    handle.accepted(10)
    kinds = _until_over(events), _until_over(own)
    assert [kinds[0][0], kinds[1][0]] == ["accepted", "accepted"]
    handle.cancel()
    handle.done(10)
    assert "cancel_asked" in _until_over(events)
    assert list(event.kind for event in own)[-1] == "order_changed"
    with pytest.raises(StopIteration):
        next(own)
    assert list(client.order(handle.client_order_id).events(10)) == []


def _until_over(events):
    kinds = []
    while True:
        try:
            kinds.append(next(events).kind)
        except TimeoutError:
            return kinds

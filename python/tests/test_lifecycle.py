"""Starting, stopping, waiting, and everything that ends too early: nothing hangs, nothing is lost."""

import asyncio
import gc
import inspect
import os
import signal
import subprocess
import sys
import threading
from decimal import Decimal
from pathlib import Path

import pytest

from alphec_execution import (
    ClientStopped,
    ConfigError,
    ExecutionClient,
    ExecutionError,
    GroupRequest,
    InDoubt,
    JournalError,
    Limit,
    Market,
    NotConnected,
    OrderDenied,
    OrderRequest,
    OrderState,
    Side,
    Verdict,
    blocking,
)
from alphec_execution.testing import Gateway

REST = OrderRequest("AAPL", Side.BUY, 10, Limit(Decimal("199.50")))


def request(key: str) -> OrderRequest:
    return OrderRequest("AAPL", Side.BUY, 1, Limit(Decimal("199.50")), client_order_id=key)


class OnTheLoop:
    """Allows every order, but only once the event loop runs again: no answer can be there at once."""

    name = "on_the_loop"

    async def check(self, order, context):
        return Verdict.allow()


def test_cancelling_an_await_neither_cancels_nor_loses_the_order(trading, ibkr_gateway):
    async def body(client: ExecutionClient):
        for number in range(50):
            task = asyncio.create_task(client.submit_order(request(f"o{number}")))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        for number in range(50):
            order = await (await client.order(f"o{number}")).accepted()
            assert order.state is OrderState.WORKING
        assert len(ibkr_gateway.truth()["orders"]) == 50

    # Without a rule, an answer that came while the call was begun needs no wait, and leaves nothing to cancel.
    trading(body, rules=[OnTheLoop()])


def test_a_wait_can_be_bounded_and_the_order_goes_on(trading):
    async def body(client: ExecutionClient):
        handle = await client.submit_order(REST)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(handle.done(), 0.05)
        assert (await handle.accepted()).state is OrderState.WORKING

    trading(body)


def test_who_still_waits_when_the_client_stops_is_told(trading):
    async def wait(client: ExecutionClient):
        handle = await client.submit_order(REST)
        events = client.events()
        heard = asyncio.create_task(_all(events))
        await handle.accepted()
        report = await client.stop()
        assert (report.left_working, report.canceled, report.all_answered) == ((), 1, True)
        kinds = [event.kind for event in await heard]
        assert "cancel_asked" in kinds
        with pytest.raises(ClientStopped, match="connect again"):
            await client.submit_order(REST)

    trading(wait)


async def _all(events):
    return [event async for event in events]


def test_the_stop_policy_decides_about_open_orders(runner, ibkr_gateway, tmp_path):
    async def session():
        async with ExecutionClient.connect(
            config=ibkr_gateway.profile(tmp_path, stop="keep"), strategy_id="test"
        ) as client:
            await client.quote("AAPL", timeout=10)
            await (await client.submit_order(REST)).accepted()
            report = await client.stop()
            assert [order.state for order in report.left_working] == [OrderState.WORKING]

    runner(session())
    assert [order["status"] for order in ibkr_gateway.truth()["orders"]] == ["Submitted"]


def test_an_order_without_an_answer_is_in_doubt_and_is_never_sent_again(runner, ibkr_gateway, tmp_path):
    profile = ibkr_gateway.profile(tmp_path)
    text = profile.read_text() + "\n[profiles.test.timeouts]\nack_ms = 300\n"
    profile.write_text(text)

    async def session():
        async with ExecutionClient.connect(config=profile, strategy_id="test") as client:
            await client.quote("AAPL", timeout=10)
            ibkr_gateway.inject("mute")
            handle = await client.submit_order(REST)
            with pytest.raises(InDoubt, match="do not send it again"):
                await handle.accepted()
            ibkr_gateway.clear_faults()
            await handle.cancel()
            assert (await handle.done()).state is OrderState.CANCELED
        assert len(ibkr_gateway.truth()["orders"]) == 1

    runner(session())


def test_a_client_that_never_was_started_says_so():
    client = ExecutionClient.connect("paper")

    async def use():
        await client.open_orders()

    with pytest.raises(ClientStopped, match="async with"):
        asyncio.run(use())


def test_a_client_of_another_event_loop_says_so(profile):
    async def start():
        return await ExecutionClient.connect(config=profile, strategy_id="test")

    client = asyncio.run(start())

    async def use():
        await client.open_orders()

    with pytest.raises(ExecutionError, match="closed"):
        asyncio.run(use())


@pytest.mark.parametrize(("name", "words"), [("nobody", "nobody"), ("test", None)])
def test_a_profile_that_is_not_there_is_a_config_error(runner, profile, name, words):
    async def session():
        async with ExecutionClient.connect(name, config=profile, strategy_id="test"):
            pass

    if words is None:
        runner(session())
        return
    with pytest.raises(ConfigError, match=words):
        runner(session())


def test_a_gateway_that_is_not_there_is_not_connected(runner, ibkr_gateway, tmp_path):
    profile = ibkr_gateway.profile(tmp_path)
    ibkr_gateway.stop()

    async def session():
        async with ExecutionClient.connect(config=profile, ready_timeout=0.3):
            pass

    with pytest.raises(NotConnected, match="down"):
        runner(session())


def test_a_journal_that_is_held_by_another_is_a_journal_error(trading, profile):
    async def body(client: ExecutionClient):
        with pytest.raises(JournalError):
            await ExecutionClient.connect(config=profile, client_id=2)

    trading(body)


def test_an_order_without_a_link_is_denied_not_queued(trading, ibkr_gateway):
    async def body(client: ExecutionClient):
        ibkr_gateway.stop()
        while (await client.status()).is_ready:
            await asyncio.sleep(0.01)
        with pytest.raises(OrderDenied) as caught:
            await client.submit_order(REST)
        assert caught.value.rule == "ready"

    trading(body)


def test_a_client_dropped_without_a_stop_stops_by_its_policy(profile, ibkr_gateway):
    async def forget():
        client = await ExecutionClient.connect(config=profile, strategy_id="test")
        await client.quote("AAPL", timeout=10)
        await (await client.submit_order(REST)).accepted()

    asyncio.run(forget())
    gc.collect()
    for _ in range(500):
        if ibkr_gateway.truth()["orders"][0]["status"] == "Cancelled":
            return
        threading.Event().wait(0.02)
    pytest.fail("the order was left working")


SCRIPT = """
import asyncio, sys
from decimal import Decimal
from alphec_execution import *

async def main():
    client = await ExecutionClient.connect(config=sys.argv[1], strategy_id="test")
    await client.quote("AAPL", timeout=10)
    order = await client.submit_order(OrderRequest("AAPL", Side.BUY, 10, Limit(Decimal("199.50"))))
    print((await order.accepted()).state.value, flush=True)
    globals()["kept"] = client

asyncio.run(main())
{ending}
"""


@pytest.mark.parametrize("ending", ["", "raise SystemExit(0)", "sys.exit(0)"])
def test_an_interpreter_that_exits_with_orders_working_keeps_the_stop_policy(profile, ibkr_gateway, ending):
    script = SCRIPT.format(ending=ending)
    ran = subprocess.run(
        [sys.executable, "-c", script, str(profile)], capture_output=True, text=True, timeout=60, check=True
    )
    assert ran.stdout.strip() == "working", ran.stderr
    assert ran.stderr == ""
    assert [order["status"] for order in ibkr_gateway.truth()["orders"]] == ["Cancelled"]


@pytest.mark.parametrize(
    ("ending", "words"),
    [
        ("raise RuntimeError('a bug of the strategy')", "a bug of the strategy"),
        (
            # Ctrl-C is ignored in what a script started in the background, and children inherit that.
            "import os, signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
            "os.kill(os.getpid(), signal.SIGINT); input()",
            "KeyboardInterrupt",
        ),
        ("kept = None; import gc; gc.collect(); raise SystemExit('done')", "done"),
        (
            "import os, signal; signal.signal(signal.SIGTERM, lambda *_: sys.exit('told to go'))\n"
            "os.kill(os.getpid(), signal.SIGTERM); input()",
            "told to go",
        ),
    ],
)
def test_an_interpreter_that_ends_by_an_error_or_ctrl_c_keeps_the_stop_policy(profile, ibkr_gateway, ending, words):
    script = SCRIPT.format(ending=ending)
    ran = subprocess.run(
        [sys.executable, "-c", script, str(profile)], capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode != 0
    assert ran.stdout.strip() == "working", ran.stderr
    assert ran.stderr.strip().splitlines()[-1].endswith(words), ran.stderr
    assert [order["status"] for order in ibkr_gateway.truth()["orders"]] == ["Cancelled"]


@pytest.mark.parametrize(
    "ending", ["import os; os._exit(7)", "import os, signal; os.kill(os.getpid(), signal.SIGTERM)"]
)
def test_a_process_that_python_does_not_end_skips_the_stop_policy(profile, ibkr_gateway, ending):
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(ending=ending), str(profile)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode in (7, -signal.SIGTERM)
    assert ran.stdout.strip() == "working", ran.stderr
    assert [order["status"] for order in ibkr_gateway.truth()["orders"]] == ["Submitted"]


TOLD_TO_GO = """
import asyncio, signal, sys
from decimal import Decimal
from alphec_execution import *

async def main():
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, asyncio.current_task().cancel)
    async with ExecutionClient.connect(config=sys.argv[1], strategy_id="test") as client:
        await client.quote("AAPL", timeout=10)
        order = await client.submit_order(OrderRequest("AAPL", Side.BUY, 10, Limit(Decimal("199.50"))))
        print((await order.accepted()).state.value, flush=True)
        await order.done()

asyncio.run(main())
"""


def test_a_handler_of_sigterm_as_the_guide_writes_it_keeps_the_stop_policy(profile, ibkr_gateway):
    command = [sys.executable, "-c", TOLD_TO_GO, str(profile)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as ran:
        assert ran.stdout is not None
        assert ran.stdout.readline().strip() == "working"
        ran.send_signal(signal.SIGTERM)
        assert ran.wait(60) == 1
    assert [order["status"] for order in ibkr_gateway.truth()["orders"]] == ["Cancelled"]


VERBS = {
    "submit_order": (REST,),
    "halts": (),
    "accept_position": ("AAPL", "the statement"),
    "settle_order": ("any", "the statement"),
    "submit_group": (GroupRequest.bracket(REST, take_profit=205),),
    "modify_order": ("mine",),
    "cancel_order": ("mine",),
    "cancel_all": (),
    "kill": ("smoke",),
    "halt": ("lunch",),
    "resume": ("done",),
    "get_order_status": ("mine",),
    "order": ("mine",),
    "open_orders": (),
    "all_orders": (),
    "foreign_orders": (),
    "fills": ("mine",),
    "positions": (),
    "account": (),
    "quote": ("AAPL",),
    "reconcile": (),
    "status": (),
    "wait_ready": (),
    "orders_frame": (),
    "fills_frame": (),
    "positions_frame": (),
    "stop": (),
}


def test_every_verb_of_a_client_that_has_stopped_says_so(runner, profile):
    verbs = {name for name, verb in vars(ExecutionClient).items() if inspect.iscoroutinefunction(verb)}
    # The journal is there to be read whether or not its writer runs.
    assert {name for name in verbs if not name.startswith("_")} - {"audit_frame"} == set(VERBS)

    async def session():
        async with ExecutionClient.connect(config=profile, strategy_id="test") as client:
            handle = await client.submit_order(REST) if await client.quote("AAPL", timeout=10) else None
            await client.stop()
            for name, arguments in VERBS.items():
                with pytest.raises(ClientStopped, match="connect again"):
                    await getattr(client, name)(*arguments)
            for name in ("accepted", "done", "replaced", "cancel", "modify"):
                with pytest.raises(ClientStopped, match="connect again"):
                    await getattr(handle, name)()
            assert [event async for event in client.events()] == []
            assert [alert async for alert in client.alerts()] == []
            assert not (await client.audit_frame()).empty

    runner(session())


def test_every_verb_of_a_blocking_client_that_has_stopped_says_so(profile):
    with blocking.ExecutionClient.connect(config=profile, strategy_id="test") as client:
        client.stop()
        for name, arguments in VERBS.items():
            with pytest.raises(ClientStopped):
                getattr(client, name)(*arguments)
        assert list(client.events()) == list(client.alerts()) == []


FORK = """
import asyncio, os, sys, warnings
from alphec_execution import *
from alphec_execution.blocking import ExecutionClient as Client

warnings.simplefilter("ignore")
client = Client.connect(config=sys.argv[1], strategy_id="test")
child = os.fork()
if child == 0:
    try:
        client.open_orders()
    except ExecutionError as error:
        print(error, flush=True)
        os._exit(0 if "forked child" in str(error) else 2)
    os._exit(3)
_, status = os.waitpid(child, 0)
assert client.open_orders() == []
client.stop()
sys.exit(os.waitstatus_to_exitcode(status))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_is_refused_clearly_and_the_parent_goes_on(profile):
    ran = subprocess.run(
        [sys.executable, "-c", FORK, str(profile)], capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert "spawn" in ran.stdout


def test_without_pandas_times_are_datetimes_and_tables_say_what_to_install(profile):
    script = """
import sys
sys.modules["pandas"] = None
from datetime import datetime, UTC
from decimal import Decimal
from alphec_execution import *
from alphec_execution.blocking import ExecutionClient as Client
with Client.connect(config=sys.argv[1], strategy_id="test") as client:
    client.quote("AAPL", timeout=10)
    order = client.submit_order(OrderRequest("AAPL", Side.BUY, 10, Market())).done(10)
    at = order.created_at
    assert isinstance(at, datetime) and at.tzinfo is UTC, at
    assert at._ns == order.created_at_ns and at.microsecond == at._ns // 1000 % 1_000_000
    import pickle
    assert pickle.loads(pickle.dumps(at))._ns == at._ns
    try:
        client.orders_frame()
    except ImportError as error:
        assert "alphec-execution[pandas]" in str(error)
    else:
        raise AssertionError
"""
    ran = subprocess.run(
        [sys.executable, "-c", script, str(profile)], capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 0, ran.stderr


def test_the_pytest_fixture_trades(pytester_like: Path):
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", str(pytester_like)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=pytester_like.parent,
    )
    assert "1 passed" in ran.stdout, ran.stdout


@pytest.fixture
def pytester_like(tmp_path: Path) -> Path:
    test = tmp_path / "test_mine.py"
    test.write_text(
        "def test_it(ibkr_gateway):\n    assert ibkr_gateway.port\n    assert ibkr_gateway.truth()['orders'] == []\n"
    )
    return test


def test_two_gateways_and_two_clients_live_side_by_side(runner, tmp_path):
    async def session():
        folders = [tmp_path / "a", tmp_path / "b"]
        with Gateway(prices={"AAPL": 200}) as one, Gateway(prices={"AAPL": 300}) as two:
            for folder in folders:
                folder.mkdir()
            async with (
                ExecutionClient.connect(config=one.profile(folders[0]), strategy_id="x") as first,
                ExecutionClient.connect(config=two.profile(folders[1]), strategy_id="x") as second,
            ):
                quotes = [await client.quote("AAPL", timeout=10) for client in (first, second)]
                assert [quote.bid for quote in quotes] == [Decimal(200), Decimal(300)]
                handles = [
                    await client.submit_order(OrderRequest("AAPL", Side.BUY, 1, Market())) for client in (first, second)
                ]
                prices = [(await handle.done()).avg_px for handle in handles]
                assert prices == [Decimal("200.01"), Decimal("300.01")]

    runner(session())


def _with_an_order(runner, ibkr_gateway, tmp_path):
    """An order that works while no client runs."""

    async def place():
        profile = ibkr_gateway.profile(tmp_path, stop="keep")
        async with ExecutionClient.connect(config=profile, strategy_id="test") as client:
            await client.quote("AAPL", timeout=10)
            await (await client.submit_order(REST)).accepted()

    runner(place())
    return ibkr_gateway.profile(tmp_path, stop="cancel")


async def _still_works(profile):
    for _ in range(400):
        try:
            client = await ExecutionClient.connect(config=profile)
        except JournalError:
            # Another one is about to let go of it.
            await asyncio.sleep(0.02)
            continue
        [order] = await client.open_orders()
        assert (order.state, "cancel_asked_at" in order.to_dict()["pending"]) == (OrderState.WORKING, False)
        await client._end(client._verbs.native.leave())
        return
    pytest.fail("the journal was not let go of")


def test_a_start_that_does_not_become_ready_cancels_nothing_that_works(runner, ibkr_gateway, tmp_path):
    profile = _with_an_order(runner, ibkr_gateway, tmp_path)

    async def fail():
        ibkr_gateway.inject("lists-late(by=30s)")
        with pytest.raises(NotConnected):
            await ExecutionClient.connect(config=profile, ready_timeout=0.5)
        with pytest.raises(NotConnected):
            blocking.ExecutionClient.connect(config=profile, ready_timeout=0.5)
        ibkr_gateway.clear_faults()
        await _still_works(profile)

    runner(fail())
    assert [order["status"] for order in ibkr_gateway.truth()["orders"]] == ["Submitted"]


def test_a_start_with_a_callback_of_the_wrong_kind_cancels_nothing(runner, ibkr_gateway, tmp_path):
    profile = _with_an_order(runner, ibkr_gateway, tmp_path)

    async def wrong(alert):
        raise AssertionError("never called")

    async def fail():
        with pytest.raises(TypeError, match="plain function"):
            await ExecutionClient.connect(config=profile, on_alert=wrong)
        with pytest.raises(TypeError, match="plain function"):
            blocking.ExecutionClient.connect(config=profile, on_alert=wrong)
        await _still_works(profile)

    runner(fail())
    assert [order["status"] for order in ibkr_gateway.truth()["orders"]] == ["Submitted"]


def test_a_forked_child_that_ends_as_any_script_does_is_gone(profile):
    script = """
import os, sys
from alphec_execution import blocking

with blocking.ExecutionClient.connect(config=sys.argv[1]):
    for _ in range(20):
        child = os.fork()
        if not child:
            sys.exit(0)
        os.waitpid(child, 0)
"""
    warnings = ["-W", "ignore::DeprecationWarning"]
    subprocess.run([sys.executable, *warnings, "-c", script, str(profile)], timeout=60, check=True)


def test_a_start_that_is_cancelled_lets_go_of_the_journal_and_cancels_nothing(runner, ibkr_gateway, tmp_path):
    profile = _with_an_order(runner, ibkr_gateway, tmp_path)

    async def give_up():
        task = asyncio.create_task(ExecutionClient.connect(config=profile)._start())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await _still_works(profile)

    runner(give_up())
    assert [order["status"] for order in ibkr_gateway.truth()["orders"]] == ["Submitted"]


def test_a_client_that_nobody_has_any_more_is_waited_for_at_the_end_of_a_script(profile, ibkr_gateway):
    script = """
import sys
from decimal import Decimal
from alphec_execution import *
from alphec_execution import blocking

def main():
    client = blocking.ExecutionClient.connect(config=sys.argv[1], strategy_id="test")
    client.quote("AAPL", timeout=10)
    for price in range(50):
        request = OrderRequest("AAPL", Side.BUY, 1, Limit(Decimal("199.50") - Decimal(price) / 100))
        client.submit_order(request).accepted(10)

main()
"""
    subprocess.run([sys.executable, "-c", script, str(profile)], timeout=60, check=True)
    assert {order["status"] for order in ibkr_gateway.truth()["orders"]} == {"Cancelled"}

"""What values are: exact, immutable, comparable, to be pickled and matched."""

import copy
import pickle
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from pathlib import Path

import pandas
import pytest

from alphec_execution import (
    AlertKind,
    ExecutionClient,
    InDoubt,
    Limit,
    Market,
    Order,
    OrderDenied,
    OrderRequest,
    OrderState,
    Provenance,
    Side,
    Stop,
    TimeInForce,
    WhenInDoubt,
)
from alphec_execution._time import Instant, to_ns

PX = Decimal("199.50")


@pytest.mark.parametrize("wrong", [199.5, "199.50", True, None])
def test_a_price_that_is_not_exact_is_refused_with_what_to_write(wrong):
    with pytest.raises(TypeError, match="Decimal"):
        Limit(wrong)


@pytest.mark.parametrize("wrong", [Decimal("NaN"), Decimal("Infinity")])
def test_a_price_that_is_no_number_is_refused(wrong):
    with pytest.raises(ValueError, match="finite"):
        Stop(wrong)


def test_a_float_says_how_to_write_it():
    with pytest.raises(TypeError, match=r'Decimal\("10.5"\)'):
        OrderRequest("AAPL", Side.BUY, 10.5, Market())


def test_more_digits_than_the_broker_carries_are_refused(trading):
    async def body(client: ExecutionClient):
        with pytest.raises(ValueError, match="digits"):
            await client.submit_order(OrderRequest("AAPL", Side.BUY, 1, Limit(Decimal("1.2345678901234567"))))

    trading(body)


@pytest.mark.parametrize("quantity", [0, -1])
def test_a_quantity_that_is_none_is_refused(trading, quantity):
    async def body(client: ExecutionClient):
        with pytest.raises(ValueError):
            await client.submit_order(OrderRequest("AAPL", Side.BUY, quantity, Market()))

    trading(body)


def test_words_are_no_enums():
    with pytest.raises(TypeError, match=r"Side\.BUY"):
        OrderRequest("AAPL", "BUY", 1, Market())
    with pytest.raises(TypeError, match=r"Market\(\)"):
        OrderRequest("AAPL", Side.BUY, 1, "MKT")


def test_an_expiry_goes_with_gtd_only_and_has_a_zone():
    later = datetime.now(UTC) + timedelta(days=1)
    with pytest.raises(ValueError, match="GTD"):
        OrderRequest("AAPL", Side.BUY, 1, Market(), TimeInForce.GTD)
    with pytest.raises(ValueError, match="GTD"):
        OrderRequest("AAPL", Side.BUY, 1, Market(), TimeInForce.DAY, later)
    with pytest.raises(ValueError, match="zone"):
        OrderRequest("AAPL", Side.BUY, 1, Market(), TimeInForce.GTD, later.replace(tzinfo=None))


def test_no_nanosecond_is_lost_and_any_zone_is_right():
    stamp = pandas.Timestamp("2026-11-23T14:30:00.000000789Z")
    assert to_ns(stamp, "at") == 1_795_444_200_000_000_789
    assert to_ns(stamp.tz_convert("US/Eastern"), "at") == 1_795_444_200_000_000_789
    zone = timezone(timedelta(hours=-5))
    assert to_ns(datetime(2026, 11, 23, 9, 30, tzinfo=zone), "at") == 1_795_444_200_000_000_000


def an_order(trading) -> Order:
    async def body(client: ExecutionClient):
        return await (await client.submit_order(OrderRequest("AAPL", Side.BUY, 10, Limit(PX)))).accepted()

    return trading(body)


def test_an_order_is_immutable_comparable_and_survives_pickle_and_copy(trading):
    order = an_order(trading)
    with pytest.raises(AttributeError):
        order.version = 3
    again = pickle.loads(pickle.dumps(order))
    assert again == order == copy.deepcopy(order)
    assert hash(again) == hash(order)
    assert order != "order"
    assert "limit 199.50" in repr(order)
    assert order.to_dict()["spec"]["order_qty"] == "10"
    assert "199.50" in order._repr_html_()


def test_an_order_matches_a_pattern(trading):
    match an_order(trading):
        case Order(state=OrderState.WORKING, order_type=Limit(px)):
            assert px == PX
        case other:
            pytest.fail(f"{other!r} did not match")


def test_errors_survive_pickle(trading):
    async def body(client: ExecutionClient):
        try:
            await client.submit_order(OrderRequest("AAPL", Side.BUY, 5_000, Market()))
        except OrderDenied as denied:
            return denied

    denied = trading(body)
    again = pickle.loads(pickle.dumps(denied))
    assert (str(again), again.rule, again.limit, again.order) == (
        str(denied),
        "max_order_qty",
        Decimal(1000),
        denied.order,
    )
    doubt = InDoubt(denied.order)
    assert str(pickle.loads(pickle.dumps(doubt))) == str(doubt)


MODEL = Path(__file__).parents[2] / "crates" / "model" / "src"


@pytest.mark.parametrize(
    ("kind", "file"),
    [
        (AlertKind, "alert.rs"),
        (OrderState, "lifecycle.rs"),
        (Provenance, "record.rs"),
        (TimeInForce, "order.rs"),
        (WhenInDoubt, "doubt.rs"),
    ],
)
def test_every_word_of_the_engine_has_its_member(kind: type[Enum], file: str):
    source = (MODEL / file).read_text(encoding="utf-8")
    block = re.search(rf"impl {kind.__name__} \{{.*?^\}}", source, re.DOTALL | re.MULTILINE)
    assert block is not None
    words = re.findall(r'=> "(\w+)"', block.group())
    assert words
    assert {member.value for member in kind} == set(words)


def test_the_reference_page_is_true():
    script = Path(__file__).parents[1] / "reference.py"
    checked = subprocess.run([sys.executable, str(script), "--check"], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr


def test_an_instant_stays_one_through_arithmetic_and_pickling():
    at = Instant.of_ns(1_700_000_000_123_456_789)
    later = at + timedelta(seconds=1)
    assert to_ns(later, "later") == 1_700_000_001_123_456_000
    assert to_ns(pickle.loads(pickle.dumps(later)), "later") == 1_700_000_001_123_456_000
    assert to_ns(pickle.loads(pickle.dumps(at)), "at") == 1_700_000_000_123_456_789

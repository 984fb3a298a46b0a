"""Risk rules of the firm's own, in Python."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from alphec_execution import _native
from alphec_execution._enums import Side, TimeInForce
from alphec_execution._orders import OrderType, exact
from alphec_execution._records import Quote

log = logging.getLogger("alphec_execution")

DEADLINE = 0.1
"""No answer within this many seconds denies, where a rule does not say otherwise."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a rule says: :meth:`allow` or :meth:`deny`."""

    is_allowed: bool
    text: str = ""
    value: Decimal | None = None
    limit: Decimal | None = None

    @classmethod
    def allow(cls) -> Verdict:
        """No objection."""
        return cls(is_allowed=True)

    @classmethod
    def deny(cls, text: str, *, value: Decimal | int | None = None, limit: Decimal | int | None = None) -> Verdict:
        """Refuses, in words, and with what was measured and what is allowed where there are numbers."""
        measured = None if value is None else exact(value, "value")
        allowed = None if limit is None else exact(limit, "limit")
        return cls(is_allowed=False, text=text, value=measured, limit=allowed)


@dataclass(frozen=True, slots=True)
class ProposedOrder:
    """The order, or the change, that a rule is asked about. It has passed the built-in gate."""

    client_order_id: str
    strategy_id: str
    correlation_id: str
    account: str
    instrument: str
    side: Side
    order_qty: Decimal
    order_type: OrderType
    time_in_force: TimeInForce
    is_change: bool


@dataclass(frozen=True, slots=True)
class RiskContext:
    """What the built-in gate judged by."""

    quote: Quote | None
    position: Decimal | None
    net_liquidation: Decimal | None


class RiskRule(Protocol):
    """A rule: ``check`` is a function or a coroutine function. Late, failing or silent, it denies.

    ``deadline`` (seconds) may be left out: 0.1.
    """

    name: str

    def check(self, order: ProposedOrder, context: RiskContext) -> Verdict | Awaitable[Verdict]: ...


def native_rules(rules: Iterable[RiskRule], loop: asyncio.AbstractEventLoop | None) -> list[tuple[str, float, Any]]:
    """Rules as the native half takes them: name, deadline, and what to call with each question."""
    return [_native_rule(rule, loop) for rule in rules]


def _native_rule(rule: RiskRule, loop: asyncio.AbstractEventLoop | None) -> tuple[str, float, Any]:
    if inspect.iscoroutinefunction(rule.check) and loop is None:
        raise TypeError(f"rule {rule.name} is asynchronous: use it with the asyncio client, or write a plain def")

    def dispatch(question: _native.Question) -> None:
        verdict = rule.check(*_asked(question))
        if inspect.isawaitable(verdict):
            assert loop is not None
            judging = asyncio.run_coroutine_threadsafe(_judge(question, verdict), loop)
            judging.add_done_callback(_report)
        else:
            _answer(question, verdict)

    return rule.name, float(getattr(rule, "deadline", DEADLINE)), dispatch


def _asked(question: _native.Question) -> tuple[ProposedOrder, RiskContext]:
    order = ProposedOrder(
        question.client_order_id,
        question.strategy_id,
        question.correlation_id,
        question.account,
        question.instrument,
        question.side,
        question.order_qty,
        question.order_type,
        question.time_in_force,
        question.is_change,
    )
    return order, RiskContext(question.quote, question.position, question.net_liquidation)


def _report(judging: Future[None]) -> None:
    if not judging.cancelled() and (error := judging.exception()) is not None:
        log.error("a risk rule failed, which denies", exc_info=error)


async def _judge(question: _native.Question, verdict: Awaitable[Verdict]) -> None:
    _answer(question, await verdict)


def _answer(question: _native.Question, verdict: Verdict) -> None:
    if not isinstance(verdict, Verdict):
        raise TypeError(f"a rule answered {verdict!r}, which denies: return Verdict.allow() or Verdict.deny(…)")
    if verdict.is_allowed:
        question.allow()
    else:
        question.deny(verdict.text, verdict.value, verdict.limit)

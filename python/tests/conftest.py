"""A client on a simulated gateway, on either event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from alphec_execution import ExecutionClient
from alphec_execution.testing import Gateway

Run = Callable[[Callable[[ExecutionClient], Coroutine[Any, Any, Any]]], Any]
PATIENCE = 60


def loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    import uvloop

    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture(params=["asyncio", "uvloop"])
def runner(request: pytest.FixtureRequest) -> Any:
    """Runs a coroutine on a loop of each kind."""

    def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
        with asyncio.Runner(loop_factory=loop_factories()[request.param]) as loop:
            return loop.run(asyncio.wait_for(coroutine, PATIENCE))

    return run


@pytest.fixture
def profile(ibkr_gateway: Gateway, tmp_path: Path) -> Path:
    """A paper profile for the gateway."""
    return ibkr_gateway.profile(tmp_path)


@pytest.fixture
def trading(runner: Any, profile: Path) -> Run:
    """Runs ``body(client)`` with a client that is ready, quotes included."""

    def run(body: Callable[[ExecutionClient], Coroutine[Any, Any, Any]], **options: Any) -> Any:
        async def session() -> Any:
            async with ExecutionClient.connect(config=profile, strategy_id="test", **options) as client:
                await client.quote("AAPL", timeout=10)
                return await body(client)

        return runner(session())

    return run

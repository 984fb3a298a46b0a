"""The pytest fixture ``ibkr_gateway``; loaded by pytest wherever this package is installed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from alphec_execution.testing import Gateway


@pytest.fixture
def ibkr_gateway() -> Iterator[Gateway]:
    """A simulated gateway with AAPL at 200 and MSFT at 400, which stand still."""
    from alphec_execution.testing import Gateway

    with Gateway(prices={"AAPL": 200, "MSFT": 400}) as gateway:
        yield gateway

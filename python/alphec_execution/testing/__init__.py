"""The simulated gateway in this process, so that a strategy's own tests trade against it.

with Gateway(prices={"AAPL": Decimal("200")}) as gateway:
    async with ExecutionClient.connect(config=gateway.profile(tmp_path), strategy_id="test") as client:
        ...
        gateway.set_price("AAPL", Decimal("201"))
        gateway.inject("drop-after-accept@1")
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any

from alphec_execution import _native

__all__ = ["Gateway"]

_PROFILE = """\
[profiles.test]
mode = "paper"
pacing_per_second = 0
accounts = {accounts}
port = {port}
journal = "{journal}"

[profiles.test.instruments]
{instruments}

[profiles.test.limits]
{limits}

[profiles.test.stop]
policy = "{stop}"
"""

_LIMITS: dict[str, object] = {
    "max_order_qty": 1_000,
    "max_order_notional": 1_000_000,
    "max_position": 100_000,
    "max_open_orders": 100_000,
    "max_gross_notional": 100_000_000,
    "max_net_notional": 100_000_000,
    "max_leverage": 100,
    "max_messages_per_second": 100_000,
    "price_collar": "0.5",
    "max_quote_age_ms": 3_600_000,
}


class Gateway:
    """A simulated TWS on a free local port.

    :param accounts: each with a million US dollars.
    :param prices: pinned bids by symbol, the ask one tick above. AAPL, MSFT, SPY, ES and EUR.USD are listed.
    :param faults: armed from the start, written as ``alphec-exec sim --fault`` takes them.
    :param walk: whether prices that are not pinned move, from ``seed``.
    """

    def __init__(
        self,
        *,
        accounts: Sequence[str] = ("DU1234567",),
        prices: Mapping[str, Decimal | int] | None = None,
        faults: Sequence[str] = (),
        seed: int = 1,
        walk: bool = False,
        port: int = 0,
    ) -> None:
        self.accounts = tuple(accounts)
        self._native = _native.Gateway(
            accounts=list(accounts),
            prices=list((prices or {}).items()),
            faults=list(faults),
            seed=seed,
            walk=walk,
            port=port,
        )

    @property
    def port(self) -> int:
        """Where it listens, on 127.0.0.1."""
        return self._native.port

    @property
    def connections(self) -> int:
        """Sessions in business."""
        return self._native.connections

    def set_price(self, symbol: str, price: Decimal | int) -> None:
        """Pins a symbol's bid, with the ask one tick above."""
        self._native.set_price(symbol, price)

    def inject(self, fault: str) -> None:
        """Arms a fault, such as ``reject=201@1`` or ``mute@5s``."""
        self._native.inject(fault)

    def clear_faults(self) -> None:
        """Disarms every fault, and ends a silence."""
        self._native.clear_faults()

    def disconnect_all(self) -> None:
        """Cuts every connection."""
        self._native.disconnect_all()

    def advance_clock(self, by: timedelta) -> None:
        """Puts the venue's clock forward, so that expiries are met without waiting."""
        self._native.advance_clock(by.total_seconds())

    def truth(self) -> dict[str, list[dict[str, Any]]]:
        """What the venue knows, whatever any client was told: ``orders``, ``executions`` and ``positions``."""
        return self._native.truth()

    def profile(
        self,
        folder: Path,
        *,
        instruments: Sequence[str] = ("AAPL", "MSFT"),
        stop: str = "cancel",
        **limits: object,
    ) -> Path:
        """Writes a paper profile for this gateway, with wide limits but those given; gives the file."""
        stock = '{ kind = "stock", exchange = "SMART", currency = "USD", tick = "0.01" }'
        file = folder / "alphec-exec.toml"
        values = _LIMITS | limits
        text = _PROFILE.format(
            accounts=list(self.accounts),
            port=self.port,
            journal=(folder / "orders.journal").as_posix(),
            instruments="\n".join(f"{name} = {stock}" for name in instruments),
            limits="\n".join(f"{name} = {_toml(value)}" for name, value in values.items()),
            stop=stop,
        )
        file.write_text(text, encoding="utf-8")
        return file

    def stop(self) -> None:
        """Closes every connection and the listener."""
        self._native.stop()

    def __enter__(self) -> Gateway:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _toml(value: object) -> str:
    return str(value) if isinstance(value, int) else f'"{value}"'

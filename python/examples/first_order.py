"""A first order, on a gateway that is simulated in this very process: nothing to install, nothing to start."""

import asyncio
import tempfile
from decimal import Decimal
from pathlib import Path

from alphec_execution import ExecutionClient, Limit, Market, OrderRequest, Side
from alphec_execution.testing import Gateway


async def main(folder: Path) -> None:
    with Gateway(prices={"AAPL": Decimal("200.00")}) as gateway:
        profile = gateway.profile(folder)  # with TWS: your own alphec-exec.toml
        async with ExecutionClient.connect(config=profile, strategy_id="first-order") as client:
            await client.quote("AAPL", timeout=10)

            resting = await client.submit_order(OrderRequest("AAPL", Side.BUY, 10, Limit(Decimal("199.50"))))
            print(await resting.accepted())
            await resting.cancel()
            print(await resting.done())

            bought = await client.submit_order(OrderRequest("AAPL", Side.BUY, 10, Market()))
            print(await bought.done())
            print(await client.positions())


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(main(Path(folder)))

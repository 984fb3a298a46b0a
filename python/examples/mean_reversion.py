"""A toy that makes no money: it buys below the average of the last prices and sells above, on the simulated gateway."""

import asyncio
import sys
import tempfile
from collections import deque
from decimal import Decimal
from pathlib import Path
from statistics import fmean

from alphec_execution import ExecutionClient, Limit, OrderDenied, OrderRequest, OrderState, Side, TimeInForce
from alphec_execution.testing import Gateway

SYMBOL, SIZE, CENT = "AAPL", 10, Decimal("0.01")


async def trade(client: ExecutionClient, seconds: float) -> None:
    prices: deque[Decimal] = deque(maxlen=100)
    async with asyncio.timeout(seconds):
        while True:
            await asyncio.sleep(0.1)
            quote = await client.quote(SYMBOL, timeout=10)
            if quote is None or quote.bid is None or quote.ask is None:
                continue
            prices.append(quote.bid)
            average = Decimal(fmean(prices)).quantize(CENT)
            held = {position.instrument: position.qty for position in await client.positions()}.get(SYMBOL, 0)
            if quote.ask < average and held < 5 * SIZE:
                await take(client, Side.BUY, quote.ask)
            elif quote.bid > average and held > 0:
                await take(client, Side.SELL, quote.bid)


async def take(client: ExecutionClient, side: Side, price: Decimal) -> None:
    request = OrderRequest(SYMBOL, side, SIZE, Limit(price), TimeInForce.IOC)
    try:
        order = await (await client.submit_order(request)).done()
    except OrderDenied as denied:
        print(f"not sent: {denied}")
        return
    if order.state is OrderState.FILLED:
        print(f"{side.value:>4} {order.cum_qty} at {order.avg_px}")


async def main(folder: Path, seconds: float) -> None:
    with Gateway(walk=True, seed=7) as gateway:
        profile = gateway.profile(folder)
        async with ExecutionClient.connect(config=profile, strategy_id="mean-reversion") as client:
            try:
                await trade(client, seconds)
            except TimeoutError:
                print((await client.fills_frame())[["side", "last_qty", "last_px"]])


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(main(Path(directory), float(sys.argv[1]) if len(sys.argv) > 1 else 30.0))

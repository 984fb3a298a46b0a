"""ib_async as a driver: commands as words on stdin, what it shows as JSON on stdout."""

import asyncio
import json
import logging
import sys

from ib_async import IB, LimitOrder, MarketOrder, Stock

logging.disable(logging.CRITICAL)


def say(**what):
    print(json.dumps(what), flush=True)


class Driver:
    def __init__(self, host, port):
        self.at, self.trades, self.ib = (host, port), {}, IB()
        self.ib.disconnectedEvent += lambda: say(say="down")
        self.contract = Stock("AAPL", "SMART", "USD", conId=265598)

    async def connect(self):
        await self.ib.connectAsync(*self.at, clientId=1, timeout=8)
        say(say="ready")

    def place(self, key, side, qty, px):
        order = MarketOrder(side, float(qty)) if px == "MKT" else LimitOrder(side, float(qty), float(px))
        self.trades[key] = self.ib.placeOrder(self.contract, order)

    def modify(self, key, _side, qty, px):
        order = self.trades[key].order
        order.totalQuantity, order.lmtPrice = float(qty), float(px)
        self.ib.placeOrder(self.contract, order)

    def cancel(self, key):
        self.ib.cancelOrder(self.trades[key].order)

    def executed(self, order_id):
        return sum(fill.execution.shares for fill in self.ib.fills() if fill.execution.orderId == order_id)

    def show(self):
        trades = dict(self.trades)
        # What the library itself has found at the broker, for one that has forgotten its own.
        for trade in self.ib.trades():
            if not any(trade.order.orderId == known.order.orderId for known in self.trades.values()):
                trades[f"found-{trade.order.orderId or trade.order.permId}"] = trade
        orders = {
            key: {
                "state": trade.orderStatus.status,
                "filled": str(trade.filled()),
                # A reconnect makes new objects: these fills may be of a Trade that nobody holds.
                "executed": str(self.executed(trade.order.orderId)),
                "why": next((entry.message for entry in reversed(trade.log) if entry.message), None),
            }
            for key, trade in trades.items()
        }
        positions = self.ib.positions()
        say(say="orders", orders=orders, position=str(positions[0].position) if positions else None)

    async def obey(self, words):
        try:
            if words[0] == "connect":
                await self.connect()
            elif words[0] == "show":
                self.show()
            else:
                getattr(self, words[0])(*words[1:])
                say(say="placed", key=words[1])
        except Exception as error:
            say(say="refused", key=words[1] if len(words) > 1 else "", why=f"{type(error).__name__}: {error}")


async def main():
    driver = Driver(sys.argv[1], int(sys.argv[2]))
    await driver.connect()
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        await driver.obey(line.decode().split())


asyncio.run(main())

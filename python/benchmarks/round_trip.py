"""Submit to first status from Python: this package, every order durable, beside two clients that record nothing.

    cargo build --release --package alphec-cli
    python benchmarks/round_trip.py [--orders 500] [--burst 10000] [--turns 3]

Each client trades in a process of its own against a simulator of its own, one after the other, in turns. Needs a
release wheel of this package, `ib_async` and `nautilus-ibapi` (IBKR's own client). The floor is what any durable
client on asyncio pays on this machine: a write, a sync, and an answer over a socket from a process that only echoes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
CLIENTS = ("alphec_execution", "ib_async", "official")
FLOOR = "floor"
LIMIT = Decimal("150.00")


def ours(port: int, orders: int, burst: int) -> dict[str, float]:
    from alphec_execution import ExecutionClient, Limit, OrderRequest, Side
    from alphec_execution.testing import Gateway

    def request() -> OrderRequest:
        return OrderRequest("AAPL", Side.BUY, 1, Limit(LIMIT))

    async def main(profile: Path) -> dict[str, float]:
        async with ExecutionClient.connect(config=profile, port=port, strategy_id="bench") as client:
            await client.quote("AAPL", timeout=10)
            times, durable = [], []
            for _ in range(orders):
                began = time.perf_counter()
                handle = await client.submit_order(request())
                durable.append((time.perf_counter() - began) * 1e6)
                await handle.accepted()
                times.append(time.perf_counter() - began)
                await handle.cancel()
                await handle.done()
            began = time.perf_counter()
            handles = await asyncio.gather(*(client.submit_order(request()) for _ in range(burst)))
            await asyncio.gather(*(handle.accepted() for handle in handles))
            rate = burst / (time.perf_counter() - began)
            syncs = one_sync(profile.parent)
            return summary(times, rate) | {"durable": statistics.median(durable), "sync": statistics.median(syncs)}

    with tempfile.TemporaryDirectory() as folder:
        profile = Gateway.profile(Plain(port), Path(folder))  # type: ignore[arg-type]
        return asyncio.run(main(profile))


def one_sync(folder: Path) -> list[float]:
    """How long one write and sync of 4 kB take on the disk of the journal, in microseconds."""
    times = []
    with (folder / "sync").open("wb", buffering=0) as file:
        file.write(bytes(200 * 4096))
        os.fsync(file.fileno())
        file.seek(0)
        for _ in range(200):
            began = time.perf_counter()
            file.write(bytes(4096))
            os.fdatasync(file.fileno())
            times.append((time.perf_counter() - began) * 1e6)
    return times


class Plain:
    """As much of a gateway as a profile is written from."""

    accounts = ("DU1234567",)

    def __init__(self, port: int) -> None:
        self.port = port


def ib_async(port: int, orders: int, burst: int) -> dict[str, float]:
    from ib_async import IB, LimitOrder, Stock

    async def main() -> dict[str, float]:
        ib = IB()
        ib.client.MaxRequests = 0  # it holds back to 45 messages a second by itself; nobody is paced here
        await ib.connectAsync("127.0.0.1", port, clientId=1)
        [aapl] = await ib.qualifyContractsAsync(Stock("AAPL", "SMART", "USD"))

        async def until(trade: Any, word: str) -> None:
            while trade.orderStatus.status != word:
                await trade.statusEvent

        times = []
        for _ in range(orders):
            began = time.perf_counter()
            trade = ib.placeOrder(aapl, LimitOrder("BUY", 1, float(LIMIT)))
            await until(trade, "Submitted")
            times.append(time.perf_counter() - began)
            ib.cancelOrder(trade.order)
            await until(trade, "Cancelled")
        began = time.perf_counter()
        trades = [ib.placeOrder(aapl, LimitOrder("BUY", 1, float(LIMIT))) for _ in range(burst)]
        await asyncio.gather(*(until(trade, "Submitted") for trade in trades))
        rate = burst / (time.perf_counter() - began)
        ib.disconnect()
        return summary(times, rate)

    return asyncio.run(main())


def official(port: int, orders: int, burst: int) -> dict[str, float]:
    from ibapi.client import EClient
    from ibapi.contract import Contract
    from ibapi.order import Order
    from ibapi.order_cancel import OrderCancel
    from ibapi.wrapper import EWrapper

    heard = threading.Condition()
    states: dict[int, str] = {}
    ready = threading.Event()

    class App(EWrapper, EClient):  # type: ignore[misc]
        def __init__(self) -> None:
            EClient.__init__(self, self)

        def nextValidId(self, orderId: int) -> None:
            self.next_id = orderId
            ready.set()

        def orderStatus(self, orderId: int, status: str, *rest: Any) -> None:
            with heard:
                states[orderId] = status
                heard.notify()

        def error(self, *args: Any) -> None:
            pass

    app = App()
    app.connect("127.0.0.1", port, clientId=1)
    threading.Thread(target=app.run, daemon=True).start()
    ready.wait(10)
    aapl = Contract()
    aapl.symbol, aapl.secType, aapl.exchange, aapl.currency = "AAPL", "STK", "SMART", "USD"

    def place() -> int:
        order = Order()
        order.action, order.orderType, order.lmtPrice = "BUY", "LMT", float(LIMIT)
        order.totalQuantity = Decimal(1)
        number = app.next_id
        app.next_id += 1
        app.placeOrder(number, aapl, order)
        return number

    def until(number: int, word: str) -> None:
        with heard:
            heard.wait_for(lambda: states.get(number) == word, 30)

    times = []
    for _ in range(orders):
        began = time.perf_counter()
        number = place()
        until(number, "Submitted")
        times.append(time.perf_counter() - began)
        app.cancelOrder(number, OrderCancel())
        until(number, "Cancelled")
    began = time.perf_counter()
    numbers = [place() for _ in range(burst)]
    for number in numbers:
        until(number, "Submitted")
    rate = burst / (time.perf_counter() - began)
    app.disconnect()
    return summary(times, rate)


def floor(_port: int, orders: int, _burst: int) -> dict[str, float]:
    here, there = multiprocessing.Pipe()
    server = multiprocessing.Process(target=echo, args=(there,), daemon=True)
    server.start()

    async def main(folder: Path) -> dict[str, float]:
        reader, writer = await asyncio.open_connection("127.0.0.1", here.recv())
        times = []
        with (folder / "floor").open("wb", buffering=0) as file:
            file.write(bytes(256 * 4096))
            os.fsync(file.fileno())
            for number in range(orders):
                began = time.perf_counter()
                os.pwrite(file.fileno(), bytes(4096), number % 256 * 4096)
                os.fdatasync(file.fileno())
                writer.write(bytes(150))
                await reader.readexactly(ANSWER)
                times.append(time.perf_counter() - began)
        writer.close()
        return summary(times, float("nan"))

    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(main(Path(folder)))


ANSWER = 550
"""Bytes of the messages that answer an order."""


def echo(parent: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        parent.send(listener.getsockname()[1])
        client, _ = listener.accept()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while client.recv(4096):
            client.sendall(bytes(ANSWER))


def summary(times: list[float], rate: float) -> dict[str, float]:
    ordered = sorted(times)
    return {
        "median": statistics.median(ordered) * 1e6,
        "p99": ordered[int(len(ordered) * 0.99)] * 1e6,
        "rate": rate,
    }


def simulator() -> tuple[subprocess.Popen[str], int]:
    program = ROOT / "target" / "release" / "alphec-exec"
    command = [program, "--json", "sim", "--listen", "127.0.0.1:0", "--walk-ms", "0", "--prices", "AAPL=200"]
    sim = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert sim.stdout is not None
    return sim, int(json.loads(sim.stdout.readline())["listening"].rpartition(":")[2])


def turn(client: str, options: argparse.Namespace) -> dict[str, float]:
    sim, port = simulator()
    command = [sys.executable, __file__, "--client", client, "--port", str(port)]
    command += ["--orders", str(options.orders), "--burst", str(options.burst)]
    try:
        ran = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        if ran.returncode:
            raise SystemExit(f"{client} failed:\n{ran.stderr}")
        return dict(json.loads(ran.stdout))
    finally:
        sim.terminate()
        sim.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, default=500)
    parser.add_argument("--burst", type=int, default=10_000)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--client", choices=(*CLIENTS, FLOOR), help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.client:
        clients = {"alphec_execution": ours, "ib_async": ib_async, "official": official, FLOOR: floor}
        run = clients[options.client]
        print(json.dumps(run(options.port, options.orders, options.burst)))
        return
    turns = [{client: turn(client, options) for client in (*CLIENTS, FLOOR)} for _ in range(options.turns)]
    of = {
        client: {what: statistics.median(each[client][what] for each in turns) for what in ("median", "p99", "rate")}
        for client in CLIENTS
    }
    base = of[CLIENTS[0]]
    durable, sync = (statistics.median(each[CLIENTS[0]][what] for each in turns) for what in ("durable", "sync"))
    print("| client | median, µs | p99, µs | ours over it | orders/s | ours over it |")
    print("|---|---:|---:|---:|---:|---:|")
    for client, it in of.items():
        ratios = f"{base['median'] / it['median']:.2f}", f"{base['rate'] / it['rate']:.1f}"
        print(f"| {client} | {it['median']:.0f} | {it['p99']:.0f} | {ratios[0]} | {it['rate']:,.0f} | {ratios[1]} |")
    least = statistics.median(each[FLOOR]["median"] for each in turns)
    print(f"| {FLOOR}: a sync, an echo | {least:.0f} | | {base['median'] / least:.2f} | | |")
    print(f"\n{CLIENTS[0]}: on the disk after {durable:.0f} µs; one fdatasync on that disk takes {sync:.0f} µs")


if __name__ == "__main__":
    main()

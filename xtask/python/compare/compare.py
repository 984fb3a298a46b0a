"""Puts four clients through the same faults against the simulator, measures what each does, and prints a table.

    compare.py EXEC OURS IBAPI [--only ROW] [--table FILE]

EXEC is `alphec-exec`, OURS and IBAPI are the examples `compare_ours` and `compare_ibapi` of crate alphec-cli. Every
cell is made from what was measured in this run: frames in the simulator's record, what the client shows, and what is
so at the broker. What is printed is for people; the table for a page goes into FILE.
"""

import json
import pathlib
import queue
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from importlib.metadata import version

HERE = pathlib.Path(__file__).parent
EXEC, OURS, IBAPI = (pathlib.Path(name).resolve() for name in sys.argv[1:4])
CLIENTS = ["ours", "ib_async", "official", "ibapi"]

PROFILE = """
[profiles.paper]
mode = "paper"
host = "{host}"
port = {port}
client_id = 1
accounts = ["DU1234567"]
journal = "compare.db"
instruments.AAPL = {{ kind = "stock", exchange = "SMART", currency = "USD", tick = "0.01" }}
limits = {{ max_order_qty = 100, max_order_notional = 100000, max_position = 5000, max_gross_notional = 5000000, max_net_notional = 5000000, max_leverage = 20, price_collar = "0.50", max_open_orders = 500, max_messages_per_second = 36 }}
timeouts = {{ ack_ms = 2000, resnapshot_ms = 1000, absent_ms = 3000 }}
when_in_doubt = "cancel-probe"
"""


class Process:
    """A program that says one JSON object a line."""

    def __init__(self, *command, cwd):
        self.heard, self.lines = [], queue.Queue()
        self.process = subprocess.Popen(
            [str(part) for part in command],
            cwd=cwd,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        for line in self.process.stdout:
            self.lines.put((time.monotonic(), json.loads(line)))

    def tell(self, *words):
        self.process.stdin.write(" ".join(str(word) for word in words) + "\n")
        self.process.stdin.flush()

    def next(self, fits, patience):
        """The next thing said that fits, with its time; `None` when it does not come."""
        until = time.monotonic() + patience
        while (left := until - time.monotonic()) > 0:
            try:
                at, said = self.lines.get(timeout=left)
            except queue.Empty:
                return None
            self.heard.append((at, said))
            if fits(said):
                return at, said
        return None

    def wait(self, what, patience=15):
        return self.next(lambda said: said.get("say") == what, patience)

    def answer(self, key, patience=3):
        found = self.next(lambda said: said.get("key") == key, patience)
        return found[1] if found else {"say": "silent"}

    def show(self):
        self.tell("show")
        found = self.wait("orders", 5)
        return found[1] if found else {"orders": {}, "position": None}

    def kill(self):
        self.process.kill()
        self.process.wait()


class Bench:
    """One client at one simulator, in a folder of its own."""

    def __init__(self, client, faults, prices=None):
        self.client, self.folder = client, tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self.folder.name)
        command = [EXEC, "sim", "--json", "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0"]
        command += ["--record", self.path / "record.jsonl"]
        for fault in faults:
            command += ["--fault", fault]
        if prices:
            (self.path / "prices.csv").write_text("time,symbol,bid,ask\n" + prices)
            command += ["--price-file", self.path / "prices.csv"]
        else:
            command += ["--walk-ms", "0", "--prices", "AAPL=230"]
        self.sim = Process(*command, cwd=self.path)
        said = self.sim.next(lambda said: "listening" in said, 10)[1]
        host, port = said["listening"].rsplit(":", 1)
        self.control = said["control"].rsplit(":", 1)
        self.begun, self.host, self.port = time.monotonic(), host, port
        (self.path / "alphec-exec.toml").write_text(PROFILE.format(host=host, port=port))
        self.start()

    def start(self):
        command = {
            "ours": [OURS, self.path / "alphec-exec.toml"],
            "ibapi": [IBAPI, f"{self.host}:{self.port}"],
            "ib_async": [sys.executable, "-B", HERE / "drive_async.py", self.host, self.port],
            "official": [sys.executable, "-B", HERE / "drive_official.py", self.host, self.port],
        }[self.client]
        self.driver = Process(*command, cwd=self.path)
        if self.driver.wait("ready") is None:
            raise RuntimeError(f"{self.client} did not become ready")

    def __enter__(self):
        return self

    def __exit__(self, failed, *_):
        missed = [] if failed else self.missed()
        self.driver.kill()
        self.sim.kill()
        self.folder.cleanup()
        if missed:
            raise RuntimeError(f"the fault {missed[0]} never happened")

    def place(self, key, qty=5, px="225", side="BUY"):
        self.driver.tell("place", key, side, qty, px)
        return self.driver.answer(key)

    def modify(self, key, qty=5, px="226"):
        self.driver.tell("modify", key, "BUY", qty, px)
        return self.driver.answer(key)

    def cancel(self, key="a"):
        self.driver.tell("cancel", key)
        return self.driver.answer(key)

    def order(self, key="a"):
        return self.driver.show()["orders"].get(key, {"state": "not known", "filled": "0", "why": None})

    def ask(self, verb, **keys):
        """What the simulator answers at its control port."""
        with socket.create_connection(self.control) as control, control.makefile("rw") as lines:
            print(json.dumps({"do": verb, **keys}), file=lines, flush=True)
            return json.loads(lines.readline())

    def missed(self):
        """Armed faults that never happened, for then nothing was measured. A limit may be kept."""
        decisions = self.ask("decisions", limit=10_000)["decisions"]
        fired = {decision.get("fault") for decision in decisions if decision["fired"]}
        armed = [fault for fault in self.ask("faults")["faults"] if not fault.startswith("pacing")]
        return [fault for fault in armed if fault not in fired]

    def until(self, second):
        time.sleep(max(0, self.begun + second - time.monotonic()))

    def frames(self, name="placeOrder"):
        """Messages of this name that reached the simulator, in order."""
        found = []
        for line in (self.path / "record.jsonl").read_text().splitlines():
            try:
                entry = json.loads(line)
            except json.JSONDecodeError:
                continue  # The end of what is written so far.
            if entry.get("dir") == "in" and entry.get("message") == name:
                found.append(entry)
        return found

    def arrived(self, count, patience=8):
        until = time.monotonic() + patience
        while len(self.frames()) < count and time.monotonic() < until:
            time.sleep(0.02)
        return len(self.frames())

    def reconnect(self, second):
        """Ours and `ibapi` come back by themselves; the others are told to connect, as their documents say."""
        self.until(second)
        if self.client in ("ib_async", "official"):
            self.driver.tell("connect")
            self.driver.wait("ready", 10)


def fills(order):
    """What is known of a fill of 5: by the order that the caller holds, or at least elsewhere in the client."""
    held, anywhere = number(order["filled"]), number(order.get("executed", order["filled"]))
    if held == anywhere:
        return f"{held} of 5 known"
    return f"{anywhere} of 5 known, but the order held by the caller says {held}"


def word(answer):
    return "accepted" if answer["say"] == "placed" else answer["say"]


def state(order):
    return str(order["state"])


def number(text):
    return format(float(text), "g")


def at_broker(bench):
    working = [order for order in bench.ask("truth")["orders"] if order["ended_at"] is None]
    return "still working at the broker" if working else "over at the broker"


def gone(client):
    with Bench(client, ["outage(for=60s)@3s"]) as bench:
        bench.until(4)
        answer = bench.place("a")
        time.sleep(1)
        return f"{word(answer)}; shown as {state(bench.order())}"


def half_open(client):
    with Bench(client, ["half-open@3s"]) as bench:
        bench.until(4)
        begun = time.monotonic()
        answer = bench.place("a")
        down = bench.driver.wait("down", 25)
        noticed = f"noticed {down[0] - begun:.1f} s after the order" if down else "not noticed in 25 s"
        return f"{word(answer)}, {noticed}; shown as {state(bench.order())}"


def swallowed(client):
    with Bench(client, ["swallow@1"]) as bench:
        bench.place("a")
        time.sleep(4)
        first = state(bench.order())
        time.sleep(14)
        return f"{first} after 4 s, {state(bench.order())} after 18 s"


def rolled_back(client):
    with Bench(client, ["roll-back-ids(by=3)@2"]) as bench:
        for key in "abc":
            bench.place(key)
        bench.arrived(3)
        used = [frame["fields"]["order_id"] for frame in bench.frames()]
        time.sleep(0.5)
        bench.driver.kill()
        time.sleep(0.5)
        bench.start()
        bench.place("d", px="224")
        bench.arrived(4)
        after = [frame["fields"]["order_id"] for frame in bench.frames()][3:]
        if not after:
            return "not sent"
        return f"id {after[0]} used again: changes the order that has it" if after[0] in used else "a new id"


def killed(client):
    with Bench(client, ["swallow(late=500ms)@1"]) as bench:
        bench.driver.tell("place", "a", "BUY", 5, "225")
        bench.arrived(1)
        bench.driver.kill()
        time.sleep(1)
        bench.start()
        time.sleep(3)
        shown = bench.driver.show()["orders"]
        known = "known after restart" if shown else "forgotten"
        if shown and "a" not in shown:
            known = "found at the broker"
        bench.place("a")
        time.sleep(2)
        return f"{known}; the same order asked for again: sent {len(bench.frames())} x in all"


def gap(client):
    prices = "0,AAPL,230,230.01\n6,AAPL,228,228.01\n"
    with Bench(client, ["outage(for=5s)@4s"], prices) as bench:
        bench.place("a", px="229")
        bench.reconnect(10)
        bench.until(15)
        return fills(bench.order())


def lost_servers(client):
    prices = "0,AAPL,230,230.01\n6,AAPL,228,228.01\n"
    with Bench(client, ["lost-servers(for=5s, fills=drop)@4s"], prices) as bench:
        bench.place("a", px="229")
        bench.until(15)
        return fills(bench.order())


def rejected(client):
    with Bench(client, ["reject(code=201)@1"]) as bench:
        bench.place("a")
        time.sleep(2)
        order = bench.order()
        return f"{state(order)}, reason {'kept' if '201' in str(order['why']) or 'reject' in str(order['why']).lower() else 'not kept'}"


def modify_refused(client):
    with Bench(client, ["reject-modify@1"]) as bench:
        bench.place("a")
        time.sleep(1)
        bench.modify("a")
        time.sleep(2)
        return f"{state(bench.order())} ({at_broker(bench)})"


def informed(client):
    with Bench(client, ["inform(code=10349)@1"]) as bench:
        bench.place("a")
        time.sleep(2)
        return f"{state(bench.order())} ({at_broker(bench)})"


def corrected(client):
    return counted(client, "correction(after=500ms)@1")


def executed_twice(client):
    return counted(client, "execution-again(after=500ms)@1")


def counted(client, fault):
    """How much the client counts of an order that filled whole."""
    with Bench(client, [fault]) as bench:
        bench.place("a", px="MKT")
        time.sleep(3)
        order = bench.order()
        return f"{number(order.get('executed', order['filled']))} counted of 5 filled"


def hundred(client):
    with Bench(client, ["pacing(mode=reject, rate=50, strikes=3)"]) as bench:
        for index in range(100):
            bench.driver.tell("place", f"k{index}", "BUY", 1, "225")
        down = bench.driver.wait("down", 8)
        count = len(bench.frames())
        refused = sum(said.get("say") == "refused" for _, said in bench.driver.heard)
        kept = "cut off" if down else "connection kept"
        return f"{count} sent, {refused} refused at once, {kept}" if refused else f"{count} sent, {kept}"


def hundredfold(client):
    with Bench(client, []) as bench:
        bench.place("a")
        time.sleep(1)
        answer = bench.modify("a", qty=500)
        time.sleep(1)
        sent = any(number(frame["fields"]["order"]["total_quantity"]) == "500" for frame in bench.frames())
        return "sent" if sent else f"not sent ({word(answer)})"


def cancel_not_found(client):
    shown, rest = canceled(client, "cancel-not-found@1", 6)
    return f"{shown}, {rest}"


def cancel_lost(client):
    shown, rest = canceled(client, "swallow-cancel@1", 20)
    return f"{shown} after 20 s, {rest}"


def canceled(client, fault, seconds):
    """What a cancel came to: as what the client shows the order, and the rest in words."""
    with Bench(client, [fault]) as bench:
        bench.place("a")
        time.sleep(1)
        bench.cancel()
        time.sleep(seconds)
        sent = len(bench.frames("cancelOrder"))
        return state(bench.order()), f"{sent} cancel{'s' if sent > 1 else ''} sent in all, {at_broker(bench)}"


def held(client):
    with Bench(client, ["locate-hold(for=3s)@1"]) as bench:
        bench.place("a", px="MKT")
        time.sleep(1.5)
        first = state(bench.order())
        time.sleep(4)
        order = bench.order()
        return f"{first} while it is held; {number(order.get('executed', order['filled']))} of 5 known when it has filled"


ROWS = {
    "an order while the socket is gone": gone,
    "socket half-open": half_open,
    "order lost, no callback": swallowed,
    "order ids rolled back, process restarted": rolled_back,
    "killed after the write, before the answer": killed,
    "fill while disconnected": gap,
    "fill during 1100, not delivered": lost_servers,
    "201 for a new order": rejected,
    "refused change of a working order": modify_refused,
    "10349, a notice": informed,
    "corrected execution": corrected,
    "execution delivered twice": executed_twice,
    "a cancel answered 10147, the order is live": cancel_not_found,
    "a cancel that gets lost": cancel_lost,
    "held as Inactive, filled later": held,
    "100 orders at once, where 50 a second are allowed": hundred,
    "change to 100 times the size": hundredfold,
}


def measure(row, client, cells):
    try:
        cells[row, client] = ROWS[row](client)
    except Exception as error:
        cells[row, client] = f"not measured: {type(error).__name__}: {error}"


def locked(crate):
    """The version of a crate that is built here."""
    lock = (HERE.parents[2] / "Cargo.lock").read_text()
    return re.search(f'name = "{crate}"\nversion = "([^"]+)"', lock)[1]


def names():
    return {
        "ours": "alphec-execution",
        "ib_async": f"ib_async {version('ib_async')}",
        "official": f"IBKR's client {version('nautilus-ibapi')}",
        "ibapi": f"crate ibapi {locked('ibapi')}",
    }


def table(rows, cells):
    heads = names()
    lines = ["| fault | " + " | ".join(heads[client] for client in CLIENTS) + " |", "|---" * (len(CLIENTS) + 1) + "|"]
    for row in rows:
        lines.append(f"| {row} | " + " | ".join(cells[row, client] for client in CLIENTS) + " |")
    return "\n".join(lines)


def show(row, cells):
    """One fault, for a terminal: a line for each client, folded where the terminal ends."""
    heads = names()
    margin = 2 + max(len(head) for head in heads.values()) + 2
    room = max(40, shutil.get_terminal_size((120, 24)).columns - margin)
    print(row)
    for client in CLIENTS:
        first, *more = textwrap.wrap(cells[row, client], room)
        print(f"  {heads[client]:<{margin - 2}}{first}")
        for line in more:
            print(" " * margin + line)
    print(flush=True)


def main(arguments):
    only = arguments[arguments.index("--only") + 1] if "--only" in arguments else ""
    rows = [row for row in ROWS if only in row]
    cells = {}
    for row in rows:
        workers = [threading.Thread(target=measure, args=(row, client, cells)) for client in CLIENTS]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        show(row, cells)
    if "--table" in arguments:
        pathlib.Path(arguments[arguments.index("--table") + 1]).write_text(table(rows, cells) + "\n")
    return 1 if any(cell.startswith("not measured") for cell in cells.values()) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[4:]))

"""What the conformance scripts share: a running simulator, and checks that say what they compared.

The simulator is the crate's example `serve`; its path is the environment variable TWSIM_SERVE.
"""

import json
import os
import socket
import subprocess
import threading
import time

PATIENCE = 10.0


class Gateway:
    """A simulator with still prices, for the length of a `with` block."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen(
            [os.environ["TWSIM_SERVE"], *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        first = self.process.stdout.readline()
        if not first.startswith("listening on "):
            raise RuntimeError(f"the simulator did not start: {first!r}")
        address, control = first.removeprefix("listening on ").strip().split(", control port ")
        self.host, port = address.rsplit(":", 1)
        self.port = int(port)
        host, port = control.rsplit(":", 1)
        self.control = socket.create_connection((host, int(port)), PATIENCE).makefile("rw", encoding="utf-8")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.control.close()
        self.process.stdin.close()
        self.process.wait(PATIENCE)

    def ask(self, do, **keys):
        """A request at the control port."""
        print(json.dumps({"do": do, **keys}), file=self.control, flush=True)
        answer = json.loads(self.control.readline())
        if not answer["ok"]:
            raise RuntimeError(f"{do} {keys}: {answer['error']}; {answer['hint']}")
        return answer

    def price(self, symbol, value):
        self.ask("set-price", symbol=symbol, bid=value)


class Report:
    """Counts checks and keeps what failed."""

    def __init__(self, name):
        self.name = name
        self.passed = 0
        self.failures = []

    def equal(self, what, got, wanted):
        if got == wanted:
            self.passed += 1
        else:
            self.failures.append(f"{what}: got {got!r}, wanted {wanted!r}")

    def true(self, what, value):
        self.equal(what, bool(value), True)

    def show(self):
        print(f"{'ok' if not self.failures else 'FAILED':6} {self.name:24} {self.passed} checks", flush=True)
        for failure in self.failures:
            print(f"       {failure}", flush=True)
        return not self.failures


class Inbox:
    """Callbacks of one client in order of arrival, and a way to wait for one of them."""

    def __init__(self):
        self.changed = threading.Condition()
        self.items = []

    def put(self, name, *values):
        with self.changed:
            self.items.append((name, *values))
            self.changed.notify_all()

    def mark(self):
        with self.changed:
            return len(self.items)

    def wait(self, name, fits=lambda *_: True, since=0):
        """Values of the first callback `name` after `since` that fits."""
        deadline = time.monotonic() + PATIENCE
        with self.changed:
            at = since
            while True:
                for item in self.items[at:]:
                    if item[0] == name and fits(*item[1:]):
                        return item[1:]
                at = len(self.items)
                left = deadline - time.monotonic()
                if left <= 0:
                    seen = [item[:2] for item in self.items[since:]]
                    raise TimeoutError(f"no {name} in time; came: {seen[-12:]}")
                self.changed.wait(left)

    def all(self, name, since=0):
        with self.changed:
            return [item[1:] for item in self.items[since:] if item[0] == name]

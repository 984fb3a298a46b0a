"""What the engine logs, in Python's ``logging`` under ``alphec_execution``."""

from __future__ import annotations

import logging
import threading

from alphec_execution import _native

log = logging.getLogger("alphec_execution")

_LOOK_EVERY = 0.2
"""How long one look waits for a line, in seconds: no thread may sit in the engine when the interpreter ends."""

_begun = threading.Lock()
_thread: threading.Thread | None = None


def listen() -> None:
    """Begins to hand on, once per process; a forked child begins anew."""
    global _thread
    with _begun:
        if _thread is None or not _thread.is_alive():
            _thread = threading.Thread(target=_listen, name="alphec-log", daemon=True)
            _thread.start()


def hand_on(patience: float) -> None:
    """Hands on what was logged, and waits so long for the first line."""
    for level, name, text in _native.log_lines(patience):
        log.getChild(name).log(level, "%s", text)


def _listen() -> None:
    while True:
        hand_on(_LOOK_EVERY)

"""What the engine logs, in Python's ``logging`` under ``alphec_execution``."""

from __future__ import annotations

import logging
import threading
import traceback

from alphec_execution import _native

log = logging.getLogger("alphec_execution")

_LOOK_EVERY = 0.2
"""How long one look waits for a line, in seconds: no thread may sit in the engine when the interpreter ends."""

_begun = threading.Lock()
_thread: threading.Thread | None = None


def listen() -> None:
    """Begins to hand on, once."""
    global _thread
    with _begun:
        if _thread is None:
            _thread = threading.Thread(target=_listen, name="alphec-log", daemon=True)
            _thread.start()


def hand_on(patience: float) -> bool:
    """Hands on what was logged, and waits so long for the first line; whether there was any."""
    lines = _native.log_lines(patience)
    for level, name, text in lines:
        try:
            log.getChild(name).log(level, "%s", text)
        except Exception:
            # A handler or filter of the user's: it is said, and the next line goes to it all the same.
            traceback.print_exc()
    return bool(lines)


def hand_on_the_rest() -> None:
    """Hands on all that is there: the interpreter ends."""
    while hand_on(0.0):
        pass


def _listen() -> None:
    while True:
        hand_on(_LOOK_EVERY)

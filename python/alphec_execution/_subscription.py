"""Callbacks. Each has a thread or a task of its own, so that a slow or failing one is nobody else's trouble."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable
from typing import Any

from alphec_execution._log import log
from alphec_execution.errors import ClientStopped, EventsMissed

_LOOK_EVERY = 0.2
"""How soon a closed subscription ends, in seconds."""


class Subscription:
    """A callback that hears until :meth:`close`, or until the client stops."""

    def __init__(self, stream: Any, callback: Callable[[Any], None]) -> None:
        if inspect.iscoroutinefunction(callback):
            raise TypeError("a callback is a plain function; a coroutine listens with `async for … in client.events()`")
        self.failures = 0
        """How often the callback raised. Each time is logged, and the next event goes to it all the same."""
        self.missed = 0
        """Events lost because the callback was too slow."""
        self._stream = stream
        self._callback = callback
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="alphec-callback", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ends it; the callback under way ends by itself."""
        self._closed.set()

    def _listen(self) -> None:
        while not self._closed.is_set():
            try:
                heard = self._stream.next().wait(_LOOK_EVERY)
            except TimeoutError:
                continue
            except EventsMissed as lost:
                self.missed += lost.missed
                log.warning("%s", lost)
                continue
            except ClientStopped:
                return
            for one in heard:
                self._tell(one)

    def _tell(self, one: Any) -> None:
        try:
            self._callback(one)
        except Exception:
            self.failures += 1
            log.exception("a callback failed at %r; it hears the next one all the same", one)

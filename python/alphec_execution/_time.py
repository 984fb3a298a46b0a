"""Instants: UTC, to the nanosecond, in both directions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any, SupportsIndex, cast

if TYPE_CHECKING:
    import pandas

    Timestamp = pandas.Timestamp

try:
    _pandas: Any = import_module("pandas")
except ModuleNotFoundError:
    _pandas = None

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Instant(datetime):
    """What stands for a ``pandas.Timestamp`` where pandas is not: UTC, the nanoseconds kept in ``_ns``.

    Python makes new ones by arithmetic, which knows microseconds: they have no ``_ns``.
    """

    _ns: int

    @classmethod
    def of_ns(cls, ns: int) -> Instant:
        """The instant so many nanoseconds after 1970."""
        made = cls.fromtimestamp(ns // 1_000_000_000, UTC).replace(microsecond=ns // 1_000 % 1_000_000)
        made._ns = ns
        return made

    def __reduce_ex__(self, protocol: SupportsIndex) -> Any:
        return (Instant.of_ns, (to_ns(self, "an instant"),))


if not TYPE_CHECKING:
    Timestamp = Instant if _pandas is None else _pandas.Timestamp


def instant(ns: int) -> Timestamp:
    """An instant out: a ``pandas.Timestamp`` in UTC where pandas is, an :class:`Instant` else."""
    made: Any = Instant.of_ns(ns) if _pandas is None else _pandas.Timestamp(ns, unit="ns", tz="UTC")
    return cast("Timestamp", made)


def to_ns(at: datetime, name: str) -> int:
    """An instant in: any datetime with a zone, nanoseconds since 1970 out."""
    if isinstance(at, Instant) and hasattr(at, "_ns"):
        return at._ns
    if not isinstance(at, datetime):
        kind = type(at).__name__
        raise TypeError(f"{name} is {kind}: write a datetime with a zone, like datetime(2026, 11, 23, tzinfo=UTC)")
    if at.tzinfo is None or at.utcoffset() is None:
        raise ValueError(
            f"{name} has no time zone: write which, like {type(at).__name__}(…, tzinfo=UTC) or "
            "pandas.Timestamp(…, tz='UTC')"
        )
    if _pandas is not None and isinstance(at, _pandas.Timestamp):
        stamp: Any = at
        return int(stamp.as_unit("ns").value)
    return (at - _EPOCH) // _MICROSECOND * 1_000

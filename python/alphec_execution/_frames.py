"""Tables: pandas DataFrames whose prices and sizes stay ``Decimal`` and whose times are UTC."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from html import escape
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alphec_execution import _native
from alphec_execution._records import Fill, Position
from alphec_execution._time import to_ns

if TYPE_CHECKING:
    import pandas

ORDER_COLUMNS = (
    "client_order_id",
    "strategy_id",
    "account",
    "instrument",
    "side",
    "order_qty",
    "order_type",
    "stop_px",
    "limit_px",
    "time_in_force",
    "state",
    "cum_qty",
    "leaves_qty",
    "avg_px",
    "commission",
    "reject_text",
    "deny_reason",
    "updated_at",
)


def _pandas() -> Any:
    try:
        return import_module("pandas")
    except ModuleNotFoundError as missing:
        raise ImportError(
            "tables need pandas: pip install 'alphec-execution[pandas]'; every other call works without it"
        ) from missing


def _frame(rows: list[dict[str, Any]], columns: Sequence[str], index: str) -> pandas.DataFrame:
    pd = _pandas()
    frame = pd.DataFrame(rows, columns=[index, *columns], dtype=object)
    for name in (index, *columns):
        if name in ("at", "time") or name.endswith("_at"):
            frame[name] = pd.to_datetime(frame[name], utc=True).astype("datetime64[ns, UTC]")
    indexed: pandas.DataFrame = frame.set_index(index)
    return indexed


def orders(orders: Iterable[_native.Order]) -> pandas.DataFrame:
    """A row an order, by the time it was made."""
    rows = []
    for order in orders:
        row = {name: getattr(order, name) for name in ORDER_COLUMNS}
        row["created_at"] = order.created_at
        row["side"], row["state"] = order.side.value, order.state.value
        row["time_in_force"] = order.time_in_force.value
        row["order_type"] = type(order.order_type).__name__
        rows.append(row)
    return _frame(rows, ORDER_COLUMNS, "created_at")


def fills(traded: Iterable[tuple[_native.Order, Iterable[Fill]]]) -> pandas.DataFrame:
    """A row a fill, order by order; the index is the time, ``NaT`` where that is not known."""
    rows = [
        asdict(fill) | {"side": fill.side.value, "client_order_id": order.client_order_id}
        for order, fills in traded
        for fill in fills
    ]
    columns = ("exec_id", "client_order_id", "account", "instrument", "side", "last_qty", "last_px", "time_text")
    return _frame(rows, columns, "time")


def positions(positions: Iterable[Position]) -> pandas.DataFrame:
    """A row a position, by account and instrument."""
    frame = _frame([asdict(position) for position in positions], ("instrument", "qty", "broken"), "account")
    return frame.set_index("instrument", append=True)


AUDIT_COLUMNS = ("seq", "kind", "provenance", "correlation_id", "client_order_id", "hash", "payload")


def audit(
    journal: Path,
    order: str | None,
    correlation_id: str | None,
    kind: str | None,
    since: datetime | None,
    last: int | None,
) -> pandas.DataFrame:
    """A row a record, by its time. Read beside whoever writes the journal."""
    since_ns = None if since is None else to_ns(since, "since")
    names = ("seq", "at", *AUDIT_COLUMNS[1:])
    records = _native.audit(journal, order, correlation_id, kind, since_ns, last)
    return _frame([dict(zip(names, record, strict=True)) for record in records], AUDIT_COLUMNS, "at")


def html(records: Sequence[Any]) -> str:
    """A small table for notebooks."""
    rows = [asdict(record) for record in records]
    return _table(list(rows[0]), [list(row.values()) for row in rows])


def order_html(order: _native.Order) -> str:
    """An order for notebooks."""
    kind = type(order.order_type).__name__
    facts: list[tuple[str, Any]] = [
        ("order", order.client_order_id),
        ("state", order.state.value),
        ("side", order.side.value),
        ("quantity", order.order_qty),
        ("instrument", order.instrument),
        ("type", kind),
        ("trigger", order.stop_px),
        ("limit", order.limit_px),
        ("filled", order.cum_qty),
        ("average", order.avg_px),
    ]
    facts = [(name, value) for name, value in facts if value is not None]
    return _table([name for name, _ in facts], [[value for _, value in facts]])


def _table(head: list[str], rows: list[list[Any]]) -> str:
    def line(tag: str, cells: Iterable[Any]) -> str:
        inner = "".join(f"<{tag}>{'' if cell is None else escape(str(cell))}</{tag}>" for cell in cells)
        return f"<tr>{inner}</tr>"

    body = "".join(line("td", row) for row in rows)
    return f"<table><thead>{line('th', head)}</thead><tbody>{body}</tbody></table>"

"""Risk-checked, durable order execution through Interactive Brokers' TWS and IB Gateway.

    from decimal import Decimal
    from alphec_execution import ExecutionClient, Limit, OrderRequest, Side

    async with ExecutionClient.connect("paper", strategy_id="mean-reversion") as client:
        order = await client.submit_order(OrderRequest("AAPL", Side.BUY, 10, Limit(Decimal("199.50"))))
        print(await order.accepted())

Prices and sizes are ``Decimal``, times are UTC to the nanosecond, floats and naive times are refused.
"""

import atexit as _atexit

from alphec_execution import _log, _native
from alphec_execution._enums import (
    AlertKind,
    GroupKind,
    LegRole,
    LinkState,
    OrderState,
    Provenance,
    Severity,
    Side,
    TimeInForce,
    WhenInDoubt,
)
from alphec_execution._native import Event, Order
from alphec_execution._orders import (
    GroupRequest,
    Limit,
    Market,
    OrderRequest,
    OrderType,
    Stop,
    StopLimit,
    TrailingStop,
)
from alphec_execution._records import (
    Account,
    Alert,
    Fill,
    ForeignOrder,
    Halt,
    Position,
    Quote,
    Reconciliation,
    Status,
    StopReport,
    Waits,
)
from alphec_execution._rules import ProposedOrder, RiskContext, RiskRule, Verdict
from alphec_execution._subscription import Subscription
from alphec_execution._time import Timestamp
from alphec_execution.client import ExecutionClient, OrderHandle
from alphec_execution.errors import (
    ClientStopped,
    ConfigError,
    EventsMissed,
    ExecutionError,
    InDoubt,
    JournalError,
    KillNotVerified,
    NotConnected,
    NotOnRecord,
    OrderDenied,
    OrderRejected,
    UnknownOrder,
)

__version__: str = _native.VERSION

__all__ = [
    "Account",
    "Alert",
    "AlertKind",
    "ClientStopped",
    "ConfigError",
    "Event",
    "EventsMissed",
    "ExecutionClient",
    "ExecutionError",
    "Fill",
    "ForeignOrder",
    "GroupKind",
    "GroupRequest",
    "Halt",
    "InDoubt",
    "JournalError",
    "KillNotVerified",
    "LegRole",
    "Limit",
    "LinkState",
    "Market",
    "NotConnected",
    "NotOnRecord",
    "Order",
    "OrderDenied",
    "OrderHandle",
    "OrderRejected",
    "OrderRequest",
    "OrderState",
    "OrderType",
    "Position",
    "ProposedOrder",
    "Provenance",
    "Quote",
    "Reconciliation",
    "RiskContext",
    "RiskRule",
    "Severity",
    "Side",
    "Status",
    "Stop",
    "StopLimit",
    "StopReport",
    "Subscription",
    "TimeInForce",
    "Timestamp",
    "TrailingStop",
    "UnknownOrder",
    "Verdict",
    "Waits",
    "WhenInDoubt",
    "__version__",
]

# An interpreter that exits with orders working stops them by the profile's policy, as a deliberate stop does.
_atexit.register(_log.hand_on_the_rest)
_atexit.register(_native.stop_all)

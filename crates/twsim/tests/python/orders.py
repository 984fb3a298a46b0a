"""Orders that use every field a client can send, in themes, and how to read them back.

A theme is a dictionary of the broker's own attribute names. Values are plain; `build` turns parameters,
conditions and tiers into the classes of a client, and `plain` turns them back.
"""

AAPL = 265598

CONDITIONS = [
    {"condType": 1, "conjunction": "a", "isMore": True, "price": 240.25, "conId": AAPL, "exch": "SMART", "triggerMethod": 2},
    {"condType": 3, "conjunction": "o", "isMore": True, "time": "20281231 23:59:59 UTC"},
    {"condType": 4, "conjunction": "a", "isMore": False, "percent": 30},
    {"condType": 5, "conjunction": "a", "secType": "STK", "exch": "SMART", "symbol": "MSFT"},
    {"condType": 6, "conjunction": "o", "isMore": True, "volume": 1000000, "conId": AAPL, "exch": "SMART"},
    {"condType": 7, "conjunction": "a", "isMore": False, "changePercent": 1.25, "conId": AAPL, "exch": "SMART"},
]

# Of each theme: what every client echoes, and what only comes back in protobuf.
THEMES = {
    "identity": (
        {
            "orderRef": "ref 1", "openClose": "O", "origin": 1, "rule80A": "I", "settlingFirm": "firm",
            "clearingAccount": "cleared", "clearingIntent": "Away", "modelCode": "model",
            "shortSaleSlot": 1, "designatedLocation": "there", "exemptCode": 2, "solicited": True,
            "softDollarTier": ("tier", "5"), "isOmsContainer": True,
        },
        {
            "extOperator": "operator", "mifid2DecisionMaker": "maker", "mifid2DecisionAlgo": "decider",
            "mifid2ExecutionTrader": "trader", "mifid2ExecutionAlgo": "executor", "algoId": "id-1",
            "orderMiscOptions": [("one", "1"), ("two", "2")],
        },
    ),
    "routing": (
        {
            "displaySize": 4, "minQty": 2, "percentOffset": 0.5, "discretionaryAmt": 0.25, "triggerMethod": 2,
            "blockOrder": True, "sweepToFill": True, "notHeld": True, "optOutSmartRouting": True,
            "randomizeSize": True, "randomizePrice": True, "discretionaryUpToLimitPrice": True,
            "usePriceMgmtAlgo": True, "cashQty": 1000.5, "faGroup": "group", "faMethod": "NetLiq",
            "faPercentage": "10", "hidden": True, "outsideRth": True, "ocaGroup": "one", "ocaType": 2,
        },
        {"overridePercentageConstraints": True},
    ),
    "algorithm": (
        {
            "algoStrategy": "Twap",
            "algoParams": [("strategyType", "Marketable"), ("allowPastEndTime", "1"), ("a", "")],
        },
        {},
    ),
    "conditions": ({"conditions": CONDITIONS, "conditionsIgnoreRth": True, "conditionsCancelOrder": True}, {}),
    "scale": (
        {
            "scaleInitLevelSize": 5, "scaleSubsLevelSize": 3, "scalePriceIncrement": 0.05,
            "scalePriceAdjustValue": 0.01, "scalePriceAdjustInterval": 60, "scaleProfitOffset": 0.1,
            "scaleAutoReset": True, "scaleInitPosition": 7, "scaleInitFillQty": 1, "scaleRandomPercent": True,
        },
        {
            "scaleTable": "table", "activeStartTime": "20270101 10:00:00 UTC",
            "activeStopTime": "20280101 10:00:00 UTC",
        },
    ),
    "hedge": ({"hedgeType": "P", "hedgeParam": "ratio=2", "dontUseAutoPriceForHedge": True}, {}),
    "volatility": (
        {
            "volatility": 0.35, "volatilityType": 2, "deltaNeutralOrderType": "LMT",
            "deltaNeutralAuxPrice": 10.5, "deltaNeutralConId": AAPL, "deltaNeutralSettlingFirm": "dn firm",
            "deltaNeutralClearingAccount": "dn account", "deltaNeutralClearingIntent": "PTA",
            "deltaNeutralOpenClose": "O", "deltaNeutralShortSale": True, "deltaNeutralShortSaleSlot": 2,
            "deltaNeutralDesignatedLocation": "dn place", "continuousUpdate": True, "referencePriceType": 2,
            "startingPrice": 1.5, "stockRefPrice": 2.5, "delta": 0.5, "stockRangeLower": 200.5,
            "stockRangeUpper": 260.5,
        },
        {},
    ),
    "adjustments": (
        {
            "adjustedOrderType": "STP LMT", "triggerPrice": 221.5, "adjustedStopPrice": 220.5,
            "adjustedStopLimitPrice": 219.5, "adjustedTrailingAmount": 1.5, "adjustableTrailingUnit": 1,
            "lmtPriceOffset": 0.75,
        },
        {},
    ),
}

# Order types and their prices, for a purchase at 230.01. Each price can be raised by 0.25 to change the order.
KINDS = [
    ("LMT", {"lmtPrice": 220.5}),
    ("STP", {"auxPrice": 240.5}),
    ("STP LMT", {"auxPrice": 240.5, "lmtPrice": 241.5}),
    ("MIT", {"auxPrice": 220.5}),
    ("LIT", {"auxPrice": 220.5, "lmtPrice": 221.5}),
    ("MOC", {}),
    ("LOC", {"lmtPrice": 220.5}),
    ("TRAIL", {"auxPrice": 1.5, "trailStopPrice": 231.5}),
    ("TRAIL", {"trailingPercent": 1.0, "trailStopPrice": 232.0}),
    ("TRAIL LIMIT", {"auxPrice": 1.5, "trailStopPrice": 231.5, "lmtPrice": 231.75}),
]

# Newer fields: the version that brought them, and the one that echoes them in text (None: protobuf only).
NEWER = {
    "duration": (158, 158, 3600),
    "postToAts": (160, 160, 5),
    "autoCancelParent": (162, 162, True),
    "advancedErrorOverride": (166, None, "8229=IBDBUYTX"),
    "manualOrderTime": (169, None, "20270101 10:00:00 UTC"),
    "customerAccount": (183, 183, "customer"),
    "professionalCustomer": (184, 184, True),
    "includeOvernight": (189, 189, True),
    "manualOrderIndicator": (192, 193, 1),
    "imbalanceOnly": (199, 199, True),
}


def themes(version):
    """All themes that a session of this version can send: (name, echoed in text, echoed in protobuf)."""
    yield from ((name, dict(text), dict(proto)) for name, (text, proto) in THEMES.items())
    text, proto = {}, {}
    for name, (since, echoed, value) in NEWER.items():
        if version >= since:
            (text if echoed and version >= echoed else proto)[name] = value
    yield "newer", text, proto


def plain(value):
    """A client's object as plain values."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if hasattr(value, "tag") and hasattr(value, "value"):
        return (value.tag, value.value)
    if hasattr(value, "displayName"):
        return (value.name, value.val)
    if hasattr(value, "condType"):
        return plain_condition(value)
    return value


def plain_condition(condition):
    conjunction = getattr(condition, "conjunction", None)
    if conjunction is None:
        conjunction = "a" if condition.isConjunctionConnection else "o"
    fields = {"condType": condition.condType, "conjunction": conjunction}
    if condition.condType != 5:
        fields["isMore"] = bool(condition.isMore)
    for name in ("price", "time", "percent", "volume", "changePercent", "conId", "triggerMethod", "secType", "symbol"):
        if hasattr(condition, name):
            fields[name] = getattr(condition, name)
    for name in ("exch", "exchange"):
        if hasattr(condition, name):
            fields["exch"] = getattr(condition, name)
    return fields


def compare_message(report, what, message, wanted):
    """The same for an order in protobuf, where parameters are maps."""
    for name, value in wanted.items():
        got = getattr(message, name)
        if name == "conditions":
            got, value = [message_condition(item) for item in got], [dict(item) for item in value]
        elif name == "softDollarTier":
            got = (got.name, got.value)
        elif isinstance(value, list):
            got, value = dict(got), dict(value)
        report.equal(f"{what}, {name}", got, value)


def message_condition(message):
    fields = {field.name: value for field, value in message.ListFields()}
    fields["conjunction"] = "a" if fields.pop("isConjunctionConnection", False) else "o"
    fields["condType"] = fields.pop("type")
    if "exchange" in fields:
        fields["exch"] = fields.pop("exchange")
    return fields


def compare(report, what, order, wanted):
    """Attributes of a client's order. In protobuf the order of parameters is lost, so it is not compared."""
    for name, value in wanted.items():
        got = plain(getattr(order, name))
        if name.endswith("Params"):
            got, value = sorted(got), sorted(value)
        report.equal(f"{what}, {name}", got, value)

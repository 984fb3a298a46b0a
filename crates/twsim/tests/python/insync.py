"""ib_insync and its successor ib_async: one interface, two versions of the protocol."""

import time
from importlib import import_module

import newer
import official
import truth
from kit import PATIENCE, Gateway, Report
from orders import AAPL, KINDS, compare, compare_message, themes

ACCOUNT = "DU1234567"


def until(ib, ready):
    """Runs the client's loop until `ready` holds."""
    deadline = time.monotonic() + PATIENCE
    while not ready():
        if time.monotonic() > deadline:
            raise TimeoutError("the client saw nothing of it")
        ib.waitOnUpdate(0.05)


def dress(library, name, value):
    """Plain values in the client's own classes."""
    if name in ("algoParams", "orderMiscOptions", "smartComboRoutingParams"):
        return [library.TagValue(tag, text) for tag, text in value]
    if name == "softDollarTier":
        return library.SoftDollarTier(*value)
    if name == "conditions":
        return [library.OrderCondition.createClass(fields["condType"])(**fields) for fields in value]
    return value


def order(library, action, quantity, kind, **terms):
    made = library.Order(action=action, totalQuantity=quantity, orderType=kind)
    for name, value in terms.items():
        setattr(made, name, dress(library, name, value))
    return made


def listed(ib, number):
    """The order as the gateway lists it, not as the client remembers it."""
    original = ib.wrapper.openOrder
    seen = {}

    def keep(order_id, contract, echo, state):
        seen[order_id] = (contract, echo, state)
        original(order_id, contract, echo, state)

    ib.wrapper.openOrder = keep
    try:
        ib.reqAllOpenOrders()
    finally:
        ib.wrapper.openOrder = original
    return seen[number]


def check_orders(ib, library, observer, report):
    # Only volatility orders may have a volatility in ib_async, which clears it in others.
    clears = {"volatility"} if library.__name__ == "ib_async" else set()
    for name, text, proto in themes(ib.client.serverVersion()):
        text = {key: value for key, value in text.items() if key not in clears}
        terms = {"lmtPrice": 219.25, "tif": "GTC", **text, **proto}
        contract = library.Contract(conId=AAPL, exchange="SMART")
        trade = ib.placeOrder(contract, order(library, "BUY", 10, "LMT", **terms))
        until(ib, lambda: trade.orderStatus.status in ("PreSubmitted", "Submitted"))
        contract, echo, state = listed(ib, trade.order.orderId)
        compare(report, f"{name} echoed", echo, {"action": "BUY", "lmtPrice": 219.25, "tif": "GTC", **text})
        report.equal(f"{name} contract", (contract.conId, contract.exchange), (AAPL, "SMART"))
        report.equal(f"{name} quantity and state", (echo.totalQuantity, state.status), (10, trade.orderStatus.status))
        seen = official.open_orders(observer)[(ib.client.clientId, trade.order.orderId)]
        compare_message(report, f"{name} seen by another client", seen, {**text, **proto})
        ib.cancelOrder(trade.order)
        until(ib, lambda: trade.orderStatus.status == "Cancelled")


def check_kinds(ib, library, report):
    for kind, terms in KINDS:
        contract = library.Contract(conId=AAPL, exchange="SMART")
        placed = order(library, "BUY", 3, kind, orderRef="mine", **terms)
        trade = ib.placeOrder(contract, placed)
        until(ib, lambda: trade.orderStatus.permId)
        compare(report, kind, listed(ib, placed.orderId)[1], {"orderType": kind, "orderRef": "mine", **terms})
        changed = {name: value + 0.25 for name, value in terms.items()}
        for name, value in {"totalQuantity": 4, "orderRef": "yours", **changed}.items():
            setattr(placed, name, value)
        ib.placeOrder(contract, placed)
        until(ib, lambda: trade.orderStatus.remaining == 4)
        compare(report, f"{kind} changed", listed(ib, placed.orderId)[1], {"orderRef": "yours", **changed})
        ib.cancelOrder(placed)
        until(ib, lambda: trade.orderStatus.status == "Cancelled")


def check_attributes(ib, library, report):
    """All-or-none and a minimum quantity wait for size, good-after-time for its time."""
    soon = time.strftime("%Y%m%d-%H:%M:%S", time.gmtime(time.time() + 2))
    contract = library.Contract(conId=AAPL, exchange="SMART")
    for what, price, terms in [
        ("all or none", 230.01, {"allOrNone": True}),
        ("minimum quantity", 230.01, {"minQty": 600}),
        ("good after time", 220.0, {"goodAfterTime": soon}),
        ("hidden", 220.0, {"hidden": True}),
    ]:
        trade = ib.placeOrder(contract, order(library, "BUY", 600, "LMT", lmtPrice=price, **terms))
        until(ib, lambda: trade.orderStatus.status == "Submitted")
        compare(report, what, listed(ib, trade.order.orderId)[1], terms)
        report.equal(f"{what} does not trade", trade.fills, [])
        ib.cancelOrder(trade.order)
        until(ib, lambda: trade.orderStatus.status == "Cancelled")


def check_fills(ib, library, gateway, report):
    contract = library.Contract(conId=AAPL, exchange="SMART")
    trade = ib.placeOrder(contract, order(library, "BUY", 700, "LMT", lmtPrice=230.01, orderRef="parts"))
    until(ib, lambda: trade.orderStatus.filled == 500)
    report.equal("partly filled", (trade.orderStatus.status, trade.orderStatus.remaining), ("Submitted", 200))
    gateway.price("AAPL", "229.99")
    until(ib, lambda: trade.isDone())
    until(ib, lambda: all(fill.commissionReport.execId for fill in trade.fills))
    gateway.price("AAPL", "230")
    fills = [(f.execution.side, f.execution.shares, f.execution.cumQty, f.execution.orderRef) for f in trade.fills]
    report.equal("fills", fills, [("BOT", 500, 500, "parts"), ("BOT", 200, 700, "parts")])
    report.equal("permanent ids agree", {f.execution.permId for f in trade.fills}, {trade.orderStatus.permId})
    report.true("a time with a zone", trade.fills[0].execution.time.tzinfo)
    report.equal("executions listed", {f.execution.execId for f in ib.reqExecutions()},
                 {f.execution.execId for f in trade.fills})
    report.equal("filtered executions", ib.reqExecutions(library.ExecutionFilter(symbol="MSFT")), [])
    report.true("average", 230 <= trade.orderStatus.avgFillPrice <= 230.01)


def check_bracket(ib, library, report):
    contract = library.Contract(conId=AAPL, exchange="SMART")
    trades = [ib.placeOrder(contract, made) for made in ib.bracketOrder("BUY", 5, 220.0, 240.0, 210.0)]
    until(ib, lambda: [t.orderStatus.status for t in trades] == ["Submitted", "PreSubmitted", "PreSubmitted"])
    parent = trades[0].order.orderId
    report.equal("children name their parent", {listed(ib, t.order.orderId)[1].parentId for t in trades[1:]}, {parent})
    ib.cancelOrder(trades[0].order)
    until(ib, lambda: all(t.orderStatus.status == "Cancelled" for t in trades))


def check_groups(ib, library, report):
    """A fill of one member cancels the others of type 1, and makes those of types 2 and 3 smaller."""
    contract = library.Contract(conId=AAPL, exchange="SMART")
    for kind, status, remaining in [(1, "Cancelled", 10), (2, "Submitted", 2), (3, "Submitted", 2)]:
        made = [order(library, "BUY", 10, "LMT", lmtPrice=220.0), order(library, "BUY", 625, "LMT", lmtPrice=230.01)]
        rests, fills = [ib.placeOrder(contract, it) for it in ib.oneCancelsAll(made, f"group {kind}", kind)]
        until(ib, lambda: (rests.orderStatus.status, rests.orderStatus.remaining) == (status, remaining))
        report.equal(f"type {kind}", (rests.orderStatus.filled, fills.orderStatus.filled), (0, 500))
        ib.reqGlobalCancel()
        until(ib, lambda: fills.isDone() and rests.isDone())


def check_growth(ib, library, report):
    """Children work for what has filled of their parent, and stay for it when the rest is cancelled."""
    contract = library.Contract(conId=AAPL, exchange="SMART")
    trades = [ib.placeOrder(contract, made) for made in ib.bracketOrder("BUY", 600, 230.01, 240.0, 210.0)]
    parent, target, stop = trades
    until(ib, lambda: [t.orderStatus.remaining for t in trades] == [100, 500, 500])
    report.equal("children at work", [t.orderStatus.status for t in (target, stop)], ["Submitted", "PreSubmitted"])
    report.equal("a child is as large as what has filled", listed(ib, target.order.orderId)[1].totalQuantity, 500)
    ib.cancelOrder(parent.order)
    until(ib, lambda: parent.orderStatus.status == "Cancelled")
    report.equal("they stay when the rest is cancelled", [t.isDone() for t in (target, stop)], [False, False])
    ib.reqGlobalCancel()
    until(ib, lambda: all(t.isDone() for t in trades))


def check_preview(ib, library, report):
    """A what-if is answered with margins and a commission; no order comes of it."""
    contract = library.Contract(conId=AAPL, exchange="SMART")
    state = ib.whatIfOrder(contract, order(library, "BUY", 100, "LMT", lmtPrice=220.0))
    before, change, after = (float(value) for value in (state.initMarginBefore, state.initMarginChange, state.initMarginAfter))
    report.equal("initial margin", (state.status, change, round(after - before, 2)), ("PreSubmitted", 5500.0, 5500.0))
    report.equal("maintenance margin", float(state.maintMarginAfter), after)
    report.equal("equity with loan", float(state.equityWithLoanChange), -1.0)
    report.equal("commission", (state.commission, state.commissionCurrency), (1.0, "USD"))
    report.equal("no order comes of a preview", ib.reqAllOpenOrders(), [])


def check_refusals(ib, library, report):
    contract = library.Contract(conId=AAPL, exchange="SMART")
    errors = []
    ib.errorEvent += lambda number, code, *_: errors.append((number, code))
    for what, made, code in [
        ("off the grid", order(library, "BUY", 1, "LMT", lmtPrice=220.123), 110),
        ("unknown type", order(library, "BUY", 1, "NONSENSE"), 387),
        ("unknown action", order(library, "HOLD", 1, "MKT"), 321),
    ]:
        trade = ib.placeOrder(contract, made)
        until(ib, lambda: (trade.order.orderId, code) in errors)
        report.true(what, True)
    ib.client.cancelOrder(987654, "")
    until(ib, lambda: (987654, 10147) in errors)


def check_completed(ib, report):
    done = [(t.order.orderRef, t.orderStatus.status, t.order.totalQuantity, t.order.filledQuantity)
            for t in ib.reqCompletedOrders(False)]
    report.true("the filled order is among the completed", ("parts", "Filled", 0, 700) in done)
    report.true("so are the cancelled ones", ("yours", "Cancelled", 4, 0) in done)


def check_account(ib, library, report):
    report.equal("positions", [(p.account, p.contract.conId, p.position) for p in ib.reqPositions()], [(ACCOUNT, AAPL, 700)])
    report.equal("portfolio", [(p.contract.symbol, p.position) for p in ib.portfolio()], [("AAPL", 700)])
    values = {value.tag: value.value for value in ib.accountValues(ACCOUNT)}
    report.true("net liquidation", float(values["NetLiquidation"]) > 900000)
    summary = {value.tag for value in ib.accountSummary()}
    report.true("summary", {"NetLiquidation", "BuyingPower"} <= summary)
    ib.reqAccountUpdatesMulti()
    total, single = ib.reqPnL(ACCOUNT), ib.reqPnLSingle(ACCOUNT, "", AAPL)
    until(ib, lambda: total.dailyPnL == total.dailyPnL and single.position == 700)
    report.true("profit and loss", True)
    ib.cancelPnL(ACCOUNT)
    ib.cancelPnLSingle(ACCOUNT, "", AAPL)
    report.true("the gateway's time", ib.reqCurrentTime().tzinfo)
    report.equal("accounts", ib.managedAccounts(), [ACCOUNT])
    report.equal("news providers", ib.reqNewsProviders(), [])


def check_contracts(ib, library, gateway, report):
    (option,) = ib.reqContractDetails(library.Option("AAPL", "20270115", 250, "C", "SMART"))
    report.equal("option", (option.contract.strike, option.contract.right, option.contract.multiplier), (250.0, "C", "100"))
    for con_id, kind in [(AAPL, "STK"), (649180695, "FUT"), (12087792, "CASH")]:
        (details,) = ib.reqContractDetails(library.Contract(conId=con_id))
        report.equal("details", (details.contract.conId, details.contract.secType), (con_id, kind))
        report.true("has a tick", details.minTick > 0 and details.marketRuleIds)
    report.equal("unknown contract", ib.reqContractDetails(library.Stock("NOSUCH", "SMART", "USD")), [])
    stock = library.Stock("AAPL", "SMART", "USD")
    ib.qualifyContracts(stock)
    report.equal("qualified", (stock.conId, stock.primaryExchange, stock.localSymbol), (AAPL, "NASDAQ", "AAPL"))
    report.true("symbols", any(found.contract.conId == AAPL for found in ib.reqMatchingSymbols("AAP")))
    report.equal("market rule", [(s.lowEdge, s.increment) for s in ib.reqMarketRule(26)], [(0.0, 0.01)])
    (chain,) = ib.reqSecDefOptParams("AAPL", "", "STK", AAPL)
    report.equal("option chain", (chain.expirations, chain.strikes), (["20270115"], [250.0]))
    ticker = ib.reqMktData(stock)
    until(ib, lambda: ticker.bid == 230 and ticker.askSize == 500)
    gateway.price("AAPL", "230.5")
    until(ib, lambda: ticker.bid == 230.5)
    gateway.price("AAPL", "230")
    ib.cancelMktData(stock)
    (snapshot,) = ib.reqTickers(stock)
    report.equal("snapshot", snapshot.bid, 230.0)


def check_bars(ib, library, report):
    stock = library.Stock("AAPL", "SMART", "USD")
    bars = ib.reqHistoricalData(stock, "", "60 S", "1 min", "BID", False, formatDate=1)
    report.equal("history", (bars[-1].close, bars[-1].volume), (230.0, -1.0))
    report.true("a time with a zone", bars[-1].date.tzinfo is not None and bars[-1].date.second == 0)
    days = ib.reqHistoricalData(stock, "", "2 D", "1 day", "TRADES", False)
    report.equal("days", (max(day.high for day in days), sum(day.barCount for day in days) > 0), (230.5, True))
    live = ib.reqRealTimeBars(stock, 5, "MIDPOINT", False)
    until(ib, lambda: len(live) > 0)
    report.equal("real-time bar", (live[0].close, live[0].volume), (230.005, -1.0))
    ib.cancelRealTimeBars(live)


def check_truth(ib, library, gateway, sent, refused, report):
    """Everything that this client sent and heard, beside what the venue has."""
    session = (ib.client.clientId, ib.client.serverVersion())
    heard = {}
    for trade in ib.trades():
        s = trade.orderStatus
        if trade.order.clientId == session[0]:
            heard[trade.order.orderId] = (s.status, s.filled, s.remaining, s.avgFillPrice, s.permId, s.parentId,
                                          s.lastFillPrice, s.whyHeld)
    truth.compare_orders(report, gateway, session, sent, heard, refused)
    fills = [fill for fill in ib.reqExecutions() if fill.execution.clientId == session[0]]
    told = {f.execution.execId: (f.execution, f.contract.conId, f.execution.time.strftime("%Y%m%d-%H:%M:%S")) for f in fills}
    reports = [fill.commissionReport for fill in ib.fills() if fill.commissionReport.execId]
    commissions = {it.execId: (it.commission, it.currency, it.realizedPNL) for it in reports}
    truth.compare_executions(report, gateway, session, told, commissions)
    positions = {p.contract.conId: (p.position, p.avgCost) for p in ib.reqPositions()}
    values = {v.tag: v.value for v in ib.accountValues(ACCOUNT) if v.currency == "USD"}
    truth.compare_books(report, gateway, ACCOUNT, positions, values)


def check_reconnect(library, gateway, ib, report):
    contract = library.Contract(conId=AAPL, exchange="SMART")
    trade = ib.placeOrder(contract, order(library, "SELL", 5, "LMT", lmtPrice=250.0, tif="GTC", orderRef="stays"))
    until(ib, lambda: trade.orderStatus.status == "Submitted")
    ib.disconnect()
    again = library.IB()
    again.connect(gateway.host, gateway.port, clientId=3)
    report.equal("the order is still there",
                 [(t.order.orderId, t.order.orderRef) for t in again.openTrades()], [(trade.order.orderId, "stays")])
    report.true("executions are still there", {f.execution.orderRef for f in again.fills()} >= {"parts"})
    report.true("ids go on", again.client.getReqId() > trade.order.orderId)
    again.reqGlobalCancel()
    until(again, lambda: not again.openTrades())
    again.disconnect()


def run(name):
    library = import_module(name)
    ib = library.IB()
    with Gateway() as gateway:
        observer = official.App().start(gateway, 6)
        ib.connect(gateway.host, gateway.port, clientId=3)
        sent, place = truth.Sent(), ib.placeOrder

        def keep(contract, order):
            trade = place(contract, order)
            sent.keep(order.orderId, contract, order)
            return trade

        ib.placeOrder = keep
        refused = set()
        ib.errorEvent += lambda number, *_: refused.add(number)
        report = Report(f"{name} at {ib.client.serverVersion()}")
        check_orders(ib, library, observer, report)
        check_kinds(ib, library, report)
        check_attributes(ib, library, report)
        check_fills(ib, library, gateway, report)
        check_bracket(ib, library, report)
        check_refusals(ib, library, report)
        check_completed(ib, report)
        check_account(ib, library, report)
        check_contracts(ib, library, gateway, report)
        check_bars(ib, library, report)
        check_groups(ib, library, report)
        check_growth(ib, library, report)
        check_preview(ib, library, report)
        client = newer.Insync(ib, library, until, order, listed)
        newer.check_newer(client, report)
        newer.check_combinations(client, report)
        check_truth(ib, library, gateway, sent, refused, report)
        check_reconnect(library, gateway, ib, report)
        observer.stop()
    return report

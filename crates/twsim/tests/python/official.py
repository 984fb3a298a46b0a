"""IBKR's own Python client (package nautilus-ibapi), held at any version that the gateway speaks."""

import socket
import threading
import time
from decimal import Decimal

import ibapi.client
from ibapi.client import EClient
from ibapi.contract import Contract
from ibapi.execution import ExecutionFilter
from ibapi.order import Order
from ibapi.order_cancel import OrderCancel
from ibapi.order_condition import Create
from ibapi.softdollartier import SoftDollarTier
from ibapi.tag_value import TagValue
from ibapi.wrapper import EWrapper

import newer
import truth
from kit import Gateway, Inbox, Report
from orders import AAPL, KINDS, compare, compare_message, themes

NEWEST = ibapi.client.MAX_CLIENT_VER
ACCOUNT = "DU1234567"
# Where a clock of the simulator stands: 2026-01-05T15:00:00Z.
STILL = 1767625200


class App(EWrapper, EClient):
    """Keeps every callback."""

    def __init__(self):
        EClient.__init__(self, self)
        self.inbox = Inbox()

    def __getattribute__(self, name):
        # Callbacks of EWrapper that nobody overrides go into the inbox as they are.
        if name in CALLBACKS:
            return lambda *values: self.inbox.put(name, *values)
        return super().__getattribute__(name)

    def start(self, gateway, client_id, version=NEWEST):
        ibapi.client.MAX_CLIENT_VER = version
        self.connect(gateway.host, gateway.port, client_id)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()
        (self.next_id,) = self.inbox.wait("nextValidId")
        self.inbox.wait("managedAccounts")
        return self

    def stop(self):
        # The client's reader sits in `recv` for a second after `close`, and its socket lives as long.
        reader = self.reader
        self.conn.socket.shutdown(socket.SHUT_RDWR)
        self.disconnect()
        reader.join(5)
        self.thread.join(5)

    def take_id(self):
        self.next_id += 1
        return self.next_id - 1

    def ask(self, request, *values, end, fits=lambda *_: True):
        """Sends a request, waits for its end, returns the inbox position before it."""
        mark = self.inbox.mark()
        request(*values)
        self.inbox.wait(end, fits, mark)
        return mark


CALLBACKS = {
    name
    for name in vars(EWrapper)
    if not name.startswith("_") and not name.endswith("ProtoBuf") and name not in ("logAnswer", "connectAck")
}
# The message as it came: the client's own Order drops some of its fields, and the order of parameters.
CALLBACKS.add("openOrderProtoBuf")


def stock(con_id=AAPL):
    contract = Contract()
    contract.conId = con_id
    contract.exchange = "SMART"
    return contract


def order(action, quantity, kind, **terms):
    made = Order()
    made.action = action
    made.totalQuantity = Decimal(quantity)
    made.orderType = kind
    for name, value in terms.items():
        setattr(made, name, dress(name, value))
    return made


def dress(name, value):
    """Plain values in the client's own classes."""
    if name in ("algoParams", "orderMiscOptions", "smartComboRoutingParams"):
        return [TagValue(tag, text) for tag, text in value]
    if name == "softDollarTier":
        return SoftDollarTier(*value, "")
    if name == "conditions":
        return [dress_condition(fields) for fields in value]
    return value


def dress_condition(fields):
    condition = Create(fields["condType"])
    condition.isConjunctionConnection = fields["conjunction"] == "a"
    for name, value in fields.items():
        if name not in ("condType", "conjunction"):
            setattr(condition, "exchange" if name == "exch" else name, value)
    return condition


def open_orders(app):
    """The orders of all open orders, as protobuf, by client and order id."""
    mark = app.ask(app.reqAllOpenOrders, end="openOrderEnd")
    return {(m.order.clientId, m.orderId): m.order for (m,) in app.inbox.all("openOrderProtoBuf", mark)}


def check_orders(app, observer, report, version):
    for name, text, proto in themes(version):
        number = app.take_id()
        terms = {"lmtPrice": 219.25, "tif": "GTC", **text, **proto}
        mark = app.inbox.mark()
        app.placeOrder(number, stock(), order("BUY", "10", "LMT", **terms))
        _, contract, echo, state = app.inbox.wait("openOrder", lambda i, *_: i == number, mark)
        compare(report, f"{name} echoed", echo, {"action": "BUY", "lmtPrice": 219.25, "tif": "GTC", **text})
        report.equal(f"{name} quantity", echo.totalQuantity, Decimal(10))
        report.equal(f"{name} contract", (contract.conId, contract.exchange), (AAPL, "SMART"))
        report.true(f"{name} status", state.status in ("PreSubmitted", "Submitted"))
        seen = open_orders(observer)[(app.clientId, number)]
        compare_message(report, f"{name} seen by another client", seen, {**text, **proto})
        mark = app.inbox.mark()
        app.cancelOrder(number, OrderCancel())
        app.inbox.wait("orderStatus", lambda i, s, *_: (i, s) == (number, "Cancelled"), mark)


def check_kinds(app, report):
    """Each order type: placed, changed, cancelled."""
    for kind, terms in KINDS:
        number = app.take_id()
        mark = app.inbox.mark()
        app.placeOrder(number, stock(), order("BUY", "3", kind, orderRef="mine", **terms))
        _, _, echo, _ = app.inbox.wait("openOrder", lambda i, *_: i == number, mark)
        compare(report, kind, echo, {"orderType": kind, "orderRef": "mine", **terms})
        changed = {name: value + 0.25 for name, value in terms.items()}
        mark = app.inbox.mark()
        app.placeOrder(number, stock(), order("BUY", "4", kind, orderRef="yours", **changed))
        _, _, echo, _ = app.inbox.wait("openOrder", lambda i, *_: i == number, mark)
        compare(report, f"{kind} changed", echo, {"orderRef": "yours", **changed})
        report.equal(f"{kind} changed quantity", echo.totalQuantity, Decimal(4))
        mark = app.inbox.mark()
        app.cancelOrder(number, OrderCancel())
        app.inbox.wait("orderStatus", lambda i, s, *_: (i, s) == (number, "Cancelled"), mark)
        app.inbox.wait("error", lambda i, _, code, *__: (i, code) == (number, 202), mark)


def check_attributes(app, report):
    """All-or-none and a minimum quantity wait for size, good-after-time for its time."""
    soon = time.strftime("%Y%m%d-%H:%M:%S", time.gmtime(time.time() + 2))
    for what, first, price, terms in [
        ("all or none", "Submitted", 230.01, {"allOrNone": True}),
        ("minimum quantity", "Submitted", 230.01, {"minQty": 600}),
        ("good after time", "PreSubmitted", 220.0, {"goodAfterTime": soon}),
        ("hidden", "Submitted", 220.0, {"hidden": True}),
    ]:
        number = app.take_id()
        mark = app.inbox.mark()
        app.placeOrder(number, stock(), order("BUY", "600", "LMT", lmtPrice=price, **terms))
        *_, echo, _ = app.inbox.wait("openOrder", lambda i, c, o, state: (i, state.status) == (number, first), mark)
        compare(report, what, echo, terms)
        app.inbox.wait("orderStatus", lambda i, s, *_: (i, s) == (number, "Submitted"), mark)
        report.equal(f"{what} does not trade", app.inbox.all("execDetails", mark), [])
        app.cancelOrder(number, OrderCancel())
        app.inbox.wait("orderStatus", lambda i, s, *_: (i, s) == (number, "Cancelled"), mark)


def check_fills(app, gateway, report):
    number = app.take_id()
    mark = app.inbox.mark()
    app.placeOrder(number, stock(), order("BUY", "700", "LMT", lmtPrice=230.01, orderRef="parts"))
    _, status, filled, remaining, average, perm_id, *_ = app.inbox.wait(
        "orderStatus", lambda i, s, filled, *_: i == number and filled == 500, mark
    )
    report.equal("partly filled", (status, filled, remaining, average), ("Submitted", 500, 200, 230.01))
    gateway.price("AAPL", "229.99")
    app.inbox.wait("orderStatus", lambda i, s, *_: (i, s) == (number, "Filled"), mark)
    app.inbox.wait("commissionAndFeesReport", since=mark)
    live = [e for _, _, e in app.inbox.all("execDetails", mark)]
    report.equal("fills", [(e.side, e.shares, e.cumQty, e.orderRef, e.orderId) for e in live],
                 [("BOT", 500, 500, "parts", number), ("BOT", 200, 700, "parts", number)])
    report.equal("permanent ids agree", {e.permId for e in live}, {perm_id})
    gateway.price("AAPL", "230")

    mark = app.ask(app.reqExecutions, 9001, ExecutionFilter(), end="execDetailsEnd", fits=lambda i: i == 9001)
    listed = [e for i, _, e in app.inbox.all("execDetails", mark) if i == 9001]
    report.equal("executions listed", {e.execId for e in listed}, {e.execId for e in live})
    app.inbox.wait("commissionAndFeesReport", lambda c: c.execId == live[0].execId, mark)
    nobody = ExecutionFilter()
    nobody.symbol = "MSFT"
    mark = app.ask(app.reqExecutions, 9002, nobody, end="execDetailsEnd", fits=lambda i: i == 9002)
    report.equal("filtered executions", app.inbox.all("execDetails", mark), [])


def check_bracket(app, report):
    """Parent and children leave together with the last child, and end together."""
    parent, target, stop = app.take_id(), app.take_id(), app.take_id()
    mark = app.inbox.mark()
    app.placeOrder(parent, stock(), order("BUY", "5", "LMT", lmtPrice=220.0, transmit=False))
    app.placeOrder(target, stock(), order("SELL", "5", "LMT", lmtPrice=240.0, parentId=parent, transmit=False))
    app.placeOrder(stop, stock(), order("SELL", "5", "STP", auxPrice=210.0, parentId=parent))
    app.inbox.wait("orderStatus", lambda i, s, *_: (i, s) == (stop, "PreSubmitted"), mark)
    app.inbox.wait("orderStatus", lambda i, s, *_: (i, s) == (parent, "Submitted"), mark)
    _, _, echo, _ = app.inbox.wait("openOrder", lambda i, *_: i == target, mark)
    report.equal("the child names its parent", echo.parentId, parent)
    app.cancelOrder(parent, OrderCancel())
    for number in (parent, target, stop):
        app.inbox.wait("orderStatus", lambda i, s, *_: (i, s) == (number, "Cancelled"), mark)
    report.true("the family ends together", True)


def check_groups(app, report):
    """A fill of one member cancels the others of type 1, and makes those of types 2 and 3 smaller."""
    for kind, status, remaining in [(1, "Cancelled", 10), (2, "Submitted", 2), (3, "Submitted", 2)]:
        rests, fills = app.take_id(), app.take_id()
        group = {"ocaGroup": f"group {kind}", "ocaType": kind}
        mark = app.inbox.mark()
        app.placeOrder(rests, stock(), order("BUY", "10", "LMT", lmtPrice=220.0, **group))
        app.inbox.wait("orderStatus", lambda i, s, *_: (i, s) == (rests, "Submitted"), mark)
        app.placeOrder(fills, stock(), order("BUY", "625", "LMT", lmtPrice=230.01, **group))
        _, _, filled, left, *_ = app.inbox.wait(
            "orderStatus", lambda i, s, f, r, *_: (i, s, r) == (rests, status, remaining), mark)
        report.equal(f"type {kind}", (filled, left), (0, remaining))
        if kind == 1:
            app.inbox.wait("error", lambda i, _, code, *__: (i, code) == (rests, 202), mark)
        app.reqGlobalCancel(OrderCancel())
        app.inbox.wait("orderStatus", lambda i, s, *_: (i, s) == (fills, "Cancelled"), mark)


def check_growth(app, report):
    """Children work for what has filled of their parent, and stay for it when the rest is cancelled."""
    parent, target, stop = app.take_id(), app.take_id(), app.take_id()
    mark = app.inbox.mark()
    app.placeOrder(parent, stock(), order("BUY", "600", "LMT", lmtPrice=230.01, transmit=False))
    app.placeOrder(target, stock(), order("SELL", "600", "LMT", lmtPrice=240.0, parentId=parent, transmit=False))
    app.placeOrder(stop, stock(), order("SELL", "600", "STP", auxPrice=210.0, parentId=parent))
    for number, status in [(target, "Submitted"), (stop, "PreSubmitted")]:
        app.inbox.wait("orderStatus", lambda i, s, f, left, *_: (i, s, left) == (number, status, 500), mark)
        mark_list = app.ask(app.reqAllOpenOrders, end="openOrderEnd")
        *_, echo, _ = app.inbox.wait("openOrder", lambda i, *_: i == number, mark_list)
        report.equal("a child is as large as what has filled", echo.totalQuantity, 500)
    app.cancelOrder(parent, OrderCancel())
    app.inbox.wait("orderStatus", lambda i, s, f, left, *_: (i, s, left) == (parent, "Cancelled", 100), mark)
    report.equal("they stay when the rest is cancelled",
                 [i for i, s, *_ in app.inbox.all("orderStatus", mark) if s == "Cancelled" and i != parent], [])
    app.reqGlobalCancel(OrderCancel())
    for number in (target, stop):
        app.inbox.wait("orderStatus", lambda i, s, *_: (i, s) == (number, "Cancelled"), mark)


def check_preview(app, report):
    """A what-if is answered by one open order with margins and a commission; no order comes of it."""
    number = app.take_id()
    mark = app.inbox.mark()
    app.placeOrder(number, stock(), order("BUY", "100", "LMT", lmtPrice=220.0, whatIf=True))
    *_, echo, state = app.inbox.wait("openOrder", lambda i, *_: i == number, mark)
    report.equal("preview", (echo.whatIf, state.status), (True, "PreSubmitted"))
    before, change, after = (float(value) for value in (state.initMarginBefore, state.initMarginChange, state.initMarginAfter))
    report.equal("initial margin", (change, round(after - before, 2)), (5500.0, 5500.0))
    report.equal("maintenance margin", float(state.maintMarginAfter), after)
    report.equal("equity with loan", float(state.equityWithLoanChange), -1.0)
    report.equal("commission", (state.commissionAndFees, state.commissionAndFeesCurrency), (1.0, "USD"))
    mark = app.ask(app.reqAllOpenOrders, end="openOrderEnd")
    report.true("no order comes of a preview", number not in [i for i, *_ in app.inbox.all("openOrder", mark)])
    report.equal("no status either", [s for s in app.inbox.all("orderStatus") if s[0] == number], [])
    refused = app.take_id()
    mark = app.inbox.mark()
    app.placeOrder(refused, stock(), order("BUY", "100", "LMT", lmtPrice=220.0, whatIf=True, transmit=False))
    app.inbox.wait("error", lambda i, _, code, *__: (i, code) == (refused, 413), mark)


def check_hand_typed(app, gateway, report, version):
    """Only client 0 binds orders typed by hand."""
    mark = app.inbox.mark()
    app.reqAutoOpenOrders(True)
    app.inbox.wait("error", lambda i, _, code, *__: code == 327, mark)
    zero = App().start(gateway, 0, version)
    zero.reqAutoOpenOrders(True)
    zero.ask(zero.reqOpenOrders, end="openOrderEnd")
    report.true("client 0 may", not any(code == 327 for _, _, code, *_ in zero.inbox.all("error")))
    zero.stop()


def check_refusals(app, report):
    for what, terms, code in [
        ("off the grid", order("BUY", "1", "LMT", lmtPrice=220.123), 110),
        ("unknown type", order("BUY", "1", "NONSENSE"), 387),
        ("unknown action", order("HOLD", "1", "MKT"), 321),
    ]:
        number = app.take_id()
        mark = app.inbox.mark()
        app.placeOrder(number, stock(), terms)
        app.inbox.wait("error", lambda i, _, c, *__: (i, c) == (number, code), mark)
        report.true(what, True)
    mark = app.inbox.mark()
    app.cancelOrder(987654, OrderCancel())
    app.inbox.wait("error", lambda i, _, code, *__: (i, code) == (987654, 10147), mark)


def check_completed(app, report):
    mark = app.ask(app.reqCompletedOrders, False, end="completedOrdersEnd")
    done = [(o.orderRef, s.status, o.totalQuantity, o.filledQuantity, s.completedStatus)
            for _, o, s in app.inbox.all("completedOrder", mark)]
    report.true("the filled order is among the completed",
                ("parts", "Filled", Decimal(0), Decimal(700), "Filled Size: 700") in done)
    report.true("so are the cancelled ones",
                ("yours", "Cancelled", Decimal(4), Decimal(0), "Cancelled by Trader") in done)


def check_account(app, report, version):
    mark = app.ask(app.reqPositions, end="positionEnd")
    report.equal("positions", [(a, c.conId, p) for a, c, p, _ in app.inbox.all("position", mark)],
                 [(ACCOUNT, AAPL, Decimal(700))])
    app.cancelPositions()
    mark = app.ask(app.reqPositionsMulti, 11, ACCOUNT, "", end="positionMultiEnd")
    report.equal("positions by request", [(i, a, c.conId, p) for i, a, _, c, p, _ in app.inbox.all("positionMulti", mark)],
                 [(11, ACCOUNT, AAPL, Decimal(700))])
    app.cancelPositionsMulti(11)
    mark = app.ask(app.reqAccountUpdates, True, ACCOUNT, end="accountDownloadEnd")
    values = {key: value for key, value, _, _ in app.inbox.all("updateAccountValue", mark)}
    report.true("net liquidation", float(values["NetLiquidation"]) > 900000)
    report.equal("portfolio", [(c.symbol, p) for c, p, *_ in app.inbox.all("updatePortfolio", mark)], [("AAPL", Decimal(700))])
    app.reqAccountUpdates(False, ACCOUNT)
    mark = app.ask(app.reqAccountUpdatesMulti, 12, ACCOUNT, "", True, end="accountUpdateMultiEnd")
    keys = {key for _, _, _, key, *_ in app.inbox.all("accountUpdateMulti", mark)}
    report.true("account values by request", "NetLiquidation" in keys)
    app.cancelAccountUpdatesMulti(12)
    mark = app.ask(app.reqAccountSummary, 13, "All", "NetLiquidation,BuyingPower", end="accountSummaryEnd")
    report.equal("summary", {tag for _, _, tag, *_ in app.inbox.all("accountSummary", mark)}, {"NetLiquidation", "BuyingPower"})
    app.cancelAccountSummary(13)
    app.ask(app.reqPnL, 14, ACCOUNT, "", end="pnl", fits=lambda i, *_: i == 14)
    app.cancelPnL(14)
    mark = app.ask(app.reqPnLSingle, 15, ACCOUNT, "", AAPL, end="pnlSingle", fits=lambda i, *_: i == 15)
    report.equal("profit of one holding", app.inbox.wait("pnlSingle", since=mark)[1], Decimal(700))
    app.cancelPnLSingle(15)
    app.ask(app.reqManagedAccts, end="managedAccounts")
    mark = app.ask(app.reqFamilyCodes, end="familyCodes")
    report.equal("family codes", [c.accountID for c in app.inbox.wait("familyCodes", since=mark)[0]], [ACCOUNT])
    app.ask(app.reqNewsProviders, end="newsProviders")
    app.ask(app.reqSoftDollarTiers, 16, end="softDollarTiers")
    if version >= 167:
        app.ask(app.reqUserInfo, 17, end="userInfo")
    app.ask(app.reqCurrentTime, end="currentTime")
    if version >= 197:
        app.ask(app.reqCurrentTimeInMillis, end="currentTimeInMillis")
    app.ask(app.reqIds, -1, end="nextValidId")


def check_contracts(app, report):
    query = Contract()
    query.symbol, query.secType, query.currency, query.exchange = "AAPL", "OPT", "USD", "SMART"
    mark = app.ask(app.reqContractDetails, 21, query, end="contractDetailsEnd")
    (_, option), = app.inbox.all("contractDetails", mark)
    report.equal("option", (option.contract.strike, option.contract.right, option.contract.multiplier,
                            option.contract.lastTradeDateOrContractMonth), (250.0, "C", "100", "20270115"))
    for con_id, kind in [(AAPL, "STK"), (649180695, "FUT"), (12087792, "CASH")]:
        query = Contract()
        query.conId = con_id
        mark = app.ask(app.reqContractDetails, con_id, query, end="contractDetailsEnd")
        (_, details), = app.inbox.all("contractDetails", mark)
        report.equal("details", (details.contract.conId, details.contract.secType), (con_id, kind))
        report.true("has a tick", details.minTick > 0 and details.marketRuleIds)
    mark = app.inbox.mark()
    query = Contract()
    query.symbol, query.secType = "NOSUCH", "STK"
    app.reqContractDetails(22, query)
    app.inbox.wait("error", lambda i, _, code, *__: (i, code) == (22, 200), mark)
    mark = app.ask(app.reqMatchingSymbols, 23, "AAP", end="symbolSamples")
    report.true("symbols", any(d.contract.conId == AAPL for d in app.inbox.wait("symbolSamples", since=mark)[1]))
    mark = app.ask(app.reqMarketRule, 26, end="marketRule")
    report.equal("market rule", [(s.lowEdge, s.increment) for s in app.inbox.wait("marketRule", since=mark)[1]], [(0.0, 0.01)])
    mark = app.ask(app.reqSecDefOptParams, 24, "AAPL", "", "STK", AAPL, end="securityDefinitionOptionParameterEnd")
    (chain,) = app.inbox.all("securityDefinitionOptionParameter", mark)
    report.equal("option chain", (chain[5], chain[6]), ({"20270115"}, {250.0}))


def check_market(app, gateway, report):
    app.reqMarketDataType(1)
    mark = app.ask(app.reqMktData, 31, stock(), "", False, False, [], end="tickPrice", fits=lambda i, t, *_: (i, t) == (31, 2))
    report.equal("bid", app.inbox.wait("tickPrice", lambda i, t, *_: (i, t) == (31, 1), mark)[2], 230.0)
    mark = app.inbox.mark()
    gateway.price("AAPL", "230.5")
    app.inbox.wait("tickPrice", lambda i, t, p, *_: (i, t, p) == (31, 1, 230.5), mark)
    app.cancelMktData(31)
    gateway.price("AAPL", "230")
    app.ask(app.reqMktData, 32, stock(), "", True, False, [], end="tickSnapshotEnd", fits=lambda i: i == 32)


def check_bars(version, report):
    """Bars of a clock that stands still at 15:00 until it is told to go on, to the last digit."""
    with Gateway("--manual") as gateway:
        app = App().start(gateway, 5, version)
        asked = (stock(), "", "60 S", "1 min", "TRADES", 0, 2)
        gateway.ask("advance", by="5s")
        app.reqRealTimeBars(53, stock(), 5, "TRADES", False, [])
        mark = app.ask(app.reqHistoricalData, 52, *asked, True, [], end="historicalDataEnd", fits=lambda i, *_: i == 52)
        first = app.inbox.wait("historicalData", lambda i, _: i == 52, mark)[1]
        report.equal("history", bar_of(first), (str(STILL), 230.0, 230.0, 230.0, 230.0, Decimal(100), Decimal(230), 1))
        for action, quantity, market in [("BUY", 100, "230.5"), ("SELL", 40, "230")]:
            number, mark = app.take_id(), app.inbox.mark()
            app.placeOrder(number, stock(), order(action, quantity, "MKT"))
            app.inbox.wait("orderStatus", lambda i, s, *_: (i, s) == (number, "Filled"), mark)
            gateway.price("AAPL", market)
        # Our 100 at 230.01 and 40 at 230.50, and one trade of 100 at each new price of the market.
        mark = app.inbox.mark()
        gateway.ask("advance", by="5s")
        live = app.inbox.wait("realtimeBar", lambda i, *_: i == 53, mark)
        report.equal("real-time bar", live[1:], (STILL + 5, 230.01, 230.5, 230.0, 230.0, Decimal(340), Decimal("230.208824"), 4))
        update = app.inbox.wait("historicalDataUpdate", lambda i, _: i == 52, mark)[1]
        report.equal("history goes on", bar_of(update), (str(STILL), 230.0, 230.5, 230.0, 230.0, Decimal(440), Decimal("230.161364"), 5))
        mark = app.inbox.mark()
        gateway.ask("advance", by="5s")
        live = app.inbox.wait("realtimeBar", lambda i, *_: i == 53, mark)
        report.equal("a bar without trades", live[1:], (STILL + 10, 230.0, 230.0, 230.0, 230.0, Decimal(0), Decimal(230), 0))
        app.cancelRealTimeBars(53)
        app.cancelHistoricalData(52)
        bids = (stock(), "", "60 S", "1 min", "BID", 0, 2)
        mark = app.ask(app.reqHistoricalData, 51, *bids, False, [], end="historicalDataEnd", fits=lambda i, *_: i == 51)
        bar = app.inbox.wait("historicalData", lambda i, _: i == 51, mark)[1]
        report.equal("history of bids", bar_of(bar), (str(STILL), 230.0, 230.5, 230.0, 230.0, Decimal(-1), Decimal(-1), -1))
        mark = app.inbox.mark()
        app.reqHistoricalData(54, stock(), "", "60 S", "7 mins", "BID", 0, 1, False, [])
        app.inbox.wait("error", lambda i, _, code, *__: (i, code) == (54, 321), mark)
        app.stop()


def bar_of(bar):
    return (bar.date, bar.open, bar.high, bar.low, bar.close, bar.volume, bar.wap, bar.barCount)


def check_unserved(app, report):
    """Whatever is not served is refused by name, under its own request id."""
    for number, request in {
        42: lambda: app.reqTickByTickData(42, stock(), "Last", 0, False),
        43: lambda: app.reqHeadTimeStamp(43, stock(), "TRADES", 1, 1),
        44: lambda: app.reqHistogramData(44, stock(), True, "3 days"),
        45: lambda: app.reqSmartComponents(45, "9c0001"),
        46: lambda: app.calculateOptionPrice(46, stock(), 0.3, 230.0, []),
    }.items():
        mark = app.inbox.mark()
        request()
        app.inbox.wait("error", lambda i, _, code, *__: (i, code) == (number, 321), mark)
        report.true("refused by name", True)


def check_truth(app, gateway, sent, report, version):
    """Everything that this client sent and heard, beside what the venue has."""
    session = (app.clientId, version)
    heard = {number: (status, filled, remaining, average, perm_id, parent, last, why)
             for number, status, filled, remaining, average, perm_id, parent, last, _, why, _ in app.inbox.all("orderStatus")}
    refused = {number for number, *_ in app.inbox.all("error")}
    truth.compare_orders(report, gateway, session, sent, heard, refused)
    mark = app.ask(app.reqExecutions, 9100, ExecutionFilter(), end="execDetailsEnd", fits=lambda i: i == 9100)
    own = [(c, e) for i, c, e in app.inbox.all("execDetails", mark) if i == 9100 and e.clientId == app.clientId]
    told = {e.execId: (e, c.conId, e.time.removesuffix(" UTC").replace(" ", "-")) for c, e in own}
    reports = [it for (it,) in app.inbox.all("commissionAndFeesReport")]
    commissions = {it.execId: (it.commissionAndFees, it.currency, it.realizedPNL) for it in reports}
    truth.compare_executions(report, gateway, session, told, commissions)
    mark = app.ask(app.reqPositions, end="positionEnd")
    positions = {c.conId: (held, cost) for _, c, held, cost in app.inbox.all("position", mark)}
    app.cancelPositions()
    mark = app.ask(app.reqAccountUpdates, True, ACCOUNT, end="accountDownloadEnd")
    values = {key: value for key, value, currency, _ in app.inbox.all("updateAccountValue", mark) if currency == "USD"}
    app.reqAccountUpdates(False, ACCOUNT)
    truth.compare_books(report, gateway, ACCOUNT, positions, values)


def check_reconnect(app, gateway, report, version):
    number = app.take_id()
    mark = app.inbox.mark()
    app.placeOrder(number, stock(), order("SELL", "5", "LMT", lmtPrice=250.0, tif="GTC", orderRef="stays"))
    app.inbox.wait("openOrder", lambda i, *_: i == number, mark)
    client_id = app.clientId
    app.stop()
    again = App().start(gateway, client_id, version)
    report.equal("ids go on", again.next_id, number + 1)
    mark = again.ask(again.reqOpenOrders, end="openOrderEnd")
    report.equal("the order is still there",
                 [(i, o.orderRef) for i, _, o, _ in again.inbox.all("openOrder", mark)], [(number, "stays")])
    mark = again.inbox.mark()
    again.reqGlobalCancel(OrderCancel())
    again.inbox.wait("orderStatus", lambda i, s, *_: (i, s) == (number, "Cancelled"), mark)
    again.stop()


def run(version=NEWEST):
    report = Report(f"nautilus-ibapi at {version}")
    with Gateway() as gateway:
        app = App().start(gateway, 5, version)
        observer = App().start(gateway, 6)
        report.equal("version", app.serverVersion(), version)
        sent, place = truth.Sent(), app.placeOrder

        def keep(number, contract, order):
            sent.keep(number, contract, order)
            place(number, contract, order)

        app.placeOrder = keep
        check_orders(app, observer, report, version)
        check_kinds(app, report)
        check_attributes(app, report)
        check_fills(app, gateway, report)
        check_bracket(app, report)
        check_hand_typed(app, gateway, report, version)
        check_refusals(app, report)
        check_completed(app, report)
        check_account(app, report, version)
        check_contracts(app, report)
        check_market(app, gateway, report)
        check_bars(version, report)
        check_unserved(app, report)
        check_groups(app, report)
        check_growth(app, report)
        check_preview(app, report)
        client = newer.Official(app, stock, order, OrderCancel)
        newer.check_newer(client, report)
        newer.check_combinations(client, report)
        check_truth(app, gateway, sent, report, version)
        check_reconnect(app, gateway, report, version)
        observer.stop()
    return report

"""Order types with prices that move, triggers, auctions and combinations, by each client that can send them."""

from decimal import Decimal

from orders import AAPL, compare

MSFT = 272093

# Type, terms, and what the gateway has made of them by the time it answers: the market is at 230.00 / 230.01.
NEWER = [
    ("TRAIL", {"auxPrice": 2.5}, {"trailStopPrice": 232.51}),
    ("TRAIL", {"trailingPercent": 2.0}, {"trailStopPrice": 234.62}),
    ("TRAIL LIMIT", {"auxPrice": 2.5, "lmtPriceOffset": 0.25}, {"trailStopPrice": 232.51, "lmtPrice": 232.76}),
    ("LMT", {"lmtPrice": 220.5, "tif": "OPG"}, {}),
    ("MKT", {"tif": "OPG"}, {}),
]

# A pair: 420.00 / 420.01 less twice 230.00 / 230.01 is -40.02 / -39.99.
LEGS = [(MSFT, 1, "BUY"), (AAPL, 2, "SELL")]
LEG_PRICES = [425.0, 221.0]
NON_GUARANTEED = [("NonGuaranteed", "1")]


def settled(fills):
    """Price and signed size of the executions of a pair: of the whole, and of each leg."""
    return sorted((price, size if side == "BOT" else -size) for side, size, price in fills)


PAIR_FILLED = settled([("BOT", 3, -39.99), ("BOT", 3, 420.01), ("SLD", 6, 230.0)])


class Insync:
    """ib_insync and ib_async."""

    def __init__(self, ib, library, until, order, listed):
        self.ib, self.library, self.until, self.order, self.listed = ib, library, until, order, listed

    def stock(self):
        return self.library.Contract(conId=AAPL, exchange="SMART")

    def pair(self):
        legs = [self.library.ComboLeg(conId=c, ratio=r, action=a, exchange="SMART") for c, r, a in LEGS]
        return self.library.Contract(symbol="AAPL,MSFT", secType="BAG", exchange="SMART", currency="USD", comboLegs=legs)

    def leg_prices(self):
        return [self.library.OrderComboLeg(price) for price in LEG_PRICES]

    def place(self, contract, quantity, kind, terms):
        trade = self.ib.placeOrder(contract, self.order(self.library, "BUY", quantity, kind, **terms))
        self.until(self.ib, lambda: trade.orderStatus.permId)
        return trade

    def echo(self, trade):
        contract, order, _ = self.listed(self.ib, trade.order.orderId)
        return contract, order

    def filled(self, trade):
        self.until(self.ib, trade.isDone)
        return trade.orderStatus.status, [(f.execution.side, f.execution.shares, f.execution.price) for f in trade.fills]

    def cancel(self, trade):
        self.ib.cancelOrder(trade.order)
        self.until(self.ib, lambda: trade.orderStatus.status == "Cancelled")

    def order_types(self):
        (details,) = self.ib.reqContractDetails(self.stock())
        return details.orderTypes


class Official:
    """IBKR's own client."""

    def __init__(self, app, stock, order, cancel):
        self.app, self.stock, self.order, self.cancellation = app, stock, order, cancel

    def pair(self):
        from ibapi.contract import ComboLeg, Contract

        contract = Contract()
        contract.symbol, contract.secType, contract.exchange, contract.currency = "AAPL,MSFT", "BAG", "SMART", "USD"
        contract.comboLegs = []
        for con_id, ratio, action in LEGS:
            leg = ComboLeg()
            leg.conId, leg.ratio, leg.action, leg.exchange = con_id, ratio, action, "SMART"
            contract.comboLegs.append(leg)
        return contract

    def leg_prices(self):
        from ibapi.order import OrderComboLeg

        prices = []
        for price in LEG_PRICES:
            leg = OrderComboLeg()
            leg.price = price
            prices.append(leg)
        return prices

    def place(self, contract, quantity, kind, terms):
        number, mark = self.app.take_id(), self.app.inbox.mark()
        self.app.placeOrder(number, contract, self.order("BUY", str(quantity), kind, **terms))
        self.app.inbox.wait("orderStatus", lambda i, *_: i == number, mark)
        return number, mark

    def echo(self, placed):
        number, _ = placed
        mark = self.app.ask(self.app.reqAllOpenOrders, end="openOrderEnd")
        _, contract, order, _ = self.app.inbox.wait("openOrder", lambda i, *_: i == number, mark)
        return contract, order

    def filled(self, placed):
        number, mark = placed
        _, status, *_ = self.app.inbox.wait("orderStatus", lambda i, s, *_: (i, s) == (number, "Filled"), mark)
        executions = [e for _, _, e in self.app.inbox.all("execDetails", mark) if e.orderId == number]
        return status, [(e.side, int(e.shares), e.price) for e in executions]

    def cancel(self, placed):
        number, mark = placed
        self.app.cancelOrder(number, self.cancellation())
        self.app.inbox.wait("orderStatus", lambda i, s, *_: (i, s) == (number, "Cancelled"), mark)

    def order_types(self):
        mark = self.app.ask(self.app.reqContractDetails, 61, self.stock(), end="contractDetailsEnd")
        ((_, details),) = self.app.inbox.all("contractDetails", mark)
        return details.orderTypes


def check_newer(client, report):
    """Each type as it was sent, with what the gateway knows about it, then cancelled."""
    for kind, terms, known in NEWER:
        placed = client.place(client.stock(), 3, kind, terms)
        _, echo = client.echo(placed)
        compare(report, f"{kind} {terms}", echo, {"orderType": kind, **terms, **known})
        client.cancel(placed)
    placed = client.place(client.stock(), 3, "MTL", {})
    report.equal("market to limit", client.filled(placed), ("Filled", [("BOT", 3, 230.01)]))
    listed = set(client.order_types().split(","))
    report.equal("what is taken is listed", {"TRAIL", "TRAILLMT", "MIT", "LIT", "MTL", "MOC", "LOC", "OPG", "OCA"} - listed, set())


def check_combinations(client, report):
    """A pair: echoed with its legs and parameters, changed by nobody, filled whole and by leg."""
    terms = {"lmtPrice": -45.0, "smartComboRoutingParams": NON_GUARANTEED}
    placed = client.place(client.pair(), 3, "LMT", terms)
    contract, echo = client.echo(placed)
    report.equal("pair", (contract.secType, contract.symbol, contract.currency), ("BAG", "AAPL,MSFT", "USD"))
    report.equal("legs", [(leg.conId, leg.ratio, leg.action) for leg in contract.comboLegs], LEGS)
    report.equal("net price", (echo.lmtPrice, Decimal(echo.totalQuantity)), (-45.0, Decimal(3)))
    report.equal("parameters", [(p.tag, p.value) for p in echo.smartComboRoutingParams], NON_GUARANTEED)
    client.cancel(placed)
    placed = client.place(client.pair(), 3, "LMT", {"lmtPrice": -45.0, "orderComboLegs": client.leg_prices()})
    _, echo = client.echo(placed)
    report.equal("prices of legs", [leg.price for leg in echo.orderComboLegs], LEG_PRICES)
    client.cancel(placed)
    status, fills = client.filled(client.place(client.pair(), 3, "MKT", {}))
    report.equal("pair filled", (status, settled(fills)), ("Filled", PAIR_FILLED))

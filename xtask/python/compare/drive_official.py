"""IBKR's own Python client as a driver: what its callbacks say is kept as a plain program would."""

import json
import logging
import sys
import threading
from decimal import Decimal

from ibapi.client import EClient
from ibapi.contract import Contract
from ibapi.order import Order
from ibapi.order_cancel import OrderCancel
from ibapi.wrapper import EWrapper

logging.disable(logging.CRITICAL)


def say(**what):
    print(json.dumps(what), flush=True)


class Driver(EWrapper, EClient):
    def __init__(self, host, port):
        EClient.__init__(self, self)
        self.at, self.next_id, self.ids, self.states, self.filled, self.why = (host, port), 0, {}, {}, {}, {}

    def start(self):
        self.connect(*self.at, 1)
        threading.Thread(target=self.run, daemon=True).start()

    def nextValidId(self, orderId):
        self.next_id = orderId
        say(say="ready")

    def connectionClosed(self):
        say(say="down")

    def orderStatus(self, orderId, status, *_):
        self.states[orderId] = status

    def execDetails(self, _, __, execution):
        self.filled[execution.orderId] = self.filled.get(execution.orderId, Decimal(0)) + execution.shares

    def error(self, reqId, *rest):
        self.why[reqId] = " ".join(str(part) for part in rest if part)

    def order(self, side, qty, px):
        order = Order()
        order.action, order.totalQuantity, order.orderType = side, Decimal(qty), "MKT" if px == "MKT" else "LMT"
        if px != "MKT":
            order.lmtPrice = float(px)
        return order

    def send(self, key, order):
        contract = Contract()
        contract.conId, contract.exchange = 265598, "SMART"
        self.placeOrder(self.ids[key], contract, order)
        # This client does not raise: it calls `error` on the spot.
        if (why := self.why.get(self.ids[key], "")) and "504" in why:
            say(say="refused", key=key, why=why)
        else:
            say(say="placed", key=key)

    def obey(self, words):
        if words[0] == "place":
            self.ids[words[1]], self.next_id = self.next_id, self.next_id + 1
            self.send(words[1], self.order(*words[2:]))
        elif words[0] == "modify":
            self.send(words[1], self.order(*words[2:]))
        elif words[0] == "cancel":
            self.cancelOrder(self.ids[words[1]], OrderCancel())
            say(say="placed", key=words[1])
        elif words[0] == "connect":
            self.disconnect()
            self.start()
        elif words[0] == "show":
            orders = {
                key: {
                    "state": self.states.get(at, "no status"),
                    "filled": str(self.filled.get(at, 0)),
                    "why": self.why.get(at),
                }
                for key, at in self.ids.items()
            }
            say(say="orders", orders=orders, position=None)


driver = Driver(sys.argv[1], int(sys.argv[2]))
driver.start()
for line in sys.stdin:
    driver.obey(line.split())

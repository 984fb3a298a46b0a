"""What a client sent and was told, beside what the venue really has: orders, executions, commissions, positions, cash.

Each client's script keeps the orders that it placed; at the end they are compared field by field with the truth
that the control port tells. Everything is compared exactly.
"""

import re
from decimal import Decimal

# Terms of an order that are compared with the venue's, under the broker's attribute names.
TERMS = (
    "action", "totalQuantity", "orderType", "lmtPrice", "auxPrice", "tif", "orderRef", "parentId", "ocaGroup", "ocaType",
    "account", "outsideRth", "hidden", "allOrNone", "minQty", "displaySize", "goodAfterTime", "goodTillDate",
    "trailStopPrice", "trailingPercent", "lmtPriceOffset", "openClose", "origin", "triggerMethod", "cashQty",
)
# What an unset number looks like: the broker's largest double and integer.
UNSET = {1.7976931348623157e308, 2**31 - 1, 2**63 - 1}
# Permanent ids are shorter below this version (tws-behaviour 1.3).
LONG_PERM_IDS = 191
# A child is as large as its parent has filled, and a member of a group shrinks with it: the size is the venue's.
SIZED_BY_THE_VENUE = {"parentId", "ocaGroup"}


def number(value):
    """A client's number without the noise of floats."""
    return Decimal(repr(value) if isinstance(value, float) else str(value)).normalize()


def double(value):
    """The double next to a number, for what is a quotient: averages and what follows from them."""
    return float(value)


def is_said(value):
    """Whether a client has set this term: not an empty text, nothing, zero, or the broker's unset number."""
    return bool(value) and str(value) != str(2.0**127) and value not in UNSET and value != Decimal(2**127 - 1)


def snake(name):
    """`lmtPrice` as the control port writes it."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def short(perm_id, version):
    """A permanent id as a session of this version hears it."""
    return perm_id if version >= LONG_PERM_IDS else perm_id & (2**31 - 1)


def stamp(at):
    """The second of an instant of the control port, as executions are stamped in UTC."""
    return at[:19].replace("-", "").replace("T", "-")


class Sent:
    """The terms of every order as it was last sent."""

    def __init__(self):
        self.orders = {}

    def keep(self, number_, contract, order):
        if not order.whatIf:
            terms = {name: getattr(order, name) for name in TERMS}
            terms = {name: value for name, value in terms.items() if is_said(value)}
            self.orders[number_] = {"conId": contract.conId, "secType": contract.secType, "terms": terms}


def compare_orders(report, gateway, session, sent, heard, refused):
    """`session`: client id and version; `heard`: the last status of each order by id; `refused`: ids that had an error.

    A status is filled, remaining, average price, permanent id, parent, last price and reason of holding after the word.
    """
    client, version = session
    rows = {row["order"]: row for row in gateway.ask("orders", client=client, echo=True)["orders"]}
    report.equal("no order at the venue that was not sent", sorted(set(rows) - set(sent.orders)), [])
    report.equal("what the venue does not have was refused", sorted(set(sent.orders) - set(rows) - refused), [])
    report.equal("what it has was heard of", sorted(set(rows) - set(heard)), [])
    for order_id in sorted(set(rows) & set(sent.orders) & set(heard)):
        what, row, status = f"order {order_id} at the venue", rows[order_id], heard[order_id]
        compare_terms(report, what, row, sent.orders[order_id])
        report.equal(f"{what}, status", row["status"], status[0])
        sizes = [number(row[key]) for key in ("filled", "remaining")]
        report.equal(f"{what}, filled and remaining", sizes, [number(value) for value in status[1:3]])
        report.equal(f"{what}, average", double(row["avg_price"]), status[3])
        report.equal(f"{what}, permanent id", short(row["perm_id"], version), status[4])
        report.equal(f"{what}, parent", row["parent"], status[5])
        report.equal(f"{what}, last price", number(row["last_price"]), number(status[6]))
        report.equal(f"{what}, why held", row["why_held"], status[7])
    report.true("orders of every kind were compared", len(rows) > 20)


def compare_terms(report, what, row, sent):
    """The terms that the client said, beside those of the venue's own order."""
    order, terms = row["echo"]["order"], sent["terms"]
    report.equal(f"{what}, in its books", (row["side"], row["type"]), (order["action"], order["order_type"]))
    if sent["conId"] and sent["secType"] != "BAG":
        report.equal(f"{what}, contract", row["con_id"], sent["conId"])
    for name, value in terms.items():
        if name == "totalQuantity" and SIZED_BY_THE_VENUE & set(terms):
            continue
        got = order.get(snake(name))
        if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
            got, value = None if got is None else number(got), number(value)
        report.equal(f"{what}, {name}", got, value)


def compare_executions(report, gateway, session, told, commissions):
    """`told`: executions as the client has them, with contract id and the time as `20261126-10:00:00`, by id;
    `commissions`: commission, currency and realized profit, by id."""
    client, version = session
    rows = {row["exec_id"]: row for row in gateway.ask("executions", client=client)["executions"]}
    report.equal("executions", sorted(told), sorted(rows))
    report.true("executions of both sides were compared", {row["side"] for row in rows.values()} == {"BUY", "SELL"})
    for exec_id in sorted(set(told) & set(rows)):
        what, row, (it, con_id, time) = f"execution {exec_id}", rows[exec_id], told[exec_id]
        report.equal(f"{what}, side", it.side, {"BUY": "BOT", "SELL": "SLD"}[row["side"]])
        got = [number(value) for value in (it.shares, it.cumQty, it.price)]
        report.equal(f"{what}, sizes and price", got, [number(row[key]) for key in ("quantity", "cum_quantity", "price")])
        report.equal(f"{what}, average", it.avgPrice, double(row["avg_price"]))
        report.equal(f"{what}, order", (it.orderId, it.permId, it.orderRef, it.acctNumber),
                     (row["order"], short(row["perm_id"], version), row["order_ref"], row["account"]))
        report.equal(f"{what}, contract and time", (con_id, time), (row["con_id"], stamp(row["at"])))
        if exec_id in commissions:
            commission, currency, realized = commissions[exec_id]
            report.equal(f"{what}, commission", (number(commission), currency), (number(row["commission"]), row["currency"]))
            truth = double(row["realized_pnl"] or "0")
            report.equal(f"{what}, realized", realized if is_said(realized) else 0.0, truth)
    report.equal("every commission is of one of them", sorted(set(commissions) - set(rows)), [])
    # The whole of a combination has none; its legs have.
    silent = {exec_id for exec_id in rows if exec_id not in commissions}
    report.true("commissions are told for each execution but those of combinations as a whole",
                all(number(rows[exec_id]["commission"]) == 0 for exec_id in silent))


def compare_books(report, gateway, account, positions, values):
    """`positions`: contract id to quantity and average cost; `values`: account values in dollars, as texts."""
    rows = gateway.ask("positions", account=account)["positions"]
    held = {row["con_id"]: (number(row["quantity"]), double(row["avg_cost"])) for row in rows}
    held = {key: value for key, value in held.items() if value[0]}
    told = {key: (number(quantity), cost) for key, (quantity, cost) in positions.items() if quantity}
    report.equal("positions at the venue", told, held)
    (row,) = gateway.ask("accounts", account=account)["accounts"]
    for key, truth in {
        "CashBalance": row["cash"]["USD"], "NetLiquidation": row["net_liquidation"],
        "BuyingPower": row["buying_power"], "RealizedPnL": row["realized_pnl"], "UnrealizedPnL": row["unrealized_pnl"],
    }.items():
        report.equal(f"{key} at the venue", Decimal(values[key]), Decimal(truth).quantize(Decimal("0.01")))

"""Orders through the storefront's own APIs: one goes well, the others meet what orders meet.

Prints each saga's timeline, and checks what must hold whatever happened.
"""

import dataclasses
import json
import time
import urllib.error
import urllib.request
import uuid

from localaws.aws import Aws
from localaws.console import Progress, table
from localaws.problem import Problem

TIMEOUT_S = 120.0
POLL_S = 0.5
STOCK = 20
PRICE = {"minorUnits": 1250, "currency": "EUR"}
ENDED = ("Completed", "Compensated", "Resolved")


@dataclasses.dataclass(frozen=True)
class Scenario:
    what: str
    """How the payment provider treats its customer."""
    provider: str
    quantity: int
    saga: str
    order: str


SCENARIOS = [
    Scenario("all goes well", "approve", 2, "Completed", "confirmed"),
    Scenario("more than there is", "approve", STOCK + 1, "Compensated", "cancelled"),
    Scenario("the card is declined", "decline", 1, "Compensated", "cancelled"),
    Scenario("the provider times out and answers twice, later", "timeOutThenAnswerTwice", 3, "Completed", "confirmed"),
    Scenario("no answer from the provider until the deadline", "unreachable", 1, "Compensated", "cancelled"),
]


class Storefront:
    def __init__(self, aws: Aws, outputs: dict[str, str]):
        self._outputs = outputs
        self._dynamodb, self._lambda = aws.client("dynamodb"), aws.client("lambda")
        self._run = uuid.uuid4().hex[:8]
        self._sku = f"TEAPOT-{self._run}"
        self._orders = {f"ord_{self._run}_{number}": scenario for number, scenario in enumerate(SCENARIOS, start=1)}

    def run(self, deadline_s: float) -> bool:
        """Whether everything is as it must be."""
        self._prepare()
        for order_id, scenario in self._orders.items():
            self._place(order_id, scenario)
        sagas = self._wait(deadline_s)
        for order_id, scenario in self._orders.items():
            print(f"\n{order_id}: {scenario.what}")
            print(_timeline(json.loads(sagas[order_id]["journal"]["S"])["entries"]))
        wrong = self._check(sagas)
        print()
        print("\n".join(f"  NOT as it must be: {line}" for line in wrong) or _PROMISE)
        return not wrong

    def _prepare(self) -> None:
        product = {"name": "Red teapot", "category": "teapots", "price": PRICE, "description": "Holds a litre."}
        self._ask("PUT", "CatalogApiUrl", f"/catalog/products/{self._sku}", product)
        addition = {"additionId": "first", "quantity": STOCK}
        self._ask("POST", "CatalogApiUrl", f"/catalog/products/{self._sku}/stock", addition)
        for order_id, scenario in self._orders.items():
            told = {"customerId": f"customer-of-{order_id}", "behaviour": scenario.provider}
            self._ask("PUT", "PaymentsApiUrl", "/payments/local-provider/behaviour", told)

    def _place(self, order_id: str, scenario: Scenario) -> None:
        item = {"sku": self._sku, "quantity": scenario.quantity, "unitPriceMinor": PRICE["minorUnits"]}
        order = {
            "orderId": order_id,
            "customerId": f"customer-of-{order_id}",
            "currency": PRICE["currency"],
            "paymentMethod": "card",
            "items": [item],
        }
        self._ask("POST", "OrdersApiUrl", "/orders", order)

    def _wait(self, deadline_s: float) -> dict[str, dict]:
        """The rows of the sagas, once all have ended."""
        begun = time.monotonic()
        with Progress() as progress:
            while True:
                # The schedule does it every minute; nobody wants to look on for so long.
                self._lambda.invoke(FunctionName=self._outputs["SweeperFunctionName"], Payload=b"{}")
                rows = {order_id: self._saga(order_id) for order_id in self._orders}
                statuses = [row["status"]["S"] if row else "not started" for row in rows.values()]
                ended = sum(status in ENDED for status in statuses)
                if ended == len(rows):
                    return rows
                waited_s = time.monotonic() - begun
                if waited_s > deadline_s:
                    raise Problem(
                        f"not every saga ended within {deadline_s:.0f} s: {', '.join(statuses)}", "See make logs"
                    )
                progress.show(f"{ended}/{len(rows)} sagas have ended, {waited_s:.0f} s")
                time.sleep(POLL_S)

    def _saga(self, order_id: str) -> dict | None:
        key = {"sagaId": {"S": f"OrderSaga#{order_id}"}}
        table_name = self._outputs["SagasTableName"]
        return self._dynamodb.get_item(TableName=table_name, Key=key, ConsistentRead=True).get("Item")

    def _check(self, sagas: dict[str, dict]) -> list[str]:
        wrong, rows, sold = [], [], 0
        for order_id, scenario in self._orders.items():
            saga = sagas[order_id]["status"]["S"]
            order = self._ask("GET", "OrdersApiUrl", f"/orders/{order_id}")
            payment = self._ask("GET", "PaymentsApiUrl", f"/payments/local-provider/payments/{order_id}", missing={})
            at_provider = payment.get("status", "never asked")
            rows.append([order_id, scenario.what, saga, order["status"], at_provider])
            if (saga, order["status"]) != (scenario.saga, scenario.order):
                wrong.append(f"{order_id} is {saga} and {order['status']}, not {scenario.saga} and {scenario.order}")
            if (order["status"] == "confirmed") != (at_provider == "captured"):
                wrong.append(f"{order_id} is {order['status']}, and its payment {at_provider}")
            if order["status"] == "confirmed":
                sold += scenario.quantity
        stock = self._stock_at_rest()
        print()
        print(table(["order", "what it meets", "saga", "order is", "payment is"], rows))
        print(f"\nstock: {stock}")
        expected = {"start": STOCK, "available": STOCK - sold, "held": 0, "confirmed": sold}
        if stock != expected:
            wrong.append(f"stock is {stock}, not {expected}")
        return wrong

    def _stock_at_rest(self) -> dict[str, int]:
        """The catalog hears of a confirmed order a moment after the saga has ended."""
        until = time.monotonic() + TIMEOUT_S
        while True:
            answer = self._ask("GET", "CatalogApiUrl", f"/catalog/products/{self._sku}/stock")
            stock = {name: answer[name] for name in ("start", "available", "held", "confirmed")}
            if stock["held"] == 0 or time.monotonic() > until:
                return stock
            time.sleep(POLL_S)

    def _ask(self, method: str, api: str, path: str, body: dict | None = None, missing: dict | None = None) -> dict:
        """Nothing here changes more when it is asked twice: what a busy machine cannot serve is asked again."""
        url = self._outputs[api] + path
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data, {"content-type": "application/json"}, method=method)
        until = time.monotonic() + TIMEOUT_S
        while True:
            try:
                with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
                    return json.load(answer)
            except urllib.error.HTTPError as error:
                if error.code == 404 and missing is not None:
                    return missing
                if error.code < 500 or time.monotonic() > until:
                    text = error.read().decode(errors="replace")
                    raise Problem(f"{method} {url} answered {error.code}: {text}", "See make logs") from error
            time.sleep(POLL_S)


_PROMISE = (
    "Every saga ended. Confirmed orders are paid for exactly once and have their stock; no other order is paid for; "
    "stock is start minus confirmed minus held."
)


def _timeline(entries: list[dict]) -> str:
    lines = []
    for entry in entries:
        what = entry["what"]
        what = f"became {what['became']}" if isinstance(what, dict) else what
        attempt = f"attempt {entry['attempt']}" if entry.get("attempt", 1) > 1 else ""
        parts = [entry.get("step", ""), what, attempt, entry.get("detail", "")]
        lines.append(f"  {entry['at'][11:23]}  " + "  ".join(part for part in parts if part))
    return "\n".join(lines)

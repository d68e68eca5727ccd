"""What the demonstration sends, and what must become of it."""

import dataclasses
import random

from . import events
from .observation import OrderRow
from .routes import Message, Routes

ORDERS = 200
DUPLICATES_SNS = 60
DUPLICATES_EVENTBRIDGE = 60
BARE_ORDERS = 10
CLOUD_EVENTS_ORDERS = 10
API_ORDERS = 5
POISON_OF_EACH_KIND = 3
DUPLICATES_FIFO = 60
# The publisher sends what it accepts to SNS and to EventBridge, and to the FIFO topic where there is one.
DESTINATIONS, DESTINATIONS_ORDERED = 2, 3

MALFORMED_BODY = "MalformedBody"
INVALID_EVENT = "InvalidEvent"
UNKNOWN_EVENT_TYPE = "UnknownEventType"


@dataclasses.dataclass
class Group:
    """Copies of one kind, which share a line in the report."""

    name: str
    copies: int
    # Event ids that take effect, once each. A repeated copy takes no effect of its own.
    effects: list[str] = dataclasses.field(default_factory=list)
    # Ids found in the bodies that must be parked.
    poison: list[str] = dataclasses.field(default_factory=list)
    parked_reason: str = ""

    @property
    def duplicates(self) -> int:
        return self.copies - len(self.effects) - len(self.poison)


@dataclasses.dataclass(frozen=True)
class ExpectedOrder:
    order_id: str
    customer_id: str
    total: int
    paid: int

    def row(self) -> OrderRow:
        return OrderRow(self.customer_id, self.total, self.paid, "paid" if self.paid else "created")


class Plan:
    def __init__(self, ordered: bool):
        """`ordered`: the stack has a FIFO topic."""
        self._ordered = ordered
        self.run_id = events.uuid7()
        self.groups: list[Group] = []
        self.orders: list[ExpectedOrder] = []
        # In which order's view the effect of an event shows.
        self.order_of: dict[str, str] = {}
        self._sns: list[Message] = []
        self._eventbridge: list[Message] = []
        self._fifo: list[Message] = []
        self._queue: list[str] = []
        self._api: list[dict] = []
        self._paid_orders()
        self._direct_orders()
        self._api_orders()
        self._poison()

    @property
    def effects(self) -> set[str]:
        return {event_id for group in self.groups for event_id in group.effects}

    @property
    def poison_groups(self) -> dict[str, Group]:
        return {poison_id: group for group in self.groups for poison_id in group.poison}

    @property
    def duplicates(self) -> int:
        return sum(group.duplicates for group in self.groups)

    def send(self, routes: Routes) -> None:
        """Shuffled, so that duplicates and poison share batches with good events."""
        for messages in (self._sns, self._eventbridge, self._queue):
            random.shuffle(messages)
        routes.over_sns(self._sns)
        routes.over_eventbridge(self._eventbridge)
        routes.over_fifo(self._fifo)
        routes.straight_to_queue(self._queue)
        routes.over_api(self._api)

    def _paid_orders(self) -> None:
        orders = [self._order(paid=True) for _ in range(ORDERS)]
        payments = [events.payment_processed(order) for order in orders]
        self.order_of |= {payment["eventId"]: payment["payload"]["orderId"] for payment in payments}
        self._sns += map(Message.of, orders + payments)
        self._group("OrderCreated over SNS", ORDERS, effects=orders)
        self._group("PaymentProcessed over SNS", ORDERS, effects=payments)

        again = random.sample(orders + payments, DUPLICATES_SNS)
        self._sns += map(Message.of, again)
        self._group("some of them over SNS again", DUPLICATES_SNS)

        by_both = random.sample(orders + payments, DUPLICATES_EVENTBRIDGE)
        self._eventbridge += map(Message.of, by_both)
        self._group("some of them over EventBridge too", DUPLICATES_EVENTBRIDGE)

        if self._ordered:
            in_order = random.sample(orders + payments, DUPLICATES_FIFO)
            self._fifo += map(Message.of, in_order)
            self._group("some of them over the FIFO topic too", DUPLICATES_FIFO)

    def _direct_orders(self) -> None:
        bare = [self._order() for _ in range(BARE_ORDERS)]
        self._queue += map(events.to_json, bare)
        self._group("bare events, straight to the queue", BARE_ORDERS, effects=bare)

        wrapped = [self._order() for _ in range(CLOUD_EVENTS_ORDERS)]
        self._queue += (events.to_json(events.cloud_event(order)) for order in wrapped)
        self._group("CloudEvents, straight to the queue", CLOUD_EVENTS_ORDERS, effects=wrapped)

    def _api_orders(self) -> None:
        self._api = [self._order() for _ in range(API_ORDERS)]
        ways = DESTINATIONS_ORDERED if self._ordered else DESTINATIONS
        self._group(f"POST /events, sent on {ways} ways", API_ORDERS * ways, effects=self._api)

    def _poison(self) -> None:
        def malformed() -> tuple[str, str]:
            poison_id = events.uuid7()
            return poison_id, f'{{"eventId":"{poison_id}","correlationId":"{self.run_id}", oops'

        over_sns = [malformed() for _ in range(POISON_OF_EACH_KIND)]
        self._sns += (Message(body, "OrderCreated", "Order") for _, body in over_sns)
        self._poison_group("malformed body over SNS", [poison_id for poison_id, _ in over_sns], MALFORMED_BODY)

        direct = [malformed() for _ in range(POISON_OF_EACH_KIND)]
        self._queue += (body for _, body in direct)
        self._poison_group(
            "malformed body, straight to the queue", [poison_id for poison_id, _ in direct], MALFORMED_BODY
        )

        incomplete = [events.order_created(1, self.run_id) for _ in range(POISON_OF_EACH_KIND)]
        self._sns += (
            Message(events.to_json(events.without(order, "aggregateId", "timestamp")), "OrderCreated", "Order")
            for order in incomplete
        )
        self._poison_group("OrderCreated without two fields", [order["eventId"] for order in incomplete], INVALID_EVENT)

        unknown = [events.order_teleported(self.run_id) for _ in range(POISON_OF_EACH_KIND)]
        # Past the topic, whose subscription would keep it from the queue.
        self._queue += map(events.to_json, unknown)
        self._poison_group(
            "OrderTeleported, an unknown type", [event["eventId"] for event in unknown], UNKNOWN_EVENT_TYPE
        )

    def _order(self, paid: bool = False) -> dict:
        order = events.order_created(random.randint(1, 9), self.run_id)
        total = order["payload"]["total"]["minorUnits"]
        customer = order["payload"]["customerId"]
        self.order_of[order["eventId"]] = order["aggregateId"]
        self.orders.append(ExpectedOrder(order["aggregateId"], customer, total, total if paid else 0))
        return order

    def _group(self, name: str, copies: int, effects: list[dict] | None = None) -> None:
        self.groups.append(Group(name, copies, [event["eventId"] for event in effects or []]))

    def _poison_group(self, name: str, poison_ids: list[str], reason: str) -> None:
        self.groups.append(Group(name, len(poison_ids), poison=poison_ids, parked_reason=reason))

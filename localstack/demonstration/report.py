"""Compares what was seen with what must be, and says it in one table."""

import collections
import dataclasses

from localaws.console import table

from .observation import OrderRow, Parked
from .plan import ExpectedOrder, Group, Plan


@dataclasses.dataclass(frozen=True)
class Seen:
    handled: set[str]
    parked: dict[str, list[Parked]]
    orders: dict[str, OrderRow]
    metrics: collections.Counter
    left_in_queue: int


def as_table(plan: Plan, seen: Seen) -> str:
    header = ["what was sent", "copies", "consumed once", "duplicates absorbed", "parked", "why parked"]
    exact = {order.order_id for order in plan.orders if not _differences(order, seen)}
    rows = [_row(group, plan, seen, exact) for group in plan.groups]
    counted = [seen.metrics[name] for name in ("Handled", "Duplicates", "Parked")]
    copies = sum(group.copies for group in plan.groups)
    return table(header, [*rows, ["all, as the consumer counted", *map(_count, [copies, *counted]), ""]])


def _row(group: Group, plan: Plan, seen: Seen, exact_orders: set[str]) -> list[str]:
    """Consumed once: it is in the ledger, and the view it belongs to is exact. Absorbed: all other copies, if the
    consumer itself counted as many duplicates in all; no one sees a single copy being absorbed."""
    consumed = sum(event_id in seen.handled and plan.order_of[event_id] in exact_orders for event_id in group.effects)
    parked = [message for poison_id in group.poison for message in seen.parked.get(poison_id, [])]
    absorbed = _count(group.duplicates)
    if seen.metrics["Duplicates"] != plan.duplicates:
        absorbed = "?" if absorbed else ""
    reasons = ", ".join(sorted({message.reason for message in parked}))
    return [group.name, _count(group.copies), _count(consumed), absorbed, _count(len(parked)), reasons]


def mismatches(plan: Plan, seen: Seen) -> list[str]:
    return [
        *_effect_mismatches(plan, seen),
        *_order_mismatches(plan, seen),
        *_parked_mismatches(plan, seen),
        *_metric_mismatches(plan, seen),
        *([f"{seen.left_in_queue} messages are still in the queue"] if seen.left_in_queue else []),
    ]


def requests_spent(seen: Seen) -> str:
    handled, duplicates = seen.metrics["Handled"], seen.metrics["Duplicates"]
    requests, messages = seen.metrics["DynamoDbRequests"], handled + duplicates
    each = f"{requests / messages:.2f} per message" if messages else "no message was handled"
    return f"DynamoDB requests spent: {requests} for {handled} events and {duplicates} duplicates, {each}"


def _effect_mismatches(plan: Plan, seen: Seen) -> list[str]:
    missing = plan.effects - seen.handled
    return [f"{len(missing)} events have no ledger row, for example {min(missing)}"] if missing else []


def _order_mismatches(plan: Plan, seen: Seen) -> list[str]:
    """The ledger says that an event was handled; only the view shows whether its effect is there, and once."""
    wrong = {order.order_id: _differences(order, seen) for order in plan.orders}
    return _shortened([f"order {order_id}: {'; '.join(found)}" for order_id, found in wrong.items() if found])


def _differences(order: ExpectedOrder, seen: Seen) -> list[str]:
    row = seen.orders.get(order.order_id)
    if row is None:
        return ["it has no view"]
    pairs = zip(dataclasses.fields(row), dataclasses.astuple(row), dataclasses.astuple(order.row()), strict=True)
    return [f"its {field.name} is {is_!r}, not {must!r}" for field, is_, must in pairs if is_ != must]


def _parked_mismatches(plan: Plan, seen: Seen) -> list[str]:
    wrong = []
    for poison_id, group in plan.poison_groups.items():
        reasons = [message.reason for message in seen.parked.get(poison_id, [])]
        if reasons != [group.parked_reason]:
            found = ", ".join(reasons) or "not there"
            wrong.append(
                f"{group.name} ({poison_id}): in the dead-letter queue {found}, not {group.parked_reason} once"
            )
    return _shortened(wrong)


def _metric_mismatches(plan: Plan, seen: Seen) -> list[str]:
    metrics = seen.metrics
    expected = {
        "Handled": len(plan.effects),
        "Duplicates": plan.duplicates,
        "Parked": len(plan.poison_groups),
        "Ignored": 0,
    }
    wrong = [
        f"the consumer counted {metrics[name]} as {name}, not {count}"
        for name, count in expected.items()
        if metrics[name] != count
    ]
    most = metrics["Handled"] + metrics["Duplicates"] + metrics["Retries"]
    if metrics["DynamoDbRequests"] > most:
        wrong.append(f"{metrics['DynamoDbRequests']} DynamoDB requests were spent; one per message would be {most}")
    return wrong


def _shortened(lines: list[str], shown: int = 5) -> list[str]:
    rest = len(lines) - shown
    return lines if rest <= 0 else [*lines[:shown], f"... and {rest} more like these"]


def _count(number: int) -> str:
    """Zero is left out, so that the table shows at a glance where things went."""
    return str(number) if number else ""

"""Events in the wire format, made without any code of this project: what another language's service would send."""

import datetime
import json
import secrets
import time
import uuid


def uuid7() -> str:
    """A UUID of version 7: 48 bits of milliseconds, then randomness. Python makes them itself only from 3.14 on."""
    milliseconds = time.time_ns() // 1_000_000
    value = milliseconds << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return str(uuid.UUID(int=value))


def event(event_type: str, aggregate_type: str, aggregate_id: str, payload: dict, correlation_id: str) -> dict:
    event_id = uuid7()
    now = datetime.datetime.now(datetime.timezone.utc)
    return {
        "eventId": event_id,
        "eventType": event_type,
        "aggregateId": aggregate_id,
        "aggregateType": aggregate_type,
        "timestamp": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "payload": payload,
        "metadata": {"correlationId": correlation_id, "causationId": event_id, "schemaVersion": 1},
    }


def order_created(quantity: int, correlation_id: str) -> dict:
    unit_price = 1250
    payload = {
        "customerId": f"cus_{uuid7()}",
        "items": [{"sku": "TEAPOT-RED", "quantity": quantity, "unitPriceMinor": unit_price}],
        "total": {"minorUnits": quantity * unit_price, "currency": "EUR"},
    }
    return event("OrderCreated", "Order", f"ord_{uuid7()}", payload, correlation_id)


def payment_processed(order: dict) -> dict:
    payment_id = f"pay_{uuid7()}"
    payload = {"paymentId": payment_id, "orderId": order["aggregateId"], "amount": order["payload"]["total"]}
    return event("PaymentProcessed", "Payment", payment_id, payload, order["metadata"]["correlationId"])


def order_teleported(correlation_id: str) -> dict:
    """Nobody handles this type."""
    return event("OrderTeleported", "Order", f"ord_{uuid7()}", {"destination": "Mars"}, correlation_id)


def without(complete: dict, *fields: str) -> dict:
    return {name: value for name, value in complete.items() if name not in fields}


def cloud_event(enclosed: dict) -> dict:
    """CloudEvents 1.0 in structured mode."""
    return {
        "specversion": "1.0",
        "id": enclosed["eventId"],
        "source": "/demonstration",
        "type": enclosed["eventType"],
        "time": enclosed["timestamp"],
        "datacontenttype": "application/json",
        "data": enclosed,
    }


def to_json(value: dict) -> str:
    return json.dumps(value, separators=(",", ":"))

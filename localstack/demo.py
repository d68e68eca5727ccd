#!/usr/bin/env python3
"""Publishes a storefront's events with duplicates and poison among them, waits, and checks what became of each. Then it
places orders, and checks what became of those.

Everything is sent and looked at with boto3, a stock AWS client: none of this project's code takes part but the
deployed functions. It can run again and again on the same stack, as every run has ids of its own. Exit code 0 only if
every count is as it must be.
"""

import argparse
import os
import sys
import time
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from demonstration.observation import Observer
from demonstration.plan import Plan
from demonstration.report import Seen, as_table, mismatches, requests_spent
from demonstration.routes import Routes
from demonstration.storefront import Storefront
from localaws.aws import LOCAL_STAGE, for_stage
from localaws.console import Progress, note
from localaws.deployment import ROOT
from localaws.problem import Problem
from localaws.stack import Stack

DEADLINE_S = 600.0
# Messages of somebody else may be on their way.
IDLE_DEADLINE_S = 300.0
POLL_S = 0.25


def main() -> int:
    options = _parser().parse_args()
    try:
        return 0 if demonstrate(options) else 1
    except Problem as problem:
        note(f"error: {problem}")
    except (ClientError, BotoCoreError) as error:
        note(f"error: AWS refused or did not answer: {error}")
    except KeyboardInterrupt:
        note("interrupted")
    return 1


def demonstrate(options: argparse.Namespace) -> bool:
    aws = for_stage(options.stage, options.state_dir)
    outputs = Stack(aws, options.stack_name or f"onecommit-{options.stage}").outputs()
    routes, plan = Routes(aws, outputs), Plan(ordered="OutsideFifoTopicArn" in outputs)
    _wait_until_idle(Observer(aws, outputs))
    observer = Observer(aws, outputs)
    begun = time.monotonic()

    copies = sum(group.copies for group in plan.groups)
    poison = len(plan.poison_groups)
    print(f"run {plan.run_id}: {len(plan.effects)} events and {poison} poison messages in {copies} copies")
    plan.send(routes)
    print(f"sent with boto3 in {time.monotonic() - begun:.1f} s: over SNS, EventBridge, SQS and POST /events")

    seen = _wait_for_outcome(observer, plan, options.deadline_s)
    print(f"settled after {time.monotonic() - begun:.1f} s\n")
    print(as_table(plan, seen))
    print(f"\n{requests_spent(seen)}")

    wrong = mismatches(plan, seen)
    if wrong:
        print(f"\nNOT as it must be ({len(wrong)}):")
        print("\n".join(f"  {line}" for line in wrong))
        print("\nWhat the functions logged: make logs")
        return False
    print("Every event took effect once, every duplicate was absorbed, every poison message is parked with its reason.")
    if options.stage == LOCAL_STAGE:
        # Elsewhere there is no payment provider that can be told to misbehave.
        print("\nOrders through the storefront, each of them a saga:")
        if not Storefront(aws, outputs).run(options.deadline_s):
            print("\nWhat the functions logged: make logs")
            return False
    _say_what_next(outputs, options.stage)
    return True


def _wait_until_idle(observer: Observer) -> None:
    """The consumer's own counts are for all that it handles: what others sent before must be done with."""
    deadline = time.monotonic() + IDLE_DEADLINE_S
    with Progress() as progress:
        while (waiting := observer.messages_in_queue()) and time.monotonic() < deadline:
            progress.show(f"waiting for {waiting} earlier messages in the queue")
            time.sleep(POLL_S)
    if waiting:
        raise Problem(
            f"{waiting} messages of somebody else are in the queue and do not go away",
            "Wait until they are handled (make logs), or begin anew: make down, make demo",
        )


def _wait_for_outcome(observer: Observer, plan: Plan, deadline_s: float) -> Seen:
    """Looks until all is as expected, or the deadline has passed; says how far it is meanwhile."""
    begun = time.monotonic()
    with Progress() as progress:
        while True:
            seen = _look(observer, plan)
            waited_s = time.monotonic() - begun
            if not mismatches(plan, seen) or waited_s > deadline_s:
                return seen
            progress.show(
                f"consumed {len(seen.handled)}/{len(plan.effects)}, "
                f"duplicates absorbed {seen.metrics['Duplicates']}/{plan.duplicates}, "
                f"parked {len(seen.parked)}/{len(plan.poison_groups)}, "
                f"in the queue {seen.left_in_queue}, {waited_s:.0f} s"
            )
            time.sleep(POLL_S)


def _look(observer: Observer, plan: Plan) -> Seen:
    """The queue first: once it is empty, the rest that is read after it is final."""
    left_in_queue = observer.messages_in_queue()
    return Seen(
        left_in_queue=left_in_queue,
        handled=observer.handled_among(plan.effects),
        parked=observer.parked_among(set(plan.poison_groups)),
        orders=observer.order_rows([order.order_id for order in plan.orders]),
        metrics=observer.consumer_metrics(),
    )


def _say_what_next(outputs: dict[str, str], stage: str) -> None:
    example = (
        '{"eventId":"01920000-0000-7000-8000-000000000001","eventType":"OrderCreated","aggregateId":"ord_1",'
        '"aggregateType":"Order","timestamp":"2026-01-01T00:00:00.000Z","payload":{"customerId":"cus_1","items":[],'
        '"total":{"minorUnits":2500,"currency":"EUR"}},"metadata":{"correlationId":"try-1","causationId":"try-1"}}'
    )
    print("\nWhat to try next:")
    if stage == LOCAL_STAGE:
        print("  publish an event yourself, twice; the second time it is absorbed:")
        print(f"    curl -X POST '{outputs['ApiUrl']}/events' -H 'content-type: application/json' -d '{example}'")
    print("  make logs     what the functions logged")
    print("  make test     every test of the project")
    print("  make down     end the local AWS")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stage", default=LOCAL_STAGE, help="local, or a stage in the AWS account of your credentials")
    parser.add_argument("--stack-name", default=os.environ.get("STACK_NAME"), help="onecommit-STAGE (also STACK_NAME)")
    parser.add_argument("--state-dir", type=Path, default=ROOT / "build" / "local-aws", help="of the local AWS")
    parser.add_argument("--deadline-s", type=float, default=DEADLINE_S, help="how long to wait for the outcome; 600")
    return parser


if __name__ == "__main__":
    sys.exit(main())

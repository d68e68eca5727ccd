"""The CloudFormation stack of one stage: deploy, wait, outputs."""

import time

from botocore.exceptions import ClientError

from .aws import Aws
from .console import Progress
from .problem import Problem

# Local AWSs answer at once; AWS itself throttles those who ask often.
LOCAL_POLL_S = 0.1
ACCOUNT_POLL_S = 2.0
NOTHING_TO_CHANGE = ("didn't contain changes", "No updates are to be performed")
# Events of this kind follow from the failure that matters and would bury it.
CONSEQUENCES = ("Resource creation cancelled", "Resource update cancelled")
TEMPLATE_BODY_BYTES_MAX = 51_200
NESTED_TYPE = "AWS::CloudFormation::Stack"


class Stack:
    def __init__(self, aws: Aws, name: str):
        self.name = name
        self._aws = aws
        self._cloudformation = aws.client("cloudformation")
        self._poll_s = LOCAL_POLL_S if aws.endpoint else ACCOUNT_POLL_S

    def describe(self) -> dict | None:
        try:
            return self._cloudformation.describe_stacks(StackName=self.name)["Stacks"][0]
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise

    def outputs(self) -> dict[str, str]:
        stack = self.describe()
        if stack is None:
            raise Problem(f"the stack {self.name} is not deployed", "Deploy it: make deploy")
        return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}

    def resources(self) -> dict[str, tuple[str, str]]:
        """Types and physical names by logical ones. What is in a nested stack has the stack's before its own."""
        found = self._resources_of(self.name)
        for logical_id, (kind, name) in list(found.items()):
            if kind == NESTED_TYPE:
                nested = Stack(self._aws, name).resources()
                found |= {f"{logical_id}{nested_id}": resource for nested_id, resource in nested.items()}
        return found

    def _resources_of(self, stack: str) -> dict[str, tuple[str, str]]:
        pages = self._cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
        return {
            resource["LogicalResourceId"]: (resource["ResourceType"], resource["PhysicalResourceId"])
            for page in pages
            for resource in page["StackResourceSummaries"]
            if resource.get("PhysicalResourceId")
        }

    def deploy(
        self,
        template: str,
        template_bucket: str,
        parameters: dict[str, str],
        known_parameters: set[str],
        tags: dict[str, str],
    ) -> bool:
        """Creates or updates the stack; False when there was nothing to change."""
        stack = self.describe()
        exists = stack is not None and stack["StackStatus"] != "REVIEW_IN_PROGRESS"
        if exists:
            self._require_updatable(stack["StackStatus"])
        kind = "UPDATE" if exists else "CREATE"
        merged = _parameters(parameters, known_parameters, stack if exists else None)
        change_set = self._create_change_set(template, template_bucket, merged, kind, tags)
        if change_set is None:
            return False
        begun_at = self._newest_event_id()
        self._cloudformation.execute_change_set(ChangeSetName=change_set)
        self._wait_until_settled(begun_at)
        return True

    def _require_updatable(self, status: str) -> None:
        if status == "ROLLBACK_COMPLETE":
            raise Problem(
                f"the stack {self.name} failed when it was first created and cannot be updated",
                f"Delete it, then deploy again: aws cloudformation delete-stack --stack-name {self.name}",
            )
        if status.endswith("_IN_PROGRESS"):
            raise Problem(
                f"the stack {self.name} is being changed by someone else ({status})", "Wait until that is done"
            )

    def _create_change_set(
        self, template: str, bucket: str, parameters: list[dict], kind: str, tags: dict[str, str]
    ) -> str | None:
        # Without tags in it, a change set leaves the stack those that it has.
        tagging = {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]} if tags else {}
        change_set = self._cloudformation.create_change_set(
            StackName=self.name,
            ChangeSetName=f"deploy-{time.time_ns()}",
            ChangeSetType=kind,
            Parameters=parameters,
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
            **tagging,
            **self._template_argument(template, bucket),
        )["Id"]
        while True:
            described = self._cloudformation.describe_change_set(ChangeSetName=change_set)
            status, reason = described["Status"], described.get("StatusReason", "")
            if status == "CREATE_COMPLETE":
                return change_set
            if status == "FAILED":
                self._cloudformation.delete_change_set(ChangeSetName=change_set)
                if any(text in reason for text in NOTHING_TO_CHANGE):
                    return None
                raise Problem(f"CloudFormation refuses the template for {self.name}: {reason}")
            time.sleep(self._poll_s)

    def _template_argument(self, template: str, bucket: str) -> dict[str, str]:
        if len(template.encode()) <= TEMPLATE_BODY_BYTES_MAX:
            return {"TemplateBody": template}
        s3 = self._aws.client("s3")
        key = f"{self.name}/template.json"
        s3.put_object(Bucket=bucket, Key=key, Body=template.encode())
        return {
            "TemplateURL": s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": key}).partition("?")[0]
        }

    def _newest_event_id(self) -> str | None:
        return next((event["EventId"] for event in self._events()), None)

    def _events(self):
        """Newest first."""
        for page in self._cloudformation.get_paginator("describe_stack_events").paginate(StackName=self.name):
            yield from page["StackEvents"]

    def _events_since(self, event_id: str | None) -> list[dict]:
        """Oldest first."""
        fresh = []
        for event in self._events():
            if event["EventId"] == event_id:
                break
            fresh.append(event)
        return fresh[::-1]

    def _wait_until_settled(self, begun_at: str | None) -> None:
        begun = time.monotonic()
        with Progress() as progress:
            while True:
                status = self.describe()["StackStatus"]
                if not status.endswith("_IN_PROGRESS") or status == "REVIEW_IN_PROGRESS":
                    break
                events = self._events_since(begun_at)
                done = {event["LogicalResourceId"] for event in events if event["ResourceStatus"].endswith("_COMPLETE")}
                progress.show(f"{self.name}: {status}, {len(done)} resources done, {time.monotonic() - begun:.0f} s")
                time.sleep(self._poll_s)
        if status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            raise Problem(f"the stack {self.name} ended as {status}:\n{_failures(self._events_since(begun_at))}\n")


def _parameters(given: dict[str, str], known: set[str], stack: dict | None) -> list[dict]:
    """A parameter that is not given keeps the stack's value: a deployment must not reset what an earlier one set."""
    unknown = given.keys() - known
    if unknown:
        raise Problem(
            f"the template has no parameter {', '.join(sorted(unknown))}", f"It has {', '.join(sorted(known))}"
        )
    had = {parameter["ParameterKey"] for parameter in (stack or {}).get("Parameters", [])}
    kept = (had & known) - given.keys()
    return [
        *({"ParameterKey": key, "ParameterValue": value} for key, value in given.items()),
        *({"ParameterKey": key, "UsePreviousValue": True} for key in sorted(kept)),
    ]


def _failures(events: list[dict]) -> str:
    failed = [
        f"  {event['LogicalResourceId']} ({event['ResourceType']}): {event.get('ResourceStatusReason', 'no reason')}"
        for event in events
        if event["ResourceStatus"].endswith("_FAILED")
    ]
    causes = [line for line in failed if not any(text in line for text in CONSEQUENCES)]
    return "\n".join(causes or failed or ["  no event names a cause"])

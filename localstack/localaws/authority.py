"""What a deployed stack grants: its roles and resource policies in the local AWS, and what AWS itself does there.

Read from what was deployed and not from the template, so that every name and condition is resolved as it is in force.
"""

import json

from botocore.exceptions import ClientError

from .aws import Aws
from .problem import Problem
from .stack import Stack

ROLE = "AWS::IAM::Role"
FUNCTION = "AWS::Lambda::Function"
QUEUE = "AWS::SQS::Queue"
TOPIC = "AWS::SNS::Topic"
BUS = "AWS::Events::EventBus"
BUCKET = "AWS::S3::Bucket"
# A key is not the stack's own: it comes by a parameter, and functions find it in a variable. This is what it is called.
KEY_VARIABLE = "SUBJECT_KEYS_KMS_KEY"
KEY = "SubjectKeysKmsKey"
TABLE = "AWS::DynamoDB::Table"
RULE = "AWS::Events::Rule"
SUBSCRIPTION = "AWS::SNS::Subscription"
# What Lambda does in the name of a function's role, as AWS documents it for event source mappings and for logs.
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
# https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-eventsourcemapping.html
POLLING_QUEUES = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
POLLING_STREAMS = ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator")
WRITING_LOGS = ("logs:CreateLogStream", "logs:PutLogEvents")


def describe(aws: Aws, stack_name: str) -> dict:
    return _Reader(aws, stack_name).describe()


class _Reader:
    def __init__(self, aws: Aws, stack_name: str):
        self._aws = aws
        self._name = stack_name
        self._clients = {}
        self._resources = Stack(aws, stack_name).resources()

    def describe(self) -> dict:
        tables = {
            name: self._call("dynamodb", "describe_table", TableName=name)["Table"] for _, name in self._of(TABLE)
        }
        functions = [
            (logical_id, self._call("lambda", "get_function_configuration", FunctionName=name))
            for logical_id, name in self._of(FUNCTION)
        ]
        variables = (function.get("Environment", {}).get("Variables", {}) for _, function in functions)
        key = next((given[KEY_VARIABLE] for given in variables if given.get(KEY_VARIABLE)), None)
        return {
            "name": self._name,
            "account": self._call("sts", "get_caller_identity")["Account"],
            "resources": {logical_id: name for logical_id, (_, name) in self._resources.items()}
            | ({KEY: key} if key else {}),
            "roles": [self._role(logical_id, name) for logical_id, name in self._of(ROLE)],
            "functions": [{"logicalId": logical_id, "role": function["Role"]} for logical_id, function in functions],
            "policies": [*self._policies(), *([self._of_key(key)] if key else [])],
            "tables": {name: _keys(table) for name, table in tables.items()},
            "calls": [
                *(call for logical_id, function in functions for call in self._of_lambda(logical_id, function)),
                *self._deliveries_of_topics(),
                *self._deliveries_of_rules(),
            ],
        }

    def _of(self, kind: str) -> list[tuple[str, str]]:
        return [(logical_id, name) for logical_id, (known, name) in self._resources.items() if known == kind]

    def _call(self, service: str, operation: str, **arguments) -> dict:
        if service not in self._clients:
            self._clients[service] = self._aws.client(service)
        return getattr(self._clients[service], operation)(**arguments)

    def _role(self, logical_id: str, name: str) -> dict:
        names = self._call("iam", "list_role_policies", RoleName=name)["PolicyNames"]
        attached = self._call("iam", "list_attached_role_policies", RoleName=name)["AttachedPolicies"]
        documents = {
            policy: self._call("iam", "get_role_policy", RoleName=name, PolicyName=policy)["PolicyDocument"]
            for policy in names
        }
        return {
            "logicalId": logical_id,
            "arn": self._call("iam", "get_role", RoleName=name)["Role"]["Arn"],
            "policies": {policy: _document(document) for policy, document in documents.items()},
            "managed": [policy["PolicyName"] for policy in attached],
        }

    def _policies(self):
        """Of each resource that has one."""
        for logical_id, url in self._of(QUEUE):
            attributes = self._queue(url)
            if attributes.get("Policy"):
                yield _policy(logical_id, attributes["QueueArn"], attributes["Policy"])
        for logical_id, arn in self._of(TOPIC):
            policy = self._call("sns", "get_topic_attributes", TopicArn=arn)["Attributes"].get("Policy")
            if policy and not _is_default(policy):
                yield _policy(logical_id, arn, policy)
        for logical_id, name in self._of(BUS):
            bus = self._call("events", "describe_event_bus", Name=name)
            if bus.get("Policy"):
                yield _policy(logical_id, bus["Arn"], bus["Policy"])
        for logical_id, name in self._of(BUCKET):
            try:
                policy = self._call("s3", "get_bucket_policy", Bucket=name)["Policy"]
            except ClientError as error:
                if error.response["Error"]["Code"] != "NoSuchBucketPolicy":
                    raise
                continue
            yield _policy(logical_id, f"arn:aws:s3:::{name}", policy)

    def _of_key(self, arn: str) -> dict:
        return _policy(KEY, arn, self._call("kms", "get_key_policy", KeyId=arn, PolicyName="default")["Policy"])

    def _queue(self, url: str) -> dict:
        return self._call("sqs", "get_queue_attributes", QueueUrl=url, AttributeNames=["All"])["Attributes"]

    def _of_lambda(self, logical_id: str, function: dict):
        """What Lambda does for a function in the name of its role."""
        group = function.get("LoggingConfig", {}).get("LogGroup")
        if group:
            account, region = function["FunctionArn"].split(":")[4], function["FunctionArn"].split(":")[3]
            arn = f"arn:aws:logs:{region}:{account}:log-group:{group}:*"
            yield from _as_role(f"the log of {logical_id}", function, WRITING_LOGS, arn)
        mappings = self._call("lambda", "list_event_source_mappings", FunctionName=function["FunctionName"])
        for mapping in mappings["EventSourceMappings"]:
            source, what = mapping["EventSourceArn"], f"the event source of {logical_id}"
            if source.split(":")[2] == "sqs":
                yield from _as_role(what, function, POLLING_QUEUES, source)
            else:
                yield from _as_role(what, function, POLLING_STREAMS, source)
                yield from _as_role(what, function, ("dynamodb:ListStreams",), "*")

    def _deliveries_of_topics(self):
        """To each queue that is subscribed, and to where it puts what it could not deliver."""
        for logical_id, arn in self._of(SUBSCRIPTION):
            topic = arn.rpartition(":")[0]
            subscriptions = self._call("sns", "list_subscriptions_by_topic", TopicArn=topic)["Subscriptions"]
            queue = next(one["Endpoint"] for one in subscriptions if one["SubscriptionArn"] == arn)
            yield _delivery(logical_id, "sns.amazonaws.com", queue, topic)
            attributes = self._call("sns", "get_subscription_attributes", SubscriptionArn=arn)["Attributes"]
            redrive = json.loads(attributes.get("RedrivePolicy") or "{}")
            if redrive:
                what = f"what {logical_id} could not deliver"
                yield _delivery(what, "sns.amazonaws.com", redrive["deadLetterTargetArn"], topic)

    def _deliveries_of_rules(self):
        for logical_id, name in self._of(RULE):
            bus, arn = self._found_rule(name)
            targets = self._call("events", "list_targets_by_rule", Rule=name, EventBusName=bus)["Targets"]
            for target in targets:
                # Functions are invoked by another kind of permission.
                if target["Arn"].split(":")[2] == "sqs":
                    yield _delivery(logical_id, "events.amazonaws.com", target["Arn"], arn)
                if target.get("DeadLetterConfig"):
                    what = f"what {logical_id} could not deliver"
                    yield _delivery(what, "events.amazonaws.com", target["DeadLetterConfig"]["Arn"], arn)

    def _found_rule(self, name: str) -> tuple[str, str]:
        """Its bus and its ARN. A rule is named within its bus, which CloudFormation does not tell."""
        for bus in ["default", *(bus for _, bus in self._of(BUS))]:
            try:
                return bus, self._call("events", "describe_rule", Name=name, EventBusName=bus)["Arn"]
            except ClientError as error:
                if error.response["Error"]["Code"] != "ResourceNotFoundException":
                    raise
        raise Problem(f"the rule {name} is on no bus of the stack {self._name}")


def _keys(table: dict) -> dict:
    def partition(keys: list[dict]) -> str:
        return next(key["AttributeName"] for key in keys if key["KeyType"] == "HASH")

    indexes = table.get("GlobalSecondaryIndexes", []) + table.get("LocalSecondaryIndexes", [])
    return {
        "key": partition(table["KeySchema"]),
        "indexes": {index["IndexName"]: partition(index["KeySchema"]) for index in indexes},
    }


def _policy(logical_id: str, arn: str, document) -> dict:
    return {"logicalId": logical_id, "arn": arn, "document": _document(document)}


def _document(document) -> dict:
    return json.loads(document) if isinstance(document, str) else document


def _is_default(policy: str) -> bool:
    """What SNS gives a topic without a policy: everything to its owner, which grants nothing to roles."""
    return _document(policy).get("Id") == "__default_policy_ID"


def _as_role(what: str, function: dict, actions: tuple[str, ...], resource: str):
    for action in actions:
        yield {
            "what": what,
            "role": function["Role"],
            "service": "lambda.amazonaws.com",
            "action": action,
            "resource": resource,
        }


def _delivery(what: str, service: str, queue_arn: str, source_arn: str) -> dict:
    return {
        "what": what,
        "service": service,
        "action": "sqs:SendMessage",
        "resource": queue_arn,
        "sourceArn": source_arn,
    }

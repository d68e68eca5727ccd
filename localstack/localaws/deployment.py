"""`deploy`: package the functions, deploy the stack, say what came of it."""

import dataclasses
import platform
from pathlib import Path

from . import ministack
from .artifacts import ArtifactBucket
from .aws import LOCAL_STAGE, Aws, for_account, for_instance, require_instance
from .console import note
from .package import FunctionCode, Template, built_for
from .problem import Problem
from .stack import Stack

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "infra" / "template.yaml"
# Written by the Makefile beside the functions: how they were built.
BUILD_KIND = ROOT / "build" / "lambda" / ".build-kind"
RELEASE = "release"
# Locally e-mails may come from addresses of this domain; elsewhere the sender is verified by hand.
LOCAL_EMAIL_DOMAIN = "example.com"
# What the demonstration's client publishes. It is a producer from outside.
DEMONSTRATION_EVENT_TYPES = "OrderCreated,PaymentProcessed"
ARCHITECTURES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}


@dataclasses.dataclass(frozen=True)
class Request:
    stage: str
    stack_name: str
    state_dir: Path
    artifact_bucket: str | None
    parameters: dict[str, str]
    template: Path = TEMPLATE
    # Of the stack and all that is in it; none leaves those that it has.
    tags: dict[str, str] = dataclasses.field(default_factory=dict)
    # Added to each function's environment.
    function_variables: dict[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Deployed:
    changed: bool
    outputs: dict[str, str]


def deploy(request: Request) -> Deployed:
    is_local = request.stage == LOCAL_STAGE
    template = Template(request.template)
    template.set_variables(request.function_variables, request.stack_name)
    functions = template.functions_with_nested()
    architecture = _architecture(functions)
    # What a template may want to know of the place. Another consumer's own template need not ask for all of it.
    place = {"Stage": request.stage, "Architecture": architecture}
    if is_local:
        instance = require_instance(request.state_dir)
        aws = for_instance(instance)
        place["LocalEndpoint"] = instance.endpoint
        place["OutsideEventTypes"] = DEMONSTRATION_EVENT_TYPES
        # Demonstration and tests send over every one.
        place["Route"] = "all"
        if instance.local_aws == ministack.NAME:
            # Its mapping for streams takes a batch with reported failures for done.
            place["StreamFailures"] = "fail"
        # Not in the template: LocalStack knows the resource type by name only.
        aws.client("ses").verify_domain_identity(Domain=LOCAL_EMAIL_DOMAIN)
    else:
        _require_release_build()
        aws = for_account()
        if "ApiAccessLog" in template.parameters:
            place |= _api_access_log(aws, request)
    known = {name: value for name, value in place.items() if name in template.parameters}
    parameters = {**known, **request.parameters}
    bucket = ArtifactBucket(aws, request.artifact_bucket)
    bucket.ensure()
    if is_local:
        template.with_account_in_conditions(bucket.owner)
    where = aws.endpoint or f"account {bucket.owner}, region {aws.region}"
    note(f"deploying {request.stack_name} to {where}, functions for {parameters.get('Architecture', architecture)}")
    stack = Stack(aws, request.stack_name)
    changed = stack.deploy(_packaged(template, bucket), bucket.name, parameters, template.parameters, request.tags)
    return Deployed(changed, stack.outputs())


def _packaged(template: Template, bucket: ArtifactBucket) -> str:
    """The template once all that it names is in the bucket."""
    urls = {logical_id: bucket.upload_template(_packaged(one, bucket)) for logical_id, one in template.nested.items()}
    keys = {function.logical_id: _upload(bucket, function) for function in template.functions()}
    return template.packaged(bucket.name, keys, urls)


def _upload(bucket: ArtifactBucket, function: FunctionCode) -> str:
    key, sent = bucket.upload(function)
    note(f"  {function.logical_id}: {'uploaded' if sent else 'unchanged'}")
    return key


def _architecture(functions: list[FunctionCode]) -> str:
    """What the binaries say; for functions that are scripts, this machine's."""
    host = platform.machine().lower()
    return built_for(functions) or ARCHITECTURES.get(host, host)


def _require_release_build() -> None:
    kind = BUILD_KIND.read_text().strip() if BUILD_KIND.exists() else "unknown"
    if kind != RELEASE:
        raise Problem(
            f"build/lambda holds a build of kind `{kind}`, made for this machine and not for Lambda",
            "Build for Lambda: make package",
        )


def _api_access_log(aws: Aws, request: Request) -> dict[str, str]:
    """API Gateway writes access logs only where the account has a role for that. Without it a deployment fails late."""
    if "ApiAccessLog" in request.parameters or aws.client("apigateway").get_account().get("cloudwatchRoleArn"):
        return {}
    note(
        "warning: deploying without the API's access log: API Gateway has no CloudWatch role in this account and "
        "region. Set one (aws apigateway update-account), then deploy with PARAMETERS=ApiAccessLog=enabled"
    )
    return {"ApiAccessLog": "disabled"}

"""The environment variables of a function's process: Lambda's, the function's own, and no others."""

from collections.abc import Mapping

# What Lambda sets beside what LocalStack hands over.
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
LAMBDA = {
    "LANG": "en_US.UTF-8",
    "PATH": "/usr/local/bin:/usr/bin:/bin:/opt/bin",
}
# For LocalStack's own program in the container, which is not here.
OF_THE_CONTAINER = ("LOCALSTACK_", "EDGE_PORT", "_AWS_XRAY_", "LAMBDA_RUNTIME_DIR")


def of_function(handed_over: Mapping[str, object], configured: Mapping[str, str] | None) -> dict[str, str]:
    """Of what LocalStack hands over to a container, the part that its owner configured included."""
    own = configured or {}
    kept = {name: str(value) for name, value in handed_over.items() if not name.startswith(OF_THE_CONTAINER)}
    return LAMBDA | kept | {name: str(value) for name, value in own.items()}

"""AWS clients: for a local AWS, or for the account that the environment names."""

import os
from pathlib import Path

import boto3
import botocore.session
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config

from .problem import Problem
from .state import Instance, StateDir

LOCAL_STAGE = "local"
# A local AWS on a busy machine may take minutes for a change that must not be asked for twice.
READ_TIMEOUT_S = 300


class Aws:
    """Makes clients for one place."""

    def __init__(self, session: boto3.Session, endpoint: str | None):
        self._session = session
        self.endpoint = endpoint
        self.region = session.region_name

    def client(self, service: str):
        retries = {"mode": "standard", "max_attempts": 5}
        config = Config(retries=retries, max_pool_connections=32, read_timeout=READ_TIMEOUT_S)
        return self._session.client(service, endpoint_url=self.endpoint, config=config)

    def signed_headers(
        self, service: str, method: str, url: str, body: bytes, headers: dict[str, str]
    ) -> dict[str, str]:
        """For a request that no client makes: the headers with an AWS signature (SigV4)."""
        request = AWSRequest(method, url, headers, body)
        SigV4Auth(self._session.get_credentials().get_frozen_credentials(), service, self.region).add_auth(request)
        return dict(request.headers)


def for_instance(instance: Instance) -> Aws:
    # The developer's profile and settings are for other accounts.
    untouched = botocore.session.Session(
        {"profile": (None, None, None, None), "config_file": (None, None, os.devnull, None)}
    )
    session = boto3.Session("test", "test", region_name=instance.region, botocore_session=untouched)
    return Aws(session, instance.endpoint)


def for_account() -> Aws:
    # boto3 itself reads only AWS_DEFAULT_REGION; every other SDK, and Lambda, say AWS_REGION.
    session = boto3.Session(region_name=os.environ.get("AWS_REGION") or None)
    if not session.region_name:
        raise Problem(
            "no AWS region is configured", "Set AWS_REGION, or a region in the AWS profile that AWS_PROFILE names"
        )
    if session.get_credentials() is None:
        raise Problem("no AWS credentials were found", "Set AWS_PROFILE, or log in with the AWS CLI")
    return Aws(session, None)


def for_stage(stage: str, state_dir: Path) -> Aws:
    if stage != LOCAL_STAGE:
        return for_account()
    return for_instance(require_instance(state_dir))


def require_instance(state_dir: Path) -> Instance:
    instance = StateDir(state_dir).read()
    if instance is None:
        raise Problem(f"no local AWS is up ({state_dir} knows of none)", "Start one: make up")
    return instance

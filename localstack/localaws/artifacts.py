"""The bucket that holds packaged code and templates."""

import hashlib

from botocore.exceptions import ClientError

from .aws import Aws
from .package import FunctionCode
from .problem import Problem

# Local: the time to compress counts, not the size.
LOCAL_COMPRESSION = 1
ACCOUNT_COMPRESSION = 9


class ArtifactBucket:
    def __init__(self, aws: Aws, name: str | None):
        self._s3 = aws.client("s3")
        self._is_local = aws.endpoint is not None
        self._region = aws.region
        self.owner = aws.client("sts").get_caller_identity()["Account"]
        self._is_managed = name is None
        self.name = name or f"onecommit-artifacts-{self.owner}-{aws.region}"

    def ensure(self) -> None:
        if self._exists():
            return
        if not self._is_managed:
            raise Problem(
                f"the artifact bucket {self.name} does not exist",
                "Create it, or leave ARTIFACT_BUCKET unset to have one made",
            )
        elsewhere = (
            {} if self._region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": self._region}}
        )
        self._s3.create_bucket(Bucket=self.name, **elsewhere)
        self._s3.put_public_access_block(
            Bucket=self.name,
            PublicAccessBlockConfiguration={
                "BlockPublicAcls": True,
                "IgnorePublicAcls": True,
                "BlockPublicPolicy": True,
                "RestrictPublicBuckets": True,
            },
        )

    def upload(self, function: FunctionCode) -> tuple[str, bool]:
        """The key of the code, and whether it had to be sent."""
        key = function.key
        if self._has(key):
            return key, False
        code = function.zipped(LOCAL_COMPRESSION if self._is_local else ACCOUNT_COMPRESSION)
        self._s3.put_object(Bucket=self.name, Key=key, Body=code, ExpectedBucketOwner=self.owner)
        return key, True

    def upload_template(self, template: str) -> str:
        """The URL at which CloudFormation finds a nested template. It names the content, so that a template that has
        changed changes the parent too, and a deployment reaches the nested stack."""
        key = f"templates/{hashlib.sha256(template.encode()).hexdigest()}.json"
        if not self._has(key):
            self._s3.put_object(Bucket=self.name, Key=key, Body=template.encode(), ExpectedBucketOwner=self.owner)
        return self._url(key)

    def _url(self, key: str) -> str:
        signed = self._s3.generate_presigned_url("get_object", {"Bucket": self.name, "Key": key})
        return signed.partition("?")[0]

    def _exists(self) -> bool:
        try:
            # The managed name can be guessed: code must not go into a stranger's bucket of that name.
            self._s3.head_bucket(Bucket=self.name, ExpectedBucketOwner=self.owner)
            return True
        except ClientError as error:
            if _status(error) == 404:
                return False
            if _status(error) == 403:
                raise Problem(
                    f"the artifact bucket {self.name} is not yours, or you may not read it",
                    "Name another: ARTIFACT_BUCKET=...",
                ) from error
            raise

    def _has(self, key: str) -> bool:
        try:
            self._s3.head_object(Bucket=self.name, Key=key, ExpectedBucketOwner=self.owner)
            return True
        except ClientError as error:
            if _status(error) == 404:
                return False
            raise


def _status(error: ClientError) -> int:
    return error.response["ResponseMetadata"]["HTTPStatusCode"]

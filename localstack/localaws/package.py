"""Turns build/lambda and the template into what CloudFormation takes: zips, and a template that names them."""

import dataclasses
import hashlib
import io
import json
import zipfile
from pathlib import Path

import yaml

from .problem import Problem

BUILD_REMEDY = "Build the functions: make build (for a local AWS) or make package (for an account)"
FUNCTION_TYPE = "AWS::Serverless::Function"
NESTED_TYPE = "AWS::CloudFormation::Stack"
# Reads e_machine of an ELF header.
ELF_MACHINES = {0x3E: "x86_64", 0xB7: "arm64"}
# The oldest moment that a zip can hold. A constant, so that the same binary makes the same zip.
ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclasses.dataclass(frozen=True)
class FunctionCode:
    logical_id: str
    bootstrap: Path

    @property
    def key(self) -> str:
        """Named by content: code that did not change is not uploaded again, and an update leaves its function alone.
        Functions with the same code share it."""
        with self.bootstrap.open("rb") as binary:
            return f"{self.bootstrap.parent.name}/{_sha256(binary)}.zip"

    def zipped(self, compression_level: int) -> bytes:
        archive = io.BytesIO()
        entry = zipfile.ZipInfo("bootstrap", ZIP_EPOCH)
        entry.external_attr = 0o100755 << 16
        entry.compress_type = zipfile.ZIP_DEFLATED
        with zipfile.ZipFile(archive, "w") as bundle:
            bundle.writestr(entry, self.bootstrap.read_bytes(), compresslevel=compression_level)
        return archive.getvalue()

    def architecture(self) -> str | None:
        """The processor the binary is for; None when it is not a binary that says so."""
        with self.bootstrap.open("rb") as binary:
            header = binary.read(20)
        if header[:4] != b"\x7fELF":
            return None
        return ELF_MACHINES.get(int.from_bytes(header[18:20], "little"))


class Template:
    def __init__(self, path: Path):
        if not path.is_file():
            raise Problem(f"there is no template {path}", "Name the file of a CloudFormation template")
        self._path = path
        self._document = yaml.load(path.read_text(), _CloudFormationLoader)
        # Templates that this one names by their files, by the logical ids of their stacks.
        self.nested = {
            logical_id: Template((path.parent / resource["Properties"]["TemplateURL"]).resolve())
            for logical_id, resource in self._document["Resources"].items()
            if resource["Type"] == NESTED_TYPE and _is_file(resource.get("Properties", {}).get("TemplateURL"))
        }

    @property
    def parameters(self) -> set[str]:
        return set(self._document.get("Parameters", {}))

    def functions(self) -> list[FunctionCode]:
        """Those of the template itself, without those of nested ones."""
        found = []
        for logical_id, resource in self._document["Resources"].items():
            code = resource.get("Properties", {}).get("CodeUri")
            if resource["Type"] == FUNCTION_TYPE and isinstance(code, str) and not code.startswith("s3://"):
                bootstrap = (self._path.parent / code / "bootstrap").resolve()
                if not bootstrap.is_file():
                    raise Problem(f"the code of {logical_id} is missing ({code}/bootstrap)", BUILD_REMEDY)
                found.append(FunctionCode(logical_id, bootstrap))
        return found

    def functions_with_nested(self) -> list[FunctionCode]:
        return self.functions() + [one for nested in self.nested.values() for one in nested.functions_with_nested()]

    def with_account_in_conditions(self, account: str) -> None:
        """For a local AWS: MiniStack resolves AWS::AccountId everywhere but in conditions."""
        for nested in self.nested.values():
            nested.with_account_in_conditions(account)
        if "Conditions" in self._document:
            self._document["Conditions"] = _replaced(self._document["Conditions"], {"Ref": "AWS::AccountId"}, account)

    def set_variables(self, variables: dict[str, str], stack_name: str) -> None:
        """More environment variables for each function; `{stack}` and `{function}` in them stand for both names."""
        for nested in self.nested.values():
            nested.set_variables(variables, stack_name)
        for logical_id, resource in self._document["Resources"].items():
            if resource["Type"] == FUNCTION_TYPE:
                environment = resource["Properties"].setdefault("Environment", {}).setdefault("Variables", {})
                for name, value in variables.items():
                    environment[name] = value.replace("{stack}", stack_name).replace("{function}", logical_id)

    def packaged(self, bucket: str, keys: dict[str, str], urls: dict[str, str]) -> str:
        """The template as JSON, with each function's code in the bucket, and each nested template at its URL."""
        for logical_id, url in urls.items():
            self._document["Resources"][logical_id]["Properties"]["TemplateURL"] = url
        for logical_id, key in keys.items():
            self._document["Resources"][logical_id]["Properties"]["CodeUri"] = {"Bucket": bucket, "Key": key}
        return json.dumps(self._document, separators=(",", ":"), default=str)


def built_for(functions: list[FunctionCode]) -> str | None:
    """The one processor that all functions were built for; None when none says."""
    architectures = {function.architecture() for function in functions} - {None}
    if len(architectures) > 1:
        raise Problem(
            f"the functions were built for different processors ({', '.join(sorted(architectures))})", BUILD_REMEDY
        )
    return architectures.pop() if architectures else None


def _is_file(template) -> bool:
    """As for `aws cloudformation package`: what is no URL is a path, from the folder of the template that names it."""
    return isinstance(template, str) and "://" not in template


def _replaced(value, wanted: dict, replacement: str):
    if value == wanted:
        return replacement
    if isinstance(value, dict):
        return {name: _replaced(member, wanted, replacement) for name, member in value.items()}
    if isinstance(value, list):
        return [_replaced(member, wanted, replacement) for member in value]
    return value


def _sha256(stream) -> str:
    digest = hashlib.sha256()
    while chunk := stream.read(1 << 20):
        digest.update(chunk)
    return digest.hexdigest()


class _CloudFormationLoader(yaml.SafeLoader):
    """Reads `!Ref x` as {"Ref": "x"} and `!Sub x` as {"Fn::Sub": "x"}, which is how CloudFormation reads them."""

    def function(self, name: str, node):
        if isinstance(node, yaml.ScalarNode):
            value = self.construct_scalar(node)
            if name == "GetAtt":
                value = value.split(".", 1)
        elif isinstance(node, yaml.SequenceNode):
            value = self.construct_sequence(node, deep=True)
        else:
            value = self.construct_mapping(node, deep=True)
        return {name if name in ("Ref", "Condition") else f"Fn::{name}": value}


_CloudFormationLoader.add_multi_constructor("!", _CloudFormationLoader.function)
# "2012-10-17" is a version here, not a date.
_CloudFormationLoader.add_constructor("tag:yaml.org,2002:timestamp", yaml.SafeLoader.construct_yaml_str)

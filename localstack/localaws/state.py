"""The state directory of one local AWS: what runs, where, and its log. Two directories, two instances."""

import contextlib
import dataclasses
import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

REGION = "us-east-1"


@dataclasses.dataclass(frozen=True)
class Instance:
    """A local AWS that was started."""

    local_aws: str
    endpoint: str
    port: int
    region: str = REGION
    # Of a process started here; empty for one that Docker keeps.
    pid: int | None = None
    pid_identity: str = ""
    # The Compose project; empty for a process.
    compose_project: str = ""
    # Where functions find it, if not at its endpoint; and the proxy that is there.
    functions_endpoint: str = ""
    faults_pid: int | None = None
    faults_pid_identity: str = ""


class StateDir:
    def __init__(self, path: Path):
        self.path = path.absolute()
        self.log = self.path / "local-aws.log"
        self.fault_log = self.path / "faults.log"
        self.scratch = self.path / "scratch"
        self._record = self.path / "instance.json"

    def read(self) -> Instance | None:
        try:
            return Instance(**json.loads(self._record.read_text()))
        except FileNotFoundError:
            return None

    def write(self, instance: Instance) -> None:
        # Whoever reads the record while it is written sees the old one or the new one, never half of one.
        draft = self._record.with_suffix(".draft")
        draft.write_text(json.dumps(dataclasses.asdict(instance), indent=2) + "\n")
        draft.replace(self._record)

    def forget(self) -> None:
        """What was recorded has ended; its log stays."""
        self._record.unlink(missing_ok=True)

    def wipe(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)

    def log_tail(self, lines: int = 15) -> str:
        try:
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        except FileNotFoundError:
            return "(no log)"

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """One `up` or `down` at a time; a second one waits for the first."""
        while True:
            self.path.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.path, os.O_RDONLY)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX)
                if self._is_still(handle):
                    yield
                    return
            finally:
                os.close(handle)

    def _is_still(self, handle: int) -> bool:
        """Whether the directory was not wiped and made anew while this process waited for the lock."""
        try:
            return os.path.samestat(os.fstat(handle), self.path.stat())
        except FileNotFoundError:
            return False

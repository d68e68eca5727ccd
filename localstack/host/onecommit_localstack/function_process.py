"""One process of a function."""

import subprocess
import threading
from concurrent.futures import FIRST_COMPLETED, Future, wait
from pathlib import Path

from onecommit_localstack.function_log import FunctionLog
from onecommit_localstack.runtime_api import RuntimeApi


class FunctionProcess:
    """Runs until it ends by itself or is killed; `has_ended` then tells how."""

    def __init__(self, code: Path, environment: dict[str, str], log: FunctionLog):
        self.api = RuntimeApi()
        self.has_ended: Future[str] = Future()
        try:
            with log.to_write() as output:
                self._process = subprocess.Popen(
                    [code / "bootstrap"],
                    cwd=code,
                    env=environment | {"LAMBDA_TASK_ROOT": str(code), "AWS_LAMBDA_RUNTIME_API": self.api.address},
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                )
        except OSError:
            self.api.close()
            raise
        threading.Thread(target=self._tell_when_it_ends, name="lambda-process", daemon=True).start()

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def is_ready_within(self, seconds: float) -> bool:
        """Whether it asked for an invocation before it ended and before the time was over."""
        wait([self.api.is_ready, self.has_ended], seconds, FIRST_COMPLETED)
        return self.api.is_ready.done()

    def kill(self) -> None:
        """Lambda does not ask either, unless the function has extensions."""
        self._process.kill()
        self.has_ended.result()

    def _tell_when_it_ends(self) -> None:
        code = self._process.wait()
        self.has_ended.set_result(f"signal {-code}" if code < 0 else f"exit status {code}")
        self.api.close()

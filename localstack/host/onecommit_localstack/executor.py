"""Runs Lambda functions on a `provided` runtime as processes of this machine.

LocalStack makes one executor for each execution environment and hands it one invocation at a time. The executor keeps
one process for all of them, and starts another when that one is gone: killed from outside, killed because it took too
long, or ended by itself.
"""

import sys
import tempfile
import threading
import time
from concurrent.futures import FIRST_COMPLETED, wait
from pathlib import Path

from localstack import config
from localstack.services.lambda_.invocation.lambda_models import FunctionVersion, InvocationResult
from localstack.services.lambda_.invocation.runtime_executor import LambdaRuntimeException, RuntimeExecutor

from onecommit_localstack import environment
from onecommit_localstack.function_log import FunctionLog
from onecommit_localstack.function_process import FunctionProcess
from onecommit_localstack.runtime_api import HOST, Answer, Invocation, error

# A function has so long to ask for its first invocation, or its own timeout if that is longer.
INIT_TIMEOUT_S = 60.0


class HostExecutor(RuntimeExecutor):
    def __init__(self, id: str, function_version: FunctionVersion):
        super().__init__(id, function_version)
        self._name = function_version.id.function_name
        self._timeout_s = function_version.config.timeout
        self._environment: dict[str, str] = {}
        self._log = FunctionLog(Path(tempfile.gettempdir()) / f"{self._name}-{id}.log")
        self._process: FunctionProcess | None = None
        self._is_stopped = False
        # A process must not be started while the environment is being stopped.
        self._changing_process = threading.Lock()

    # ------------------------------------------------------------ what LocalStack asks for

    def start(self, env_vars: dict[str, str]) -> None:
        """The process starts with the first invocation, as every later one does: what it writes while it starts, and
        that it did not start, then belong to that invocation."""
        self._environment = environment.of_function(env_vars, self.function_version.config.environment)

    def invoke(self, payload: dict[str, str]) -> InvocationResult:
        request_id, begun = payload["invoke-id"], time.monotonic()
        answer = self._answer(payload)
        took_ms = (time.monotonic() - begun) * 1000
        log = f"{self._log.fresh()}REPORT RequestId: {request_id}\tDuration: {took_ms:.2f} ms\n"
        # Shows in LocalStack's own log too, whatever level that has.
        sys.stdout.write("".join(f"{self._name}: {line}\n" for line in log.splitlines()))
        return InvocationResult(request_id, answer.body, is_error=answer.is_error, logs=log)

    def stop(self) -> None:
        with self._changing_process:
            self._is_stopped = True
            if self._process:
                self._process.kill()
        self._log.delete()

    def get_logs(self) -> str:
        return self._log.fresh()

    def get_address(self) -> str:
        return HOST

    def get_endpoint_from_executor(self) -> str:
        return HOST

    def get_runtime_endpoint(self) -> str:
        return f"http://{HOST}:{config.GATEWAY_LISTEN[0].port}/_localstack_lambda/{self.id}"

    @classmethod
    def prepare_version(cls, function_version: FunctionVersion) -> None:
        runtime = function_version.config.runtime or "that of an image"
        if not runtime.startswith("provided"):
            raise LambdaRuntimeException(
                f"the function {function_version.id.function_name} has the runtime {runtime}; without Docker only "
                "those run that bring a bootstrap. Take the runtime provided.al2023, or LocalStack in Docker"
            )
        function_version.config.code.prepare_for_execution()

    @classmethod
    def cleanup_version(cls, function_version: FunctionVersion) -> None:
        """Processes end with their executors; LocalStack deletes the code."""

    # ------------------------------------------------------------ one invocation

    def _answer(self, payload: dict[str, str]) -> Answer:
        request_id = payload["invoke-id"]
        try:
            process = self._running_process()
        except OSError as problem:
            return error("Runtime.InvalidEntrypoint", f"RequestId: {request_id} Error: {problem}")
        if not process.is_ready_within(max(INIT_TIMEOUT_S, self._timeout_s)):
            failure = self._failure(request_id, process)
            return process.api.init_error or failure
        invocation = Invocation(
            request_id=request_id,
            function_arn=payload["invoked-function-arn"],
            trace_id=payload.get("trace-id", ""),
            deadline_ms=int((time.time() + self._timeout_s) * 1000),
            payload=payload["payload"].encode(),
        )
        process.api.hand_over(invocation)
        wait([invocation.answer, process.has_ended], self._timeout_s, FIRST_COMPLETED)
        # What was cancelled can no longer be answered. What has its answer cannot be cancelled.
        if invocation.answer.cancel():
            return self._failure(request_id, process)
        return invocation.answer.result()

    def _running_process(self) -> FunctionProcess:
        with self._changing_process:
            if self._is_stopped:
                raise LambdaRuntimeException(f"this environment of {self._name} was stopped")
            if self._process is None or not self._process.is_running:
                code = Path(self.function_version.config.code.get_unzipped_code_location())
                self._process = FunctionProcess(code, self._environment, self._log)
            return self._process

    def _failure(self, request_id: str, process: FunctionProcess) -> Answer:
        """Why a process gave no answer, in Lambda's words. One that is still running took too long, and is killed."""
        if process.has_ended.done():
            how = process.has_ended.result()
            return error("Runtime.ExitError", f"RequestId: {request_id} Error: Runtime exited with error: {how}")
        process.kill()
        message = f"RequestId: {request_id} Error: Task timed out after {self._timeout_s:.2f} seconds"
        return error("Sandbox.Timedout", message)

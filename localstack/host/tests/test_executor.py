"""What a function on the host may rely on. Run by `make test-localstack`."""

import json
import os
import sys
import tempfile
import unittest
import uuid
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

from localstack.services.lambda_.invocation.runtime_executor import LambdaRuntimeException
from onecommit_localstack.executor import HostExecutor

FUNCTION = Path(__file__).with_name("bootstrap.py").read_text()


class Environment:
    """An execution environment as LocalStack makes one, with the function beside this file."""

    def __init__(self, timeout_s: int = 60, own: dict[str, str] | None = None):
        self.folder = tempfile.TemporaryDirectory()
        bootstrap = Path(self.folder.name) / "bootstrap"
        bootstrap.write_text(f"#!{sys.executable}\n{FUNCTION}")
        bootstrap.chmod(0o755)
        code = SimpleNamespace(get_unzipped_code_location=lambda: self.folder.name)
        config = SimpleNamespace(timeout=timeout_s, environment=own, code=code)
        version = SimpleNamespace(id=SimpleNamespace(function_name="on-the-host"), config=config)
        self.executor = HostExecutor(uuid.uuid4().hex, version)
        handed_over = {"AWS_LAMBDA_FUNCTION_NAME": "on-the-host", "LOCALSTACK_HOSTNAME": "here", "EDGE_PORT": 1}
        self.executor.start(handed_over | (own or {}))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.executor.stop()
        self.folder.cleanup()

    def ask(self, wish: str):
        result = self.executor.invoke(
            {"invoke-id": uuid.uuid4().hex, "invoked-function-arn": "arn", "payload": json.dumps(wish)}
        )
        return result, json.loads(result.payload)


class ExecutorTest(unittest.TestCase):
    def test_a_process_stays_for_later_invocations(self):
        with Environment() as environment:
            (_, first), (_, second) = environment.ask("pid"), environment.ask("pid")
        self.assertEqual(first, second)

    def test_a_process_that_was_killed_is_replaced(self):
        with Environment() as environment:
            _, first = environment.ask("pid")
            os.kill(first, 9)
            environment.executor._process.has_ended.result()
            result, second = environment.ask("pid")
        self.assertFalse(result.is_error)
        self.assertNotEqual(first, second)

    def test_an_invocation_whose_process_ends_fails_and_the_next_one_gets_another(self):
        with Environment() as environment:
            failed, told = environment.ask("exit")
            result, _ = environment.ask("pid")
        self.assertTrue(failed.is_error)
        self.assertEqual(told["errorType"], "Runtime.ExitError")
        self.assertIn("exit status 3", told["errorMessage"])
        self.assertFalse(result.is_error)

    def test_an_invocation_that_takes_too_long_fails_and_its_process_is_killed(self):
        with Environment(timeout_s=1) as environment:
            failed, told = environment.ask("hang")
            how = environment.executor._process.has_ended.result()
            result, _ = environment.ask("pid")
        self.assertTrue(failed.is_error)
        self.assertEqual(told["errorType"], "Sandbox.Timedout")
        self.assertEqual(how, "signal 9")
        self.assertFalse(result.is_error)

    def test_an_answer_larger_than_lambda_takes_is_refused(self):
        with Environment() as environment:
            failed, told = environment.ask("too much")
            later, _ = environment.ask("pid")
        self.assertTrue(failed.is_error)
        self.assertEqual(told["errorType"], "Function.ResponseSizeTooLarge")
        self.assertIn("refused with 413", failed.logs + later.logs)

    def test_a_function_that_does_not_start_says_why(self):
        with Environment(own={"DOES_NOT_START": "1"}) as environment:
            failed, told = environment.ask("pid")
        self.assertTrue(failed.is_error)
        self.assertEqual(told, {"errorType": "Own", "errorMessage": "there is no table"})

    def test_a_function_whose_bootstrap_is_no_program_says_so(self):
        with Environment() as environment:
            (Path(environment.folder.name) / "bootstrap").write_text("no program")
            failed, told = environment.ask("pid")
        self.assertTrue(failed.is_error)
        self.assertEqual(told["errorType"], "Runtime.InvalidEntrypoint")

    def test_a_function_gets_lambdas_environment_and_its_own_and_nothing_of_the_developers(self):
        developers = {"AWS_PROFILE": "production", "AWS_SECRET_ACCESS_KEY": "theirs", "HTTPS_PROXY": "http://proxy"}
        with patch.dict(os.environ, developers), Environment(own={"TABLE": "orders"}) as environment:
            _, seen = environment.ask("environment")
        # Of the interpreter that runs the function.
        seen.pop("LC_CTYPE", None)
        of_lambda = {"AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT", "LANG", "PATH"}
        self.assertEqual(seen.keys(), of_lambda | {"TABLE"})

    def test_what_a_function_writes_belongs_to_its_invocation_and_is_told_once(self):
        with Environment() as environment:
            (first, _), (second, _) = environment.ask("pid"), environment.ask("environment")
        self.assertEqual(first.logs.count("asked for pid"), 1)
        self.assertNotIn("asked for pid", second.logs)
        self.assertIn("asked for environment", second.logs)

    def test_an_environment_that_was_stopped_starts_nothing_any_more(self):
        with Environment() as environment:
            environment.ask("pid")
            process = environment.executor._process
            environment.executor.stop()
            self.assertFalse(process.is_running)
            with self.assertRaises(LambdaRuntimeException):
                environment.ask("pid")


if __name__ == "__main__":
    unittest.main()

"""What LocalStack finds by entry point. It imports this early, so nothing heavy is imported here."""

from localstack.services.lambda_.invocation.plugins import RuntimeExecutorPlugin


class HostExecutorPlugin(RuntimeExecutorPlugin):
    """`LAMBDA_RUNTIME_EXECUTOR=host`."""

    name = "host"

    def load(self, *_, **__):
        from onecommit_localstack.executor import HostExecutor

        return HostExecutor

#!/usr/bin/env python3
"""Runs a local AWS and deploys the stack, to it or to an AWS account. The Makefile calls this; so do the tests."""

import sys

if sys.version_info < (3, 10):
    sys.exit(
        f"Python 3.10 or newer is needed, this is {sys.version.split()[0]}. Name another: PYTHON=python3.12 make up"
    )

import argparse
import json
import os
import signal
import subprocess
import time
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from localaws import (
    authority,
    faults,
    functionlogs,
    localstack_docker,
    localstack_host,
    ministack,
    storefront,
    traces,
    worker,
    zipkin,
)
from localaws.aws import LOCAL_STAGE, for_stage
from localaws.console import note
from localaws.deployment import ROOT, TEMPLATE, Request, deploy
from localaws.problem import Problem
from localaws.stack import Stack
from localaws.state import Instance, StateDir

BACKENDS = {backend.NAME: backend for backend in (ministack, localstack_docker, localstack_host)}
DEFAULT_LOCAL_AWS = ministack.NAME
DEFAULT_PORT = 4566
STATE_DIR = ROOT / "build" / "local-aws"
WORKER = ROOT / "target" / "debug" / "worker"
FRONT_DOOR = ROOT / "target" / "debug" / "bff"
LOG_LOOKBACK_S = 3600
ZIPKIN_PORT = 9411
PICTURE = ROOT / "build" / "trace" / "trace.png"


def main(arguments: list[str]) -> int:
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
        return 0
    except Problem as problem:
        note(f"error: {problem}")
    except (ClientError, BotoCoreError) as error:
        note(f"error: AWS refused or did not answer: {error}")
    except KeyboardInterrupt:
        note("interrupted")
    return 1


def run_up(options: argparse.Namespace) -> None:
    state = StateDir(options.state_dir)
    with state.locked():
        known = state.read()
        if known and BACKENDS[known.local_aws].is_up(known) and faults.is_up(known):
            _require_same(known, options)
            _print_instance(known, options, "is already up")
            return
        if known:
            note(f"{known.local_aws} is recorded as up but does not answer; clearing what it left")
            _end(known)
        backend = BACKENDS[options.local_aws or DEFAULT_LOCAL_AWS]
        port = DEFAULT_PORT if options.port is None else options.port
        if options.functions_endpoint is not None:
            instance = _up_behind(backend, state, port, options.functions_endpoint)
        elif options.fault_seed is None:
            instance = backend.up(state, port)
        else:
            instance = _up_with_faults(backend, state, port, options.fault_seed)
        _print_instance(instance, options, "is up")


def run_down(options: argparse.Namespace) -> None:
    state = StateDir(options.state_dir)
    with state.locked():
        known = state.read()
        if known:
            _end(known)
        state.wipe()
    note(f"{known.local_aws} at {known.endpoint} is down, its state is wiped" if known else "no local AWS was up")


def run_status(options: argparse.Namespace) -> None:
    known = StateDir(options.state_dir).read()
    up = bool(known) and BACKENDS[known.local_aws].is_up(known)
    stack = Stack(for_stage(LOCAL_STAGE, options.state_dir), _stack_name(options)).describe() if up else None
    status = {
        "up": up,
        "localAws": known.local_aws if known else None,
        "endpoint": known.endpoint if known else None,
        "pid": known.pid if known else None,
        "stack": _stack_name(options) if stack else None,
        "stackStatus": stack["StackStatus"] if stack else None,
    }
    if options.json:
        print(json.dumps(status))
    elif not up:
        print("no local AWS is up; start one: make up")
    else:
        print(f"{known.local_aws} is up at {known.endpoint}" + (f" (process {known.pid})" if known.pid else ""))
        print(
            f"stack {_stack_name(options)}: {status['stackStatus']}"
            if stack
            else "nothing is deployed; deploy: make deploy"
        )


def run_logs(options: argparse.Namespace) -> None:
    if options.source == "local-aws":
        _show_own_log(options)
        return
    aws = for_stage(_stage(options), options.state_dir)
    if options.source == "everything":
        for line in functionlogs.everything(aws):
            print(line)
        return
    outputs = Stack(aws, _stack_name(options)).outputs()
    suffix = "FunctionName"
    functions = {key.removesuffix(suffix).lower(): name for key, name in outputs.items() if key.endswith(suffix)}
    functionlogs.show(aws, functions, int((time.time() - LOG_LOOKBACK_S) * 1000), options.lines, options.follow)


def run_trace(options: argparse.Namespace) -> None:
    aws = for_stage(_stage(options), options.state_dir)
    names = Stack(aws, _stack_name(options)).outputs()
    since_ms = int((time.time() - LOG_LOOKBACK_S) * 1000)
    groups = {
        group
        for key, name in names.items()
        if key.endswith("FunctionName")
        for group in functionlogs.log_groups(aws, name)
    }
    lines = (event["message"] for event in functionlogs.events(aws, sorted(groups), since_ms))
    trace = traces.last_order(traces.spans_in(lines))
    if not trace:
        raise Problem("no order was placed in the last hour, or its trace is off", "Place one: make demo")
    note(f"trace {trace[0].trace_id}: {len(trace)} spans, {traces.depth(trace)} deep")
    if options.spans:
        options.spans.write_text(json.dumps(traces.to_zipkin(trace), indent=2) + "\n")
    with zipkin.running(options.zipkin, options.port) as address:
        page = zipkin.show(address, traces.to_zipkin(trace))
        print(page, flush=True)
        if zipkin.take_picture(page, options.picture, len(trace)):
            note(f"saved as {options.picture}")
        if not options.once:
            note("Zipkin runs until Ctrl-C")
            signal.pause()


def run_check(options: argparse.Namespace) -> None:
    aws = for_stage(_stage(options), options.state_dir)
    identity = aws.client("sts").get_caller_identity()
    # Whoever may not look at the stack may not deploy it either.
    Stack(aws, _stack_name(options)).describe()
    where = aws.endpoint or f"account {identity['Account']}, region {aws.region}"
    note(f"{_stack_name(options)} can be deployed to {where}, by {identity['Arn']}")


def run_deploy(options: argparse.Namespace) -> None:
    if options.template and not options.stack_name:
        # The default is the stack of the default template: another template would replace all that is in it.
        raise Problem("a template of your own needs a stack of its own", "Name the stack: STACK_NAME=...")
    begun = time.monotonic()
    deployed = deploy(
        Request(
            _stage(options),
            _stack_name(options),
            options.state_dir,
            options.artifact_bucket or None,
            dict(options.parameter),
            options.template or TEMPLATE,
            dict(options.tag),
            dict(options.function_variable),
        )
    )
    outcome = "is deployed" if deployed.changed else "has nothing to change"
    note(f"{_stack_name(options)} {outcome} ({time.monotonic() - begun:.1f} s)")
    _print_mapping(deployed.outputs, options)


def run_outputs(options: argparse.Namespace) -> None:
    _print_mapping(Stack(for_stage(_stage(options), options.state_dir), _stack_name(options)).outputs(), options)


def run_authority(options: argparse.Namespace) -> None:
    print(json.dumps(authority.describe(for_stage(_stage(options), options.state_dir), _stack_name(options))))


def run_worker(options: argparse.Namespace) -> None:
    aws = for_stage(_stage(options), options.state_dir)
    worker.run(options.binary, aws, Stack(aws, _stack_name(options)).outputs(), options.queue)


def run_storefront(options: argparse.Namespace) -> None:
    if _stage(options) != LOCAL_STAGE:
        raise Problem("only the stage local signs anybody in", "Run it there: make storefront")
    aws = for_stage(LOCAL_STAGE, options.state_dir)
    storefront.run(options.binary, Stack(aws, _stack_name(options)).outputs(), options.port, options.browser)


def _up_with_faults(backend, state: StateDir, port: int, seed: int) -> Instance:
    if backend is not ministack:
        raise Problem(f"functions of {backend.NAME} cannot be sent through a proxy", "Take MiniStack for faults")
    proxy = faults.FaultProxy.on_free_port(seed)
    return proxy.start(state, ministack.up(state, port, proxy.function_environment()))


def _up_behind(backend, state: StateDir, port: int, functions_endpoint: str) -> Instance:
    if backend is not ministack:
        raise Problem(f"functions of {backend.NAME} cannot be sent through a proxy", "Take MiniStack for it")
    return ministack.up(state, port, {"AWS_ENDPOINT_URL": functions_endpoint})


def _end(instance: Instance) -> None:
    faults.end(instance)
    BACKENDS[instance.local_aws].down(instance)


def _require_same(known: Instance, options: argparse.Namespace) -> None:
    """Another kind or port was asked for: say so instead of handing out what happens to run."""
    if options.local_aws not in (None, known.local_aws):
        raise Problem(f"{known.local_aws} is up, not {options.local_aws}", "End it first: make down")
    if options.port not in (None, 0, known.port):
        raise Problem(f"{known.local_aws} is up on port {known.port}, not {options.port}", "End it first: make down")
    if options.fault_seed is not None and not known.functions_endpoint:
        raise Problem(f"{known.local_aws} is up without a proxy for faults", "End it first: make down")


def _print_instance(instance: Instance, options: argparse.Namespace, state: str) -> None:
    if options.json:
        print(
            json.dumps(
                {
                    "localAws": instance.local_aws,
                    "endpoint": instance.endpoint,
                    "functionsEndpoint": instance.functions_endpoint or instance.endpoint,
                    "region": instance.region,
                    "pid": instance.pid,
                }
            )
        )
    else:
        print(f"{instance.local_aws} {state} at {instance.endpoint}")
        if instance.functions_endpoint:
            print(f"functions reach it at {instance.functions_endpoint}; set rules at /_microburst/rules there")


def _print_mapping(mapping: dict[str, str], options: argparse.Namespace) -> None:
    if options.json:
        print(json.dumps(mapping))
        return
    width = max(map(len, mapping), default=0)
    for key, value in sorted(mapping.items()):
        print(f"{key:<{width}}  {value}")


def _show_own_log(options: argparse.Namespace) -> None:
    state = StateDir(options.state_dir)
    known = state.read()
    if known is None:
        raise Problem("no local AWS is up, so there is no log", "Start one: make up")
    if known.compose_project:
        subprocess.run(
            localstack_docker.logs_command(known, options.lines, options.follow),
            env=localstack_docker.environment(known),
        )
    else:
        subprocess.run(["tail", "-n", str(options.lines), *(["-f"] if options.follow else []), str(state.log)])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    up = _command(commands, "up", run_up, "start the local AWS and wait until it answers", json_output=True)
    _option(
        up,
        "--local-aws",
        env="LOCAL_AWS",
        type=_local_aws,
        help=f"which one ({', '.join(BACKENDS)}); {DEFAULT_LOCAL_AWS}",
    )
    _option(up, "--port", env="LOCAL_AWS_PORT", type=_port, help=f"0 picks a free one; {DEFAULT_PORT}")
    _option(
        up,
        "--fault-seed",
        env="FAULT_SEED",
        type=int,
        help="let functions reach it through a proxy that can put faults on the wire, with this seed for its dice",
    )

    up.add_argument("--functions-endpoint", help="where functions are told that AWS is: a proxy before it")

    _command(commands, "down", run_down, "end it and wipe its state")

    status = _command(commands, "status", run_status, "what is up, and what is deployed there", json_output=True)
    _add_stack_options(status)

    logs = _command(commands, "logs", run_logs, "log lines of the deployed functions")
    _add_stack_options(logs)
    logs.add_argument(
        "--source", choices=["functions", "everything", "local-aws"], default="functions", help="whose log; functions"
    )
    logs.add_argument("--lines", type=int, default=100, help="how many of the newest lines; 100")
    logs.add_argument("--follow", action="store_true", help="keep showing new lines")

    tracing = _command(commands, "trace", run_trace, "show the trace of the last order in Zipkin")
    _add_stack_options(tracing)
    tracing.add_argument("--zipkin", type=Path, required=True, help="Zipkin's executable jar")
    tracing.add_argument("--port", type=_port, default=ZIPKIN_PORT, help=f"0 picks a free one; {ZIPKIN_PORT}")
    tracing.add_argument(
        "--picture", type=Path, default=PICTURE, help="where Chromium, if there is one, saves the page"
    )
    tracing.add_argument("--spans", type=Path, help="where the spans are saved, in Zipkin's form")
    tracing.add_argument("--once", action="store_true", help="end Zipkin when the picture is taken")

    checking = _command(
        commands, "check", run_check, "whether region, credentials and rights for a deployment are there"
    )
    _add_stack_options(checking)

    deploying = _command(commands, "deploy", run_deploy, "package the functions and deploy the stack", json_output=True)
    _add_stack_options(deploying)
    _option(deploying, "--template", env="TEMPLATE", type=Path, help=f"what to deploy; {TEMPLATE.relative_to(ROOT)}")
    _option(deploying, "--artifact-bucket", env="ARTIFACT_BUCKET", help="bucket for code; one is made if not given")
    deploying.add_argument(
        "--parameter",
        type=_key_value,
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="of the template; repeatable",
    )
    deploying.add_argument(
        "--tag",
        type=_key_value,
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="of the stack and all that is in it; repeatable. Without any, a stack keeps its tags",
    )
    deploying.add_argument(
        "--function-variable",
        type=_key_value,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="for each function's environment; {stack} and {function} in it stand for their names; repeatable",
    )

    describing = _command(commands, "authority", run_authority, "roles and policies of the deployed stack, as JSON")
    _add_stack_options(describing)

    outputs = _command(commands, "outputs", run_outputs, "the outputs of the deployed stack", json_output=True)
    _add_stack_options(outputs)

    working = _command(commands, "worker", run_worker, "run the worker on a queue of the deployed stack")
    _add_stack_options(working)
    working.add_argument("--binary", type=Path, default=WORKER, help="the worker; target/debug/worker")
    working.add_argument(
        "--queue", choices=list(worker.QUEUES), default="standard", help="which queue it takes messages from; standard"
    )

    opening = _command(commands, "storefront", run_storefront, "run the storefront's pages on the deployed stack")
    _add_stack_options(opening)
    opening.add_argument("--binary", type=Path, default=FRONT_DOOR, help="the front door; target/debug/bff")
    opening.add_argument("--port", type=_port, default=storefront.PORT, help=f"of its address; {storefront.PORT}")
    opening.add_argument(
        "--no-browser", dest="browser", action="store_false", help="print the address, and open no browser"
    )
    return parser


def _command(commands, name: str, run, help_text: str, json_output: bool = False) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=help_text, description=help_text)
    command.set_defaults(run=run)
    command.add_argument(
        "--state-dir", type=Path, default=STATE_DIR, help="which instance: two directories are two; build/local-aws"
    )
    if json_output:
        command.add_argument("--json", action="store_true", help="print JSON")
    return command


def _add_stack_options(command: argparse.ArgumentParser) -> None:
    _option(command, "--stage", env="STAGE", help="`local`, or a stage in the AWS account of your credentials; local")
    _option(command, "--stack-name", env="STACK_NAME", help="onecommit-STAGE")


def _option(command: argparse.ArgumentParser, flag: str, env: str, help: str, **arguments) -> None:
    """An option that an environment variable sets as well. An empty variable counts as not set."""
    command.add_argument(flag, default=os.environ.get(env) or None, help=f"{help} (also {env})", **arguments)


def _stage(options: argparse.Namespace) -> str:
    return options.stage or LOCAL_STAGE


def _stack_name(options: argparse.Namespace) -> str:
    return options.stack_name or f"onecommit-{_stage(options)}"


def _local_aws(text: str) -> str:
    if text not in BACKENDS:
        raise argparse.ArgumentTypeError(f"there is no local AWS named {text!r}; there is {', '.join(BACKENDS)}")
    return text


def _port(text: str) -> int:
    if not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port; give a number from 0 (any free one) to 65535")
    return int(text)


def _key_value(text: str) -> tuple[str, str]:
    key, separator, value = text.partition("=")
    if not separator or not key:
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=VALUE")
    return key, value


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

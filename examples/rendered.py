"""Makes a project of examples/consumer with cargo-lambda, and checks what comes out.

`cargo test` checks with the same template language that cargo-generate gets the same files.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "examples" / "consumer"
NAME = "parcels"
# Files that speak to the tools, and not to the project.
OF_TOOLS = {"CargoLambda.toml", "cargo-generate.toml"}


def run(*command: str, folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        sys.exit(f"error: {' '.join(command)} ended with exit code {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def main() -> None:
    tool = shutil.which("cargo-lambda", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    if tool is None:
        sys.exit("error: there is no cargo-lambda; `make example` installs it")
    wrong = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        library = f"onecommit={ROOT.as_posix()}"
        options = ("--template", str(EXAMPLE), "--no-interactive", "--render-var", library)
        run(tool, "lambda", "new", NAME, *options, folder=folder)
        project = folder / NAME
        expected = {path.relative_to(EXAMPLE) for path in EXAMPLE.rglob("*") if path.is_file()}
        expected = {path for path in expected if path.parts[0] != "target" and path.name not in OF_TOOLS}
        made = {path.relative_to(project) for path in project.rglob("*") if path.is_file()}
        if made != expected:
            wrong.append(f"files differ: {sorted(map(str, made ^ expected))}")
        for path in sorted(made):
            text = (project / path).read_text()
            if "{%" in text or "{{" in text:
                wrong.append(f"{path} still has a placeholder")
        template = (project / "template.yaml").read_text()
        for line in (f"CodeUri: target/lambda/{NAME}", f"ConsumerName: {NAME}", f"CONSUMER_NAME: {NAME}"):
            if template.count(line) != 1:
                wrong.append(f"template.yaml does not say `{line}` once")
        # The lock file still has the name of the example; cargo puts that right by itself.
        metadata = json.loads(run("cargo", "metadata", "--format-version=1", folder=project))
        package = next(package for package in metadata["packages"] if package["id"] == metadata["resolve"]["root"])
        if package["name"] != NAME or [target["name"] for target in package["targets"]] != [NAME]:
            wrong.append(f"the package is {package['name']}, not {NAME}")
        sources = {one["name"]: one["manifest_path"] for one in metadata["packages"]}
        if not sources["onecommit"].startswith(str(ROOT)):
            wrong.append(f"the library comes from {sources['onecommit']}")
        lint = Path(sys.executable).parent / "cfn-lint"
        run(str(lint), "template.yaml", "consumer.yaml", folder=project)
    if wrong:
        sys.exit("\n".join(wrong))
    print(f"cargo-lambda makes a project of {EXAMPLE.relative_to(ROOT)}")


main()

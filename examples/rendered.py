"""Makes a project of examples/consumer with cargo-lambda, and checks what comes out.

cargo-generate has the same template language, and gives the name as `project-name` instead of `project_name`.
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
# Files that speak to the tools, and not to the project.
OF_TOOLS = {"CargoLambda.toml", "cargo-generate.toml"}


def run(*command: str, folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        sys.exit(f"error: {' '.join(command)} ended with exit code {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def problems(folder: Path, name: str, *options: str) -> list[str]:
    """What is wrong with the project that cargo-lambda makes in this folder."""
    wrong = []
    run(TOOL, "lambda", "new", "made", "--template", str(EXAMPLE), "--no-interactive", *options, folder=folder)
    project = folder / "made"
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
    for line in (f"CodeUri: target/lambda/{name}", f"ConsumerName: {name}", f"CONSUMER_NAME: {name}"):
        if template.count(line) != 1:
            wrong.append(f"template.yaml does not say `{line}` once")
    # The lock file still has the name of the example; cargo puts that right by itself.
    metadata = json.loads(run("cargo", "metadata", "--format-version=1", folder=project))
    package = next(package for package in metadata["packages"] if package["id"] == metadata["resolve"]["root"])
    if package["name"] != name or [target["name"] for target in package["targets"]] != [name]:
        wrong.append(f"the package is {package['name']}, not {name}")
    sources = {one["name"]: one["manifest_path"] for one in metadata["packages"]}
    if not sources["onecommit"].startswith(str(ROOT)):
        wrong.append(f"the library comes from {sources['onecommit']}")
    run(str(Path(sys.executable).parent / "cfn-lint"), "template.yaml", "consumer.yaml", folder=project)
    return wrong


def manifest_without_library(folder: Path) -> str:
    run(TOOL, "lambda", "new", "made", "--template", str(EXAMPLE), "--no-interactive", folder=folder)
    return (folder / "made" / "Cargo.toml").read_text()


TOOL = shutil.which("cargo-lambda", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
if TOOL is None:
    sys.exit("error: there is no cargo-lambda; `make example` installs it")
LIBRARY = ("--render-var", f"onecommit={ROOT.as_posix()}")
found = []
with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two, tempfile.TemporaryDirectory() as three:
    found += problems(Path(one), "made", *LIBRARY)
    # The name under which cargo-generate gives it.
    found += problems(Path(two), "parcels", *LIBRARY, "--render-var", "project-name=parcels")
    if "\n[patch" in manifest_without_library(Path(three)):
        found.append("Cargo.toml names a copy of the library though there is none")
if found:
    sys.exit("\n".join(found))
print(f"cargo-lambda makes a project of {EXAMPLE.relative_to(ROOT)}")

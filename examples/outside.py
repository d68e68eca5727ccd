"""Builds and tests examples/consumer as somebody would who has only the packed crates of the library.

The crates are packed as `cargo publish` would, and unpacked into FOLDER/crates. The example is copied to
FOLDER/shipping, told to take the library from there, tested, and built to where `cargo lambda build` would put it.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "examples" / "consumer"
PATCH = re.compile(r"^\[patch\.crates-io\]\n(?:[^\[].*\n|\n)*", re.MULTILINE)


def cargo(*arguments: str, folder: Path) -> str:
    command = ["cargo", *arguments]
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.stdout.write(done.stdout)
        sys.exit(f"error: {' '.join(command)} in {folder} ended with exit code {done.returncode}")
    return done.stdout


def pack() -> tuple[Path, list[str]]:
    """Where the packed crates of the library are, and their names with versions."""
    metadata = json.loads(cargo("metadata", "--locked", "--no-deps", "--format-version=1", folder=ROOT))
    library = [package for package in metadata["packages"] if package["publish"] is None]
    chosen = [argument for package in library for argument in ("--package", package["name"])]
    # They are built when the example is.
    cargo("package", "--quiet", "--locked", "--allow-dirty", "--no-verify", *chosen, folder=ROOT)
    names = [f"{package['name']}-{package['version']}" for package in library]
    return Path(metadata["target_directory"]) / "package", names


def write(path: Path, content: bytes) -> None:
    """Leaves alone what is right already: cargo compiles again what has a new time."""
    if not path.is_file() or path.read_bytes() != content:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def unpack(archive: Path, into: Path) -> None:
    kept = set()
    with tarfile.open(archive) as files:
        for member in files.getmembers():
            if member.isfile():
                path = into / Path(member.name).relative_to(into.name)
                write(path, files.extractfile(member).read())
                kept.add(path)
    for path in into.rglob("*"):
        if path.is_file() and path not in kept:
            path.unlink()


def copy_example(into: Path, patch: str) -> None:
    kept = set()
    for path in EXAMPLE.rglob("*"):
        if path.is_file() and "target" not in path.relative_to(EXAMPLE).parts:
            content = path.read_bytes()
            if path.name == "Cargo.toml":
                text, replaced = PATCH.subn(lambda _: patch, content.decode())
                if replaced != 1:
                    sys.exit(f"error: {path} has no section [patch.crates-io] to replace")
                content = text.encode()
            write(into / path.relative_to(EXAMPLE), content)
            kept.add(into / path.relative_to(EXAMPLE))
    for path in (into / "src").rglob("*"):
        if path.is_file() and path not in kept:
            path.unlink()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "folder", type=Path, metavar="FOLDER", help="made if it is not there; better not inside of a clone"
    )
    folder = parser.parse_args().folder.resolve()
    packed, names = pack()
    crates = folder / "crates"
    for name in names:
        unpack(packed / f"{name}.crate", crates / name)
    # What it does not use would change its lock file.
    locked = set(re.findall(r'^name = "(.+)"$', (EXAMPLE / "Cargo.lock").read_text(), re.MULTILINE))
    used = [name for name in names if name.rpartition("-")[0] in locked]
    lines = [f'{name.rpartition("-")[0]} = {{ path = "{(crates / name).as_posix()}" }}\n' for name in used]
    service = folder / "shipping"
    copy_example(service, "[patch.crates-io]\n" + "".join(lines) + "\n")
    # What is compiled goes by on standard error, for it takes minutes at first.
    cargo("test", "--locked", folder=service)
    built = cargo("build", "--locked", "--message-format=json-render-diagnostics", folder=service)
    messages = (json.loads(line) for line in built.splitlines())
    binary = next(message["executable"] for message in messages if message.get("executable"))
    function = service / "target" / "lambda" / "shipping" / "bootstrap"
    function.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(binary, function)
    print(f"built and tested against {len(used)} packed crates: {service}")


main()

"""examples/deploy/Containerfile, carried out without a daemon: its steps in a root of its own.

Where the base image would be stands this machine's system, read-only, with what the steps write laid over it, and a
Python of the base image's version at /usr/local. What no layer of this shows is the base image itself.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Final, NamedTuple

from tests.support.tree import ROOT

CONTAINERFILE: Final = ROOT / "examples/deploy/Containerfile"


class Step(NamedTuple):
    """One instruction."""

    stage: int
    verb: str
    rest: str


def steps() -> Iterator[Step]:
    """The instructions in order; a line that ends in a backslash goes on."""
    lines = (line for line in CONTAINERFILE.read_text().splitlines() if not line.startswith("#"))
    stage = -1
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        if not line.strip():
            continue
        verb, rest = line.split(None, 1)
        stage += verb == "FROM"
        yield Step(stage, verb, rest)


def context() -> list[str]:
    """The files that go to the builder, by .dockerignore."""
    patterns = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    found: list[str] = []
    for folder, folders, names in os.walk(ROOT):
        here = Path(folder).relative_to(ROOT)
        inside = [str(here / name) for name in folders]
        folders[:] = [Path(one).name for one in inside if _goes(one, patterns) or _has_what_goes(one, patterns)]
        found += [one for one in (str(here / name) for name in names) if _goes(one, patterns)]
    return sorted(found)


def _goes(name: str, patterns: list[str]) -> bool:
    """As the builder has it: the last pattern that fits the path, or a folder above it, decides."""
    parts = name.split("/")
    above = ["/".join(parts[: count + 1]) for count in range(len(parts))]
    goes = True
    for pattern in patterns:
        wanted = pattern.removeprefix("!")
        if any(fnmatch(one, wanted.removeprefix("**/")) for one in (parts if wanted.startswith("**/") else above)):
            goes = pattern.startswith("!")
    return goes


def _has_what_goes(folder: str, patterns: list[str]) -> bool:
    return any(pattern.startswith(f"!{folder}/") for pattern in patterns)


def value(verb: str) -> str:
    """What the last stage says for this verb."""
    last = list(steps())[-1].stage
    return next(step.rest for step in steps() if (step.stage, step.verb) == (last, verb))


def command(verb: str) -> list[str]:
    """The words of CMD, or of HEALTHCHECK's."""
    words: list[str] = json.loads(value(verb)[value(verb).index("[") :])
    return words


def variables() -> dict[str, str]:
    """ENV of the last stage."""
    last = list(steps())[-1].stage
    pairs = [
        word.split("=", 1)
        for step in steps()
        if (step.stage, step.verb) == (last, "ENV")
        for word in shlex.split(step.rest)
    ]
    return {name: text.replace("$PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin") for name, text in pairs}


def python_of_the_base() -> Path | None:
    """The prefix of a Python of the version that FROM names, from the PATH or from pyenv."""
    wanted = re.search(r"python:([\d.]+)", CONTAINERFILE.read_text())
    assert wanted
    programs = [shutil.which(f"python{wanted[1]}"), *Path.home().glob(f".pyenv/versions/{wanted[1]}*/bin/python3")]
    for program in filter(None, programs):
        question = [str(program), "-c", "import sys; print(sys.base_prefix)"]
        asked = subprocess.run(question, check=False, capture_output=True, text=True)
        if asked.returncode == 0:  # a shim of pyenv may have nothing behind it
            return Path(asked.stdout.strip())
    return None


def can_make_roots() -> bool:
    """Whether this machine lets us mount: root in a container mostly may, others not."""
    script = f"mount -t tmpfs none /mnt && mkdir /mnt/up /mnt/work /mnt/root && {_overlay('/mnt')}"
    return (
        os.getuid() == 0
        and subprocess.run(["unshare", "-m", "sh", "-c", script], check=False, capture_output=True).returncode == 0
    )


def _overlay(folder: str) -> str:
    return f"mount -t overlay none -o lowerdir=/,upperdir={folder}/up,workdir={folder}/work {folder}/root"


def building(folder: Path, python: Path) -> str:
    """A script that builds both stages below `folder`, for `inside`."""
    lines = [
        "set -eu",
        f"mount -t tmpfs none {folder}",
    ]
    here = "/"
    for step in steps():
        root = f"{folder}/{step.stage}/root"
        if step.verb == "FROM":
            here = "/"
            lines += [
                f"mkdir -p {folder}/{step.stage}/up {folder}/{step.stage}/work {root}",
                _overlay(f"{folder}/{step.stage}"),
                f"mount -t proc proc {root}/proc && mount --bind /dev {root}/dev",
                f"mkdir -p {root}/usr/local && mount --bind {python} {root}/usr/local",
                f"chroot {root} /sbin/ldconfig",
            ]
        elif step.verb == "WORKDIR":
            here = step.rest
            lines.append(f"mkdir -p {root}{here}")
        elif step.verb == "COPY" and step.rest.startswith("--from="):
            _, source, target = step.rest.split()
            lines.append(f"mkdir -p {root}{target} && cp -a {folder}/0/root{source}/. {root}{target}/")
        elif step.verb == "COPY":
            *sources, target = step.rest.split()
            for source in sources:
                goal = f"{root}{here}/{target}"
                many = target.endswith("/")
                lines.append(
                    f"mkdir -p {goal if many else Path(goal).parent} && cp -r {folder}.context/{source} {goal}"
                )
        elif step.verb == "RUN":
            path = "PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
            lines.append(
                f"chroot {root} env -u PYTHONPATH HOME=/root {path} sh -euc {shlex.quote(f'cd {here}; {step.rest}')}"
            )
    return "\n".join(lines)

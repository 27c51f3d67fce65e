"""The image: what goes into it, and that its steps, carried out, give a relay, an emulator and a shop that work."""

import asyncio
import json
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy import image
from tests.support.tree import ROOT

COMPOSE = ROOT / "examples/deploy/compose.yaml"
LOOPBACK_UP = """
import fcntl, socket, struct
SIOCSIFFLAGS, UP, RUNNING = 0x8914, 0x1, 0x40
fcntl.ioctl(socket.socket(), SIOCSIFFLAGS, struct.pack("16sh", b"lo", UP | RUNNING))
"""
TEMPORARY = " ".join(f"{kind}_temp_path /tmp/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
NGINX_MAIN = (
    "daemon off; user root root; pid /tmp/pid; error_log stderr; events {} http { "
    f"access_log off; {TEMPORARY} include /etc/relay-nginx.conf; }}"
)
VISITOR = Path(__file__).with_name("visitor.py")


def test_the_context_is_what_is_copied_and_no_more() -> None:
    sent = image.context()
    copied = [
        source.rstrip("/")
        for step in image.steps()
        if step.verb == "COPY" and not step.rest.startswith("--from")
        for source in step.rest.split()[:-1]
    ]
    assert [name for name in copied if not any(one == name or one.startswith(f"{name}/") for one in sent)] == []
    assert [one for one in sent if not any(one == name or one.startswith(f"{name}/") for name in copied)] == []
    assert sum((ROOT / name).stat().st_size for name in sent) < 8_000_000


def test_nothing_of_node_or_of_the_tests_gets_in() -> None:
    wanted = (ROOT / "requirements/image.txt").read_text()
    assert not any(line.startswith(("pytest==", "ruff==", "mypy==", "hatchling==")) for line in wanted.splitlines())
    assert not [name for name in image.context() if name.startswith(("tests/", "js-snippet/src", "docs/"))]
    assert not [step for step in image.steps() if "npm" in step.rest or "node" in step.rest]


def test_the_image_runs_as_nobody_in_particular() -> None:
    assert image.value("USER") == "10001"
    assert image.command("CMD") == ["personalize-relay", "serve"]


@pytest.mark.process
@pytest.mark.timeout(600)
async def test_the_steps_give_the_demo_of_compose_yaml(tmp_path: Path) -> None:
    python = image.python_of_the_base()
    if python is None or not image.can_make_roots():
        pytest.skip("needs root, unshare, overlayfs and the base image's Python: the steps were not carried out")
    folder = tmp_path / "image"
    folder.mkdir()
    for name in image.context():
        target = tmp_path / "image.context" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target)
    (tmp_path / "run").write_text(services(folder / "1/root"))
    script = f"{image.building(folder, python)}\nexec unshare -n sh {tmp_path}/run"
    process = await asyncio.create_subprocess_exec(
        *("unshare", "-m", "sh", "-c", script), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await process.communicate()
    assert process.returncode == 0, out.decode() + err.decode()
    *_, calls, relay_ended = out.decode().splitlines()
    assert json.loads(calls)["body"]["eventList"][0]["eventId"] == "of-the-visitor"
    assert relay_ended == "the relay has ended with 0"


def services(root: Path) -> str:
    """A script that runs the services of compose.yaml, each as its file says, and a visitor."""
    compose: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())
    here = f"chroot --userspec=10001:10001 {root}"
    lines = [
        "set -eu",
        # Every service is this machine, which has no network but itself.
        f"python3 -c {shlex.quote(LOOPBACK_UP)}",
        f"echo '127.0.0.1 localhost {' '.join(compose['services'])}' >{root}/etc/hosts",
        f"cp {VISITOR} {root}/visitor.py",
        f"mkdir -p {root}/var/cache/nginx",
        f"cp {COMPOSE.parent}/compose/nginx.conf {root}/etc/relay-nginx.conf",
        f"echo {shlex.quote(NGINX_MAIN)} >{root}/etc/relay-nginx-main.conf",
        *(f"mount -t tmpfs none {root}{writable}" for writable in ("/tmp", "/var/cache/nginx")),  # noqa: S108  # a mount
        f"mount -t tmpfs -o uid=10001,gid=10001,mode=750 none {root}/var/lib/relay",
        f"mount -o remount,ro {root}",
    ]
    for name, service in compose["services"].items():
        if service["image"] != "personalize-relay":
            continue
        environment = image.variables() | {
            key: str(text).removeprefix("${RELAY_SECRET_KEYS:-").removesuffix("}")
            for key, text in service.get("environment", {}).items()
        }
        if name == "relay":  # nginx is on this machine, and not in a network of its own
            environment["RELAY_TRUSTED_PROXIES"] = "127.0.0.1"
        words = ["env", "-i", *(f"{key}={text}" for key, text in environment.items())]
        words += service.get("command", image.command("CMD"))
        inside = f"cd {image.value('WORKDIR')} && exec {shlex.join(words)}"
        lines.append(f"{here} sh -c {shlex.quote(inside)} >&2 & {name}=$!")
    health = shlex.join(["env", "-i", "PATH=/opt/relay/bin:/usr/bin:/bin", *image.command("HEALTHCHECK")])
    return "\n".join(
        [
            *lines,
            "nginx=",
            "trap 'kill $emulator $relay $shop $nginx 2>/dev/null || true' EXIT",
            f"chroot {root} /usr/sbin/nginx -e stderr -c /etc/relay-nginx-main.conf >&2 & nginx=$!",
            f"timeout 200 {here} env -i /opt/relay/bin/python /visitor.py",
            f"{here} {health} >&2",
            "kill -TERM $relay; ended=0; wait $relay || ended=$?",
            'echo "the relay has ended with $ended"',
            "kill $emulator $shop $nginx; wait",
        ]
    )

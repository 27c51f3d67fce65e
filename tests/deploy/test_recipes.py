"""Every file of examples/deploy, before the program that would read it, or the schema it would read it by."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.tree import ROOT, files

DEPLOY = ROOT / "examples/deploy"
VALIDATORS = ROOT / "build/validators/bin"
KUBERNETES = DEPLOY / "kubernetes"
LOOKED_AT_ELSEWHERE = {
    "nginx.conf": "tests/web, with a real nginx before a relay",
    "personalize-relay.service": "below, by its words; systemd is not where tests run",
    "traefik.yaml": "test_traefik.py, with a real Traefik before a relay",
}
READ_BY_GRAFANA = """
import json, sys
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

def lost(ours, theirs, place):
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for name, value in ours.items():
            yield from lost(value, theirs[name], f"{place}/{name}") if name in theirs else [f"{place}/{name}"]
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for number, pair in enumerate(zip(ours, theirs)):
            yield from lost(*pair, f"{place}/{number}")
    elif ours != theirs:
        yield f"{place}: {ours!r} became {theirs!r}"

register_default_plugins()
ours = json.load(open(sys.argv[1]))
theirs = json.loads(JSONEncoder(sort_keys=True).encode(Dashboard.from_json(ours)))
sys.exit("\\n".join(lost(ours, theirs, "")) or 0)
"""
"""A field that Grafana does not know is lost on the way there and back."""


def program(name: str) -> str:
    """One of requirements/validators.txt."""
    found = VALIDATORS / name
    if not found.exists():
        pytest.skip("the validators are not installed: scripts/install-validators")
    return str(found)


def clean(*argv: str | Path, **options: Any) -> None:
    """The program has nothing to say against it."""
    done = subprocess.run(list(map(str, argv)), capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stdout + done.stderr


def deployed(suffix: str, folder: Path = DEPLOY) -> list[Path]:
    """The files of a kind."""
    return [ROOT / name for name in map(str, files(suffix)) if (ROOT / name).is_relative_to(folder)]


def documents(file: Path) -> Iterator[dict[str, Any]]:
    """The YAML documents of a file."""
    yield from yaml.safe_load_all(file.read_text())


def test_the_containerfile_has_no_fault_that_a_linter_knows() -> None:
    clean(program("hadolint"), DEPLOY / "Containerfile")


@pytest.mark.parametrize("name", ["compose.yaml", "compose.cluster.yaml"])
def test_compose_files_are_what_compose_reads(name: str) -> None:
    clean(program("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", DEPLOY / name)
    compose = yaml.safe_load((DEPLOY / name).read_text())
    for service in compose["services"].values():
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            assert source in compose["volumes"] or (DEPLOY / source).exists(), volume
        assert set(service.get("depends_on", ())) <= set(compose["services"])
        for published in service.get("ports", ()):
            assert published.startswith("127.0.0.1:"), "a demo is for this machine"


@pytest.mark.parametrize("name", ["cluster.yaml", "single.yaml"])
def test_cloudformation_has_no_fault_that_its_linter_knows(name: str) -> None:
    clean(program("cfn-lint"), "--include-checks", "I", "--ignore-checks", "I3042", "--", DEPLOY / "aws" / name)


def test_the_templates_allow_the_relay_what_the_policy_says_and_no_more() -> None:
    policy = json.loads((DEPLOY / "aws/iam/serve.json").read_text())
    allowed = {action for statement in policy["Statement"] for action in statement["Action"]}
    for template in deployed(".yaml", DEPLOY / "aws"):
        assert set(re.findall(r"personalize:[A-Za-z]+", template.read_text())) == allowed, template.name


def test_kubernetes_would_take_every_manifest() -> None:
    manifests = [file for file in deployed(".yaml", KUBERNETES) if "apiVersion: kustomize" not in file.read_text()]
    ours = [file for file in manifests if file.parent.name != "prometheus"]
    clean(program("kubernetes-validate"), "--strict", "--quiet", *ours)
    (monitor,) = documents(KUBERNETES / "prometheus/pod-monitor.yaml")  # of an operator, with no schema at hand
    assert (monitor["apiVersion"], monitor["kind"]) == ("monitoring.coreos.com/v1", "PodMonitor")
    assert [one["port"] for one in monitor["spec"]["podMetricsEndpoints"]] == ["admin"]


@pytest.mark.parametrize("overlay", ["sqlite", "postgres"])
def test_an_overlay_of_kustomize_names_what_is_there_and_fits_together(overlay: str) -> None:
    found = list(resources(KUBERNETES / overlay))
    named = {(one["kind"], one["metadata"]["name"]) for one in found}
    assert len(named) == len(found)
    (workload,) = [one for one in found if one["kind"] in ("StatefulSet", "Deployment")]
    pod = workload["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["terminationGracePeriodSeconds"] > 20 + 5
    assert ("ServiceAccount", pod["serviceAccountName"]) in named
    assert {port["name"] for port in container["ports"]} == {"public", "admin"}
    (service,) = [one for one in found if one["kind"] == "Service"]
    assert service["spec"]["selector"].items() <= workload["spec"]["template"]["metadata"]["labels"].items()
    mounted = {one["name"] for one in container["volumeMounts"]}
    claimed = {one["metadata"]["name"] for one in workload["spec"].get("volumeClaimTemplates", ())}
    assert mounted == {one["name"] for one in pod["volumes"]} | claimed


def resources(folder: Path) -> Iterator[dict[str, Any]]:
    """What `kubectl kustomize` would put together."""
    (kustomization,) = documents(folder / "kustomization.yaml")
    for name in kustomization["resources"]:
        path = (folder / name).resolve()
        yield from resources(path) if path.is_dir() else documents(path)


@pytest.mark.parametrize("name", ["nginx.conf", "cluster.nginx.conf"])
def test_nginx_takes_the_files_of_compose(name: str, tmp_path: Path) -> None:
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if nginx is None:
        pytest.skip("nginx is not installed; scripts/install-test-tools does it")
    text = re.sub(r"server (relay[-\d]*):", "server 127.0.0.1:", (DEPLOY / "compose" / name).read_text())
    text = text.replace("/var/cache/nginx/relay", f"{tmp_path}/cache").replace(
        "listen 80", f"listen unix:{tmp_path}/socket"
    )
    main = tmp_path / "nginx.conf"
    main.write_text(f"pid {tmp_path}/pid; error_log stderr; events {{}} http {{ access_log off; {text} }}")
    clean(nginx, "-t", "-q", "-e", "stderr", "-p", tmp_path, "-c", main)


def test_caddy_takes_its_file() -> None:
    clean(program("caddy"), "validate", "--adapter", "caddyfile", "--config", DEPLOY / "Caddyfile")


def test_the_unit_stops_later_than_the_relay_drains_and_does_not_repeat_wrong_settings() -> None:
    unit = (DEPLOY / "personalize-relay.service").read_text()
    assert int(re.search(r"^TimeoutStopSec=(\d+)", unit, re.MULTILINE)[1]) > 20  # type: ignore[index]  # it is there
    assert "RestartPreventExitStatus=2" in unit


def test_prometheus_takes_the_file_of_compose(tmp_path: Path) -> None:
    own = ROOT / "build/promtool/usr/bin/promtool"
    promtool = shutil.which("promtool") or (str(own) if own.exists() else None)
    if promtool is None:
        pytest.skip("no promtool here: scripts/install-test-tools")
    for name in ("compose/prometheus.yml", "observability/rules.yml"):  # side by side, as compose mounts them
        shutil.copy(DEPLOY / name, tmp_path)
    clean(promtool, "check", "config", tmp_path / "prometheus.yml")


def test_grafana_is_told_of_a_prometheus_and_a_folder_that_compose_gives_it() -> None:
    """By what its provisioning documents; Grafana itself cannot be had where tests run."""
    services = yaml.safe_load((DEPLOY / "compose.cluster.yaml").read_text())["services"]
    folders = dict(volume.split(":")[:2] for volume in services["grafana"]["volumes"])
    assert folders["./compose/grafana"] == "/etc/grafana/provisioning"
    (sources,) = documents(DEPLOY / "compose/grafana/datasources/prometheus.yaml")
    (source,) = sources["datasources"]
    assert set(source) <= {"name", "uid", "type", "url", "isDefault", "access", "editable", "jsonData"}
    assert (source["type"], source["url"].split("://")[1].split(":")[0] in services) == ("prometheus", True)
    (providers,) = documents(DEPLOY / "compose/grafana/dashboards/relay.yaml")
    (provider,) = providers["providers"]
    assert provider["options"]["path"] == folders["./observability"]
    assert sources["apiVersion"] == providers["apiVersion"] == 1


def test_grafana_reads_the_dashboard_by_its_own_types_and_loses_nothing_of_it() -> None:
    clean(program("python"), "-c", READ_BY_GRAFANA, DEPLOY / "observability/dashboard.json")


def test_no_file_is_left_without_somebody_who_looks_at_it() -> None:
    looked_at = {
        *("Containerfile", "compose.yaml", "compose.cluster.yaml", "Caddyfile", *LOOKED_AT_ELSEWHERE),
        *("aws/cluster.yaml", "aws/single.yaml", "aws/iam/serve.json", "aws/iam/operator.json"),
        *("compose/nginx.conf", "compose/cluster.nginx.conf", "compose/prometheus.yml"),
        *("compose/grafana/dashboards/relay.yaml", "compose/grafana/datasources/prometheus.yaml"),
        *("observability/dashboard.json", "observability/rules.yml"),
    }
    rest = {
        str(Path(name).relative_to("examples/deploy"))
        for name in map(str, files())
        if name.startswith("examples/deploy/")
    } - looked_at
    assert {one for one in rest if not one.startswith("kubernetes/")} == set()

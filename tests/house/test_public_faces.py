"""What others import: cheap to reach, typed, and there under the names that are written down."""

import importlib
import json
import subprocess
import sys
import tomllib
from importlib.metadata import entry_points, version
from importlib.resources import files
from pathlib import Path

import pytest

import relay
import relay.personalize
import relay.tokens
from relay.compose.relay import open_edge
from relay.web.app import create_app

ROOT = Path(__file__).parents[2]
FACES = ["relay", "relay.tokens", "relay.personalize", "relay.testing"]


@pytest.mark.parametrize("name", FACES)
def test_every_public_name_is_there_has_a_docstring_and_is_listed(name: str) -> None:
    face = importlib.import_module(name)
    assert face.__doc__
    for public in face.__all__:
        assert public in dir(face)
        assert getattr(face, public).__doc__, public


def test_the_root_gives_what_the_rooms_make() -> None:
    assert relay.create_app is create_app
    assert relay.open_edge is open_edge


def test_what_the_root_does_not_have_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'relay' has no attribute 'create_ap'"):
        _ = relay.create_ap


@pytest.mark.process
def test_importing_the_root_loads_no_server_and_no_aws_client() -> None:
    program = "import sys, relay; print([name for name in ('starlette', 'uvicorn', 'botocore') if name in sys.modules])"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"


def test_both_packages_name_the_same_repository() -> None:
    package = json.loads((ROOT / "js-snippet" / "package.json").read_text())
    repository = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["urls"]["Repository"]
    assert package["repository"]["url"] == f"git+{repository}.git"
    assert package["homepage"] == f"{repository}#readme"


def test_the_command_is_installed_and_the_versions_agree() -> None:
    (command,) = entry_points(group="console_scripts", name="personalize-relay")
    assert command.load() is importlib.import_module("relay.__main__").main
    assert relay.__version__ == version("personalize-relay")


def test_the_map_of_the_root_names_every_room() -> None:
    assert relay.__doc__
    rooms = {path.name.removesuffix(".py") for path in files("relay").iterdir()}
    for room in rooms - {"__init__", "__main__", "__pycache__", "py.typed"}:
        assert f"`{room}`" in relay.__doc__, room

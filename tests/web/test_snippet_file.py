"""The snippet as a file to serve."""

import base64
import gzip
import hashlib
from pathlib import Path

import pytest

from relay.core.bundled import bundled
from relay.core.errors import RelayError
from relay.web.routes.snippet_file import SnippetFile


@pytest.fixture
def file(tmp_path: Path) -> SnippetFile:
    (tmp_path / "s.js").write_bytes(b"// snippet" * 99)
    (tmp_path / "s.js.br").write_bytes(b"packed")
    return SnippetFile.read(tmp_path)


@pytest.mark.parametrize(
    ("accepts", "encoding"),
    [
        ("", "identity"),
        ("gzip, deflate, br", "br"),
        ("gzip", "gzip"),
        ("br;q=0, gzip", "gzip"),
        ("br;q=0.000,gzip; q = 0", "identity"),
        ("*", "br"),
        ("*;q=0", "identity"),
        ("BR", "br"),
        ("brr", "identity"),
        (";;;,,,;q=x", "identity"),
    ],
)
def test_the_smallest_form_the_client_takes(file: SnippetFile, accepts: str, encoding: str) -> None:
    assert file.best(accepts) == encoding


def test_the_hashes_are_those_of_the_source(file: SnippetFile) -> None:
    source = file.bodies["identity"]
    assert file.integrity == "sha384-" + base64.b64encode(hashlib.sha384(source).digest()).decode()
    assert file.name == f"s.{hashlib.sha256(source).hexdigest()[:16]}.js"
    assert gzip.decompress(file.bodies["gzip"]) == source


def test_the_bundled_snippet_is_there() -> None:
    assert len(SnippetFile.read(bundled("snippet")).bodies["identity"]) > 0


def test_a_snippet_that_was_not_built_is_said_in_words(tmp_path: Path) -> None:
    with pytest.raises(RelayError, match="make build"):
        SnippetFile.read(tmp_path)

"""What a page has pinned keeps being served, through upgrades and rollbacks."""

import logging
import zipfile
from pathlib import Path

import pytest

from relay.core.bundled import bundled
from relay.spool.contract import MOST_SNIPPETS
from relay.spool.sqlite.kept_snippets import folder_of_snippets, keep_snippet
from relay.web.routes.snippet_file import SnippetFile
from relay.web.routes.snippet_shelf import SnippetShelf, make_shelf
from tests.support.clock import FakeClock
from tests.support.relay import ORIGIN, RunningEdge, running_edge

WHEELS = Path(__file__).parent.parent / "releases"


def build(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "s.js").write_text(text)
    (folder / "inspect.js").write_text("inspect()")
    return folder


def hash_of(shelf: SnippetShelf) -> str:
    return shelf.current.hash


def open_shelf(installed: Path, *, kept: Path | None = None, releases: Path | None = None) -> SnippetShelf:
    """As a start does; `kept` is where the spool keeps them."""
    current = SnippetFile.read(installed)
    there = keep_snippet(spool_of(kept), current.hash, current.bodies["identity"]) if kept else None
    return make_shelf(current, SnippetFile.read(installed, "inspect.js"), releases=releases, kept=there)


def spool_of(kept: Path) -> Path:
    spool = kept.with_suffix("")
    assert folder_of_snippets(spool) == kept
    return spool


def test_an_upgrade_and_a_rollback_serve_what_both_versions_pinned(tmp_path: Path) -> None:
    kept = tmp_path / "spool.db.snippets"
    old, new = build(tmp_path / "old", "old()"), build(tmp_path / "new", "new()")
    before = hash_of(open_shelf(old, kept=kept))
    upgraded = open_shelf(new, kept=kept)
    assert upgraded.find(before) is not None
    rolled_back = open_shelf(old, kept=kept)
    assert rolled_back.current.hash == before
    found = rolled_back.find(hash_of(upgraded))
    assert found is not None
    assert found.bodies["identity"] == b"new()"


def test_the_last_twenty_are_kept_and_the_oldest_go(tmp_path: Path) -> None:
    kept = tmp_path / "spool.db.snippets"
    shelves = [open_shelf(build(tmp_path / "now", f"v({number})"), kept=kept) for number in range(MOST_SNIPPETS + 5)]
    last = shelves[-1]
    found = [last.find(hash_of(shelf)) is not None for shelf in shelves]
    assert found == [False] * 5 + [True] * MOST_SNIPPETS
    assert len(list(kept.iterdir())) == MOST_SNIPPETS


def test_a_kept_one_that_is_not_what_it_was_is_not_served(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    kept = tmp_path / "spool.db.snippets"
    before = hash_of(open_shelf(build(tmp_path / "old", "old()"), kept=kept))
    (kept / before / "s.js").write_text("evil()")
    with caplog.at_level(logging.WARNING, "relay"):
        after = open_shelf(build(tmp_path / "new", "new()"), kept=kept)
    assert after.find(before) is None
    assert "is not what it was" in caplog.text


def test_a_withdrawn_one_is_served_no_more_whoever_kept_it(tmp_path: Path) -> None:
    kept, releases = tmp_path / "spool.db.snippets", tmp_path / "releases"
    before = hash_of(open_shelf(build(tmp_path / "old", "old()"), kept=kept))
    build(releases / "0.0.9", "old()")
    new = build(tmp_path / "new", "new()")
    assert open_shelf(new, releases=releases, kept=kept).find(before) is not None
    (releases / "withdrawn.txt").write_text(f"# why\n{before} lets strangers in\n")
    assert open_shelf(new, releases=releases, kept=kept).find(before) is None


def test_a_folder_that_cannot_be_written_is_said_and_no_more(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "spool.db.snippets").write_text("a file")
    with caplog.at_level(logging.WARNING, "relay"):
        assert open_shelf(build(tmp_path / "now", "now()"), kept=tmp_path / "spool.db.snippets").current.hash
    assert "cannot be kept" in caplog.text


@pytest.mark.parametrize("wheel", sorted(WHEELS.glob("*.whl")), ids=lambda path: path.name)
def test_the_builds_of_every_released_wheel_are_still_served(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (tmp_path / "s.js").write_bytes(archive.read("relay/data/snippet/s.js"))
    pinned = SnippetFile.read(tmp_path).hash
    shelf = open_shelf(bundled("snippet"), releases=bundled("snippet_releases"))
    assert shelf.find(pinned) is not None, "scripts/keep-snippet VERSION"


async def problems(relay: RunningEdge) -> list[str]:
    lines: list[str] = (await relay.http.get(f"{relay.admin_url}/readyz")).json()["problems"]
    return lines


async def test_an_unknown_hash_is_counted_said_once_and_in_readyz_when_a_page_of_ours_asks(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = FakeClock()
    async with running_edge(clock=clock) as relay:
        url = f"{relay.url}/r/s.0123456789abcdef.js"
        assert (await relay.http.get(url, headers={"origin": "https://evil.example"})).status_code == 404
        assert await problems(relay) == []
        with caplog.at_level(logging.WARNING, "relay"):
            for headers in ({"origin": ORIGIN}, {"referer": f"{ORIGIN}/shop?x=1"}):
                assert (await relay.http.get(url, headers=headers)).status_code == 404
        assert len([record for record in caplog.records if "not here" in record.getMessage()]) == 1
        (line,) = await problems(relay)
        assert "s.0123456789abcdef.js" in line
        assert "relay_snippets_unknown_total 3.0" in (await relay.http.get(f"{relay.admin_url}/metrics")).text
        clock.advance(3601)
        assert await problems(relay) == []


@pytest.mark.parametrize("path", ["s.js", "s.0123456789abcdef.js"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS", "DELETE"])
async def test_every_answer_on_the_snippet_s_paths_can_be_read_by_every_page(path: str, method: str) -> None:
    async with running_edge() as relay:
        answer = await relay.http.request(method, f"{relay.url}/r/{path}", headers={"origin": "https://any.example"})
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.status_code in (200, 404, 405)

"""Every code block of the papers is run by a test that names it, or is in a list with the reason why not."""

import re
from pathlib import Path
from typing import Final

import pytest

from tests.docs.blocks import Block, blocks
from tests.support.tree import ROOT, files

RUN = {
    "README.md": {
        "sh": "tests/docs/test_tutorials.py",
        "html": "tests/docs/test_page_blocks.py",
        "python": "tests/docs/test_page_blocks.py",
    },
    "docs/tutorial/first-event.md": {"sh": "tests/docs/test_tutorials.py"},
    "docs/tutorial/recommendations.md": {
        "sh": "tests/docs/test_tutorials.py",
        "python": "tests/docs/test_tutorials.py",
    },
    "docs/tutorial/cluster.md": {"sh": "tests/docs/test_cluster.py"},
    "docs/upgrade.md": {"sh": "tests/docs/test_upgrade.py"},
    "docs/http-api.md": {"sh": "tests/docs/test_http_api.py"},
    "docs/trackers.md": {"sh": "tests/compose/test_acceptance_walkthrough.py"},
    "docs/events-client.md": {"python": "tests/sink/events_client/test_events_client.py"},
    "docs/key-rotation.md": {"sh": "tests/docs/test_key_rotation.py"},
    "docs/emulator-api.md": {"sh": "tests/docs/test_emulator_api.py", "python": "tests/docs/test_emulator_api.py"},
    "docs/identity.md": {"sh": "tests/docs/test_operations.py"},
    "docs/operations.md": {"sh": "tests/docs/test_operations.py"},
    "docs/moving/amplify.md": {"js": "tests/docs/test_page_blocks.py"},
    "docs/moving/segment.md": {"js": "tests/docs/test_page_blocks.py"},
    "docs/moving/lambda.md": {"python": "tests/docs/test_page_blocks.py"},
}
"""Paper → language → the test, which reads the paper itself."""

SKIPPED = {
    (
        "docs/tutorial/cluster.md",
        "docker compose",
    ): "needs a daemon; tests/deploy reads the file, and builds the image without",
    (
        "CONTRIBUTING.md",
        "make test-fast",
    ): "a test that ran the tests would run itself; below: each is a target of make",
    (
        "README.md",
        "make demo",
    ): "the same; what `make demo` starts is run from the wheel, by tests/docs/test_tutorials.py",
    ("docs/in-front.md", "sub vcl_recv"): "only Fastly compiles it",
    (
        "docs/kubernetes.md",
        "kubectl",
    ): "needs a cluster; tests/deploy reads what it applies by the schemas of Kubernetes",
}
"""(Paper, how the block begins) → why no test runs it."""


MAKE: Final = re.compile(r"(?:^|`)make ((?:[a-z]+(?:-[a-z]+)*|[A-Z]+=\S+)(?: [A-Z]+=\S+)*)", re.MULTILINE)
"""A line, or words in the text, that one would type."""


def papers() -> list[str]:
    found = [str(file) for file in files(".md")]
    return [name for name in found if name.startswith("docs/") or "/" not in name]


def code(paper: str) -> list[Block]:
    """What a reader would type or paste: no drawing, no settings, no help text."""
    return [block for block in blocks(paper) if block.language in ("sh", "python", "js", "jsx", "html", "vcl")]


def is_skipped(block: Block) -> bool:
    return any(block.paper == paper and block.text.startswith(words) for paper, words in SKIPPED)


def test_every_block_is_run_or_in_the_short_list_of_those_that_cannot_be() -> None:
    loose = [
        block.place
        for paper in papers()
        for block in code(paper)
        if block.language not in RUN.get(paper, {}) and not is_skipped(block)
    ]
    assert loose == []
    assert len(SKIPPED) <= 10
    assert sum(is_skipped(block) for paper in papers() for block in code(paper)) == len(SKIPPED)


@pytest.mark.parametrize("paper", ["CONTRIBUTING.md", "README.md"])
def test_every_target_of_make_that_a_paper_names_is_there(paper: str) -> None:
    named = {word for text in MAKE.findall((ROOT / paper).read_text()) for word in text.split() if "=" not in word}
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert len(named) > 3
    assert named <= targets


def test_the_tests_that_run_blocks_read_the_papers_they_run() -> None:
    for paper, languages in RUN.items():
        for test in languages.values():
            assert Path(paper).name in (ROOT / test).read_text(), f"{test} does not name {paper}"

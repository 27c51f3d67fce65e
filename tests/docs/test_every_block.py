"""Every code block of the papers is run by a test that names it, or is in a list with the reason why not."""

from pathlib import Path

from tests.docs.blocks import Block, blocks
from tests.support.tree import ROOT, files

RUN = {
    "README.md": {"sh": "tests/docs/test_tutorials.py"},
    "docs/tutorial/first-event.md": {"sh": "tests/docs/test_tutorials.py"},
    "docs/tutorial/recommendations.md": {
        "sh": "tests/docs/test_tutorials.py",
        "python": "tests/docs/test_tutorials.py",
    },
    "docs/upgrade.md": {"sh": "tests/docs/test_upgrade.py"},
    "docs/http-api.md": {"sh": "tests/docs/test_http_api.py"},
    "docs/trackers.md": {"sh": "tests/compose/test_acceptance_walkthrough.py"},
    "docs/events-client.md": {"python": "tests/sink/events_client/test_events_client.py"},
    "docs/key-rotation.md": {"sh": "tests/identity/test_key_rotation.py"},
}
"""Paper → language → the test, which reads the paper itself."""

NOT_YET = {
    "CONTRIBUTING.md",
    "README.md",
    "docs/emulator-api.md",
    "docs/identity.md",
    "docs/kubernetes.md",
    "docs/moving/amplify.md",
    "docs/moving/lambda.md",
    "docs/moving/segment.md",
    "docs/operations.md",
    "docs/in-front.md",
}
"""Papers with blocks that no test runs: this list only gets shorter."""


def papers() -> list[str]:
    found = [str(file) for file in files(".md")]
    return [name for name in found if name.startswith("docs/") or "/" not in name]


def code(paper: str) -> list[Block]:
    """What a reader would type or paste: no drawing, no settings, no help text."""
    return [block for block in blocks(paper) if block.language in ("sh", "python", "js", "jsx", "html", "vcl")]


def test_a_paper_has_no_block_that_nobody_runs_but_those_of_the_list() -> None:
    loose = {block.paper for paper in papers() for block in code(paper) if block.language not in RUN.get(paper, {})}
    assert loose <= NOT_YET


def test_the_tests_that_run_blocks_read_the_papers_they_run() -> None:
    for paper, languages in RUN.items():
        for test in languages.values():
            assert Path(paper).name in (ROOT / test).read_text(), f"{test} does not name {paper}"

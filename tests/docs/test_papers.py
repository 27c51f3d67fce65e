"""Papers lead where they say, and neither they nor the code cite what a reader does not have."""

import re
from pathlib import Path

import pytest

from tests.support.tree import ROOT, files

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
NOT_HERE = re.compile(r"contract [§]|\b(?:CONTRACT|DESIGN|MOVES)[.]md\b")


PAPERS = [ROOT / name for name in files(".md")]


@pytest.mark.parametrize("paper", PAPERS, ids=lambda paper: str(paper.relative_to(ROOT)))
def test_every_link_of_a_paper_leads_to_a_file_and_a_heading(paper: Path) -> None:
    lost: list[str] = []
    for match in LINK.finditer(prose(paper)):
        target = match[1] or match[2]
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        name, _, anchor = target.partition("#")
        file = (paper.parent / name).resolve() if name else paper
        if not file.exists() or (anchor and file.suffix == ".md" and anchor not in anchors(file)):
            lost.append(target)
    assert lost == []


def test_nothing_cites_what_a_reader_does_not_have() -> None:
    cited = [
        f"{file}:{number}"
        for file in files()
        if ROOT / file != Path(__file__)
        for number, line in enumerate(lines(ROOT / file), 1)
        if NOT_HERE.search(line)
    ]
    assert cited == []


def prose(paper: Path) -> str:
    """Without what stands in fences, which is not followed."""
    return re.sub(r"^```.*?^```", "", paper.read_text(), flags=re.DOTALL | re.MULTILINE)


def anchors(paper: Path) -> set[str]:
    """As GitHub makes them from headings."""
    heads = re.findall(r"^#+ (.*)$", prose(paper), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def lines(file: Path) -> list[str]:
    try:
        return file.read_text("utf-8").splitlines()
    except UnicodeDecodeError:  # an image
        return []

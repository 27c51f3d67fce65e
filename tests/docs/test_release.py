"""`make release` from a clean tree: what it builds works where nothing else is, and what must be done first is said."""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from relay.core.version import VERSION
from tests.deploy import image
from tests.docs.blocks import blocks
from tests.docs.stage.walk import quick_start, walk
from tests.support.tree import ROOT

pytestmark = [pytest.mark.process, pytest.mark.timeout(300)]

TOOLS = (".venv", "js-snippet/node_modules", "build/validators")
INSTALLED = all((ROOT / tool).exists() for tool in TOOLS) and shutil.which("npm")
ME = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b.c", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b.c"}


def run(tree: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environ = os.environ | ME | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    return subprocess.run(command, cwd=tree, env=environ, capture_output=True, text=True, check=False)


def commit(tree: Path) -> None:
    assert run(tree, "git", "add", "-A").returncode == 0
    done = run(tree, "git", "commit", "-qm", "as it stands")
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of its own with what a commit of this tree would have, and the tools of this one."""
    if not INSTALLED:
        pytest.skip(f"needs {', '.join(TOOLS)}: make test")
    tree = tmp_path_factory.mktemp("release") / "tree"
    listed = run(ROOT, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard").stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).exists():  # a deleted file is still listed
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tree / name, follow_symlinks=False)
    run(tree, "git", "init", "-q")
    (tree / ".git/info/exclude").write_text("\n".join(TOOLS))
    for tool in TOOLS:
        (tree / tool).parent.mkdir(exist_ok=True)
        (tree / tool).symlink_to(ROOT / tool)
    commit(tree)
    return tree


@pytest.fixture(scope="module")
def release(tree: Path) -> Path:
    """The folder of what is published."""
    done = run(tree, "scripts/release")
    assert done.returncode == 0, done.stdout + done.stderr
    return tree / "build/release" / VERSION


def test_all_that_is_published_is_there_with_its_checksum(release: Path) -> None:
    lines = [line.split("  ") for line in (release / "SHA256SUMS").read_text().splitlines()]
    sums = {name: digest for digest, name in lines}
    assert set(sums) == {
        *(f"personalize_relay-{VERSION}{kind}" for kind in ("-py3-none-any.whl", ".tar.gz")),
        *(f"personalize-relay-{VERSION}{kind}" for kind in (".tgz", "-image-context.tar.gz", ".cdx.json")),
        "NOTES.md",
    }
    assert {name: hashlib.sha256((release / name).read_bytes()).hexdigest() for name in sums} == sums


def test_the_notes_say_what_to_do_and_what_is_new(release: Path) -> None:
    notes = (release / "NOTES.md").read_text()
    assert notes.index("- **Spool**") < notes.index("### Added")
    assert "## [" not in notes


def test_what_the_image_is_built_from_is_in_its_context(release: Path) -> None:
    with tarfile.open(release / f"personalize-relay-{VERSION}-image-context.tar.gz") as context:
        assert sorted(one.name for one in context if one.isfile() and one.name != ".dockerignore") == image.context()


def test_no_link_of_the_page_on_pypi_needs_a_file_beside_it(release: Path) -> None:
    with zipfile.ZipFile(release / f"personalize_relay-{VERSION}-py3-none-any.whl") as wheel:
        page = wheel.read(f"personalize_relay-{VERSION}.dist-info/METADATA").decode()
    assert "](https://github.com/personalize-relay/personalize-relay/blob/main/docs/" in page
    assert "](https://raw.githubusercontent.com/personalize-relay/personalize-relay/main/docs/pictures/" in page
    assert "/docs/pictures/way.svg?sanitize=true)" in page, "raw files of GitHub come as text without the word"
    assert "](docs/" not in page


@pytest.mark.long
@pytest.mark.parametrize("kind", ["-py3-none-any.whl", ".tar.gz"], ids=["wheel", "sdist"])
async def test_the_quick_start_runs_from_what_is_published(release: Path, kind: str, tmp_path: Path) -> None:
    only = tmp_path / "published"
    only.mkdir()
    shutil.copy(release / f"personalize_relay-{VERSION}{kind}", only)
    (tmp_path / "reader").mkdir()
    typed = f"export PIP_NO_BUILD_ISOLATION=0\n{quick_start(blocks('README.md', 'sh'))}"
    said = await walk(typed, tmp_path / "reader", only)
    assert "is ACTIVE in eu-west-1" in said
    assert '<script async src="https://events.shop.example/r/s.js" data-token="' in said


async def test_the_npm_package_is_imported_where_nothing_else_is(release: Path, tmp_path: Path) -> None:
    look = "import('personalize-relay').then(({createTracker}) => console.log('it is a', typeof createTracker))"
    said = await walk(
        f"npm init -y >/dev/null && npm install --offline --no-audit {release}/personalize-relay-{VERSION}.tgz\n"
        f'node -e "{look}"\n',
        tmp_path,
        release,
    )
    assert "it is a function" in said


def test_what_has_to_be_done_first_is_said_in_one_go(tree: Path, release: Path) -> None:
    assert release.exists()
    (tree / "js-snippet/releases" / VERSION / "s.js").write_text("another build")
    for name, text in {"CHANGELOG.md": f"## [{VERSION}]", "docs/upgrade.md": f"### {VERSION}, from"}.items():
        (tree / name).write_text((tree / name).read_text().replace(text, "### Something else"))
    done = run(tree, "scripts/release")
    run(tree, "git", "checkout", "-q", ".")
    assert done.returncode == 1
    said = done.stderr.splitlines()
    assert [line.split(":")[0] for line in said] == [
        "the tree has changes that are not committed",
        f"js-snippet/releases/{VERSION} is not the built snippet",
        f"CHANGELOG.md has no section [{VERSION}]",
        f"docs/upgrade.md has no notes '### {VERSION}, from ...'",
    ]
    assert (release / "SHA256SUMS").exists(), "what was built before is left as it was"

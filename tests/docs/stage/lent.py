"""What the relay stands on, lent to a fresh environment: nothing has to be fetched, and the relay is not there."""

import sysconfig
from pathlib import Path


def lend(folder: Path) -> Path:
    """A folder of links for a `.pth` file; without the relay, so that `pip install` has to install it."""
    folder.mkdir()
    for one in Path(sysconfig.get_path("purelib")).iterdir():
        if not one.name.startswith(("personalize_relay", "__editable__", "pip", "__pycache__")):
            (folder / one.name).symlink_to(one)
    return folder

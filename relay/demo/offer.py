"""Click streams there are to replay."""

from pathlib import Path
from typing import Final

from relay.core.bundled import bundled

_REAL: Final = ("yoochoose-clicks.csv", "rees46-sample.csv", "otto-sample.jsonl")
_TRACE: Final = "trace.jsonl"


def click_stream(working_directory: Path) -> Path | None:
    """A real one in `../shared/data`, seen from the working directory; else the recorded trace of the demo."""
    folder = working_directory.parent / "shared" / "data"
    candidates = [*(folder / name for name in _REAL), bundled("shop") / _TRACE]
    return next((path for path in candidates if path.is_file()), None)

"""The statements of the folder `sql`, by name."""

from functools import cache
from pathlib import Path
from typing import Final

PARTS: Final = 4
"""Tables of records, used in turns."""
_FOLDER: Final = Path(__file__).parent / "sql"


@cache
def statement(name: str, **tables: int) -> str:
    """A statement, with the numbers of the tables it works on: `{records}`, `{seen}`, `{other}`."""
    (path,) = _FOLDER.glob(f"*/{name}.sql")
    text = path.read_text()
    for word, number in tables.items():
        text = text.replace(f"{{{word}}}", str(number))
    return text


def migrations() -> list[str]:
    """Steps of the schema, the first first; a database of version n has had the first n."""
    return [path.read_text() for path in sorted((_FOLDER / "migrations").iterdir())]

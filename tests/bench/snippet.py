"""Weight of the snippet, beside what its peers publish."""

import gzip
from pathlib import Path

from relay.core.bundled import bundled
from tests.bench.ratios import Figure

PUBLISHED_BROTLI_BYTES = {
    "search-insights (Algolia)": 3_900,
    "Snowplow JavaScript tracker lite": 20_000,
    "AWS Amplify analytics/personalize": 75_000,
}
"""Rounded, as their projects state them; not measured here."""


def run(*, rounds: int, seconds: float) -> list[Figure]:
    """Bytes on the wire; nothing is timed."""
    del rounds, seconds
    folder: Path = bundled("snippet")
    ours = len((folder / "s.js.br").read_bytes())
    plain = (folder / "s.js").read_bytes()
    rows = [
        Figure("brotli", "relay s.js", "bytes", ours, None, None, None),
        Figure("gzip", "relay s.js", "bytes", len(gzip.compress(plain, 9)), None, None, None),
        Figure("plain", "relay s.js", "bytes", len(plain), None, None, None),
    ]
    for name, size in PUBLISHED_BROTLI_BYTES.items():
        ratio = size / ours
        rows.append(Figure("brotli", name, "bytes", size, ratio, ratio, ratio))
    return rows

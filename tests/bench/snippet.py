"""Weight of the snippet, beside what its peers publish."""

import gzip
import json
import subprocess
from pathlib import Path

from relay.core.bundled import bundled
from tests.bench.ratios import Figure

PUBLISHED_BROTLI_BYTES = {
    "search-insights (Algolia)": 3_900,
    "Snowplow JavaScript tracker lite": 20_000,
    "AWS Amplify analytics/personalize": 75_000,
}
"""Rounded, as their projects state them; not measured here."""


FEATURES = {
    "clicks": ("clicks",),
    "what is seen": ("dwell", "visible", "impressions"),
    "the page's attributes": ("page", "attribute"),
    "who: sessions, tokens": ("session", "user", "token"),
    "events that wait": ("outbox", "storage", "json", "beacon"),
    "sending": ("delivery", "transport", "lifecycle"),
    "which recommendation led there": ("attribution", "cookie"),
    "values": ("event",),
    "consent, calls, start": ("tracker", "consent", "snippet"),
    "nothing reaches the page": ("bus", "guard", "env"),
}
"""What the files of js-snippet/src are there for."""


def by_feature(folder: Path, compressed: int) -> list[Figure]:
    """What each feature takes of the compressed script, by its share of the minified one; nothing without npm's."""
    root = folder.parent
    if not (root / "node_modules" / "esbuild").is_dir():
        return []
    said = subprocess.run(["node", "build.mjs", "--weights"], cwd=root, check=True, capture_output=True, text=True)
    weights: dict[str, int] = {Path(file).stem: size for file, size in json.loads(said.stdout).items()}
    share = compressed / sum(weights.values())
    rows = []
    for feature, names in FEATURES.items():
        size = round(share * sum(weights.pop(name) for name in names))
        rows.append(Figure("brotli, by share", feature, "bytes", size, None, None, None))
    assert not weights, f"no feature has {sorted(weights)}"
    return rows


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
    rows += by_feature(folder, ours)
    for name, size in PUBLISHED_BROTLI_BYTES.items():
        ratio = size / ours
        rows.append(Figure("brotli", name, "bytes", size, ratio, ratio, ratio))
    return rows

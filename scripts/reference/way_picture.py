"""The picture of the README: pages, CDN, relays, spool, Amazon Personalize. An image, for PyPI draws no diagrams."""

from html import escape
from typing import Final, NamedTuple

_WIDTH: Final = 880
_HEIGHT: Final = 346
_STYLE: Final = (
    "text{font:14px system-ui,sans-serif;fill:#1f2933;text-anchor:middle}"
    ".name{font-weight:600}.note{font-size:13px;fill:#52606d}"
    "path,line,rect,ellipse{fill:none;stroke:#52606d;stroke-width:1.5}"
    ".box{fill:#f0f6f6;stroke:#0f766e}.paper{fill:#fff;stroke:none}"
)
_HEAD: Final = (
    '<marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7"'
    ' orient="auto-start-reverse">'
    '<path d="M0 0 8 4 0 8Z" style="fill:#52606d;stroke:none"/></marker>'
)


class _Box(NamedTuple):
    """What stands at a place: its name, and what it does, a line each."""

    x: int
    y: int
    width: int
    height: int
    name: str
    does: tuple[str, ...] = ()

    def drawn(self) -> str:
        middle = self.x + self.width // 2
        lines = (self.name, *self.does)
        first = self.y + self.height // 2 - 10 * (len(lines) - 1) + 5
        text = "".join(
            f'<text class="{"note" if number else "name"}" x="{middle}" y="{first + 20 * number}">{escape(line)}</text>'
            for number, line in enumerate(lines)
        )
        frame = f'<rect class="box" x="{self.x}" y="{self.y}" width="{self.width}" height="{self.height}" rx="8"/>'
        return f"{frame}{text}"


_BOXES: Final = (
    _Box(16, 50, 170, 110, "Your pages", ("snippet, 7 kB:", "seen, clicked, bought")),
    _Box(16, 238, 170, 74, "Your backend", ("login, logout",)),
    _Box(276, 50, 104, 110, "Your CDN", ("or load", "balancer")),
    _Box(470, 38, 150, 56, "relay", ("checks, limits",)),
    _Box(470, 116, 150, 56, "relay", ("one, or several",)),
    _Box(714, 50, 150, 110, "Amazon", ("Personalize",)),
)
_ARROWS: Final = (
    (186, 92, 272, 92, "beacon", 84),
    (272, 118, 190, 118, "202", 136),
    (380, 92, 466, 70, "", 0),
    (380, 118, 466, 140, "", 0),
    (620, 70, 710, 92, "PutEvents", 70),
    (620, 140, 710, 118, "≤ 10 events", 152),
    (101, 238, 101, 164, "", 0),
)
"""From, to, a word and how high it stands."""
_SPOOL: Final = (
    '<path class="box" d="M430 252v58c0 22 230 22 230 0v-58"/><ellipse class="box" cx="545" cy="252" rx="115" ry="16"/>'
    '<text class="name" x="545" y="292">spool, on disk</text>'
    '<text class="note" x="545" y="312">SQLite, or PostgreSQL for all</text>'
    '<line x1="545" y1="232" x2="545" y2="176" marker-start="url(#head)" marker-end="url(#head)"/>'
    '<text class="note" x="556" y="208" style="text-anchor:start">fsync, then the 202</text>'
    '<text class="note" x="111" y="206" style="text-anchor:start">identity token</text>'
)
_SAYS: Final = (
    "Pages with the snippet send beacons through your CDN or load balancer to one relay or several. A relay checks"
    " them and writes the events to a spool on disk, in SQLite or in one PostgreSQL for all relays, before it answers"
    " 202. From there they go to Amazon Personalize by PutEvents, ten events a call at most. Your backend gives the"
    " page an identity token after the login."
)


def picture() -> str:
    """The SVG."""
    arrows = "".join(
        f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" marker-end="url(#head)"/>'
        + (f'<text class="note" x="{(x1 + x2) // 2}" y="{high}">{word}</text>' if word else "")
        for x1, y1, x2, y2, word, high in _ARROWS
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-labelledby="says">'
        f'<title id="says">{escape(_SAYS)}</title><style>{_STYLE}</style><defs>{_HEAD}</defs>'
        f'<rect class="paper" width="{_WIDTH}" height="{_HEIGHT}" rx="12"/>'
        f"{''.join(one.drawn() for one in _BOXES)}{arrows}{_SPOOL}</svg>\n"
    )

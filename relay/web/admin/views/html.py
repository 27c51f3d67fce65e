"""Pages as HTML, made of parts that escape whatever they are given: no text becomes markup.

Ids, names and messages stand in `<bdi>`, so that what runs from right to left turns nothing else round.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from typing import Final, NamedTuple
from urllib.parse import quote

NAV: Final = (
    ("/", "Live"),
    ("/events", "Events"),
    ("/sessions", "Sessions"),
    ("/refusals", "Refusals"),
    ("/lists", "Lists"),
    ("/losses", "Losses"),
    ("/properties", "Properties"),
    ("/buried", "Buried"),
    ("/words", "Words"),
)
_SHORT: Final = 24
_CONTROLS: Final = dict.fromkeys((*range(9), *range(11, 32), 127), "�")


class Markup(str):
    """HTML that is made already."""

    __slots__ = ()


class Counted(NamedTuple):
    """A column whose cells hold numbers, and the word of `/words` that says what they count."""

    title: str
    word: str


class Table(NamedTuple):
    """Rows with headers; a note stands there where there are none."""

    caption: str
    columns: Sequence[str | Counted]
    rows: Sequence[Sequence[object]]
    nothing: str = "none"


class Section(NamedTuple):
    """A part of a page with a heading."""

    title: str
    parts: Sequence[object]
    anchor: str = ""


def text(value: object) -> Markup:
    """Anything as it may stand in a page."""
    if isinstance(value, Markup):
        return value
    if value is None or value == "":
        return Markup("\N{EN DASH}")
    if isinstance(value, bool):
        return Markup("yes" if value else "no")
    if isinstance(value, int):
        return Markup(f"{value:,}")
    return Markup(escape(str(value).translate(_CONTROLS)))


def name(value: str) -> Markup:
    """A text of others: an id, a name, an origin. A short one is not broken where there is room."""
    kind = " class=short" if len(value) <= _SHORT else ""
    return Markup(f"<bdi{kind}>{text(value)}</bdi>") if value else text(value)


def code(value: str) -> Markup:
    """A setting or a command, as one types it."""
    return Markup(f"<code>{text(value)}</code>")


def link(href: str, value: object) -> Markup:
    """To another page; `href` is of parts made by `path`."""
    return Markup(f'<a href="{escape(href)}">{text(value)}</a>')


def path(*parts: str) -> str:
    """A path of parts that may hold anything."""
    return "/" + "/".join(quote(part, safe="") for part in parts)


def tone(kind: str, value: object) -> Markup:
    """A word that is good, bad or odd: said by the word, and shown by its colour."""
    return Markup(f'<span class="tone {kind}">{text(value)}</span>')


def moment(at_ms: int | None) -> Markup:
    """A time with date and zone, to the second."""
    if at_ms is None:
        return text(None)
    at = datetime.fromtimestamp(at_ms / 1000, UTC)
    return Markup(f'<time datetime="{at.isoformat()}">{at:%Y-%m-%d %H:%M:%S}\N{NO-BREAK SPACE}UTC</time>')


def joined(*parts: object) -> Markup:
    """Parts of one text."""
    return Markup("".join(text(part) for part in parts if part != ""))


def words(*parts: object) -> Markup:
    """A paragraph."""
    return Markup(f"<p>{joined(*parts)}</p>")


def table(one: Table) -> Markup:
    """A table that scrolls by itself where it is too wide."""
    if not one.rows:
        return Markup(f'<p class="nothing">{text(one.nothing)}</p>')
    head = "".join(f'<th role="columnheader" scope="col">{_header(column)}</th>' for column in one.columns)
    rows = "".join(_row(one, row) for row in one.rows)
    label = escape(one.caption)
    return Markup(
        f'<div class="scroll" tabindex="0" role="region" aria-label="{label}"><table role="table">'
        f'<caption>{text(one.caption)}</caption><thead role="rowgroup"><tr role="row">{head}</tr></thead>'
        f'<tbody role="rowgroup">{rows}</tbody></table></div>'
    )


def _header(column: str | Counted) -> Markup:
    return link(f"/words#{column.word}", column.title) if isinstance(column, Counted) else text(column)


def _label(column: str | Counted) -> str:
    return escape(column.title if isinstance(column, Counted) else column)


def _row(one: Table, cells: Sequence[object]) -> str:
    made = [
        f"<td role=cell{' class=number' if isinstance(cell, int) and not isinstance(cell, bool) else ''}"
        f' data-label="{_label(column)}">{text(cell)}</td>'
        for column, cell in zip(one.columns, cells, strict=True)
    ]
    return f'<tr role="row">{"".join(made)}</tr>'


def figures(pairs: Sequence[tuple[object, object, object]], label: str) -> Markup:
    """Numbers in a row, each with a name and a note."""
    parts = [
        f'<div class="figure"><dt>{text(title)}</dt><dd><span>{text(value)}</span>'
        f"<small>{text(note)}</small></dd></div>"
        for title, value, note in pairs
    ]
    return Markup(f'<dl class="figures" aria-label="{escape(label)}">{"".join(parts)}</dl>')


def page(
    title: str,
    lead: str | Markup,
    sections: Sequence[Section],
    *,
    at: str,
    now_ms: int,
    version: str,
    state: Markup,
    script: str = "/refresh.js",
) -> bytes:
    """A whole page.

    Args:
        title: Of the page.
        lead: One line under it.
        sections: What is on it.
        at: Which of `NAV` it is.
        now_ms: As of when.
        version: Of the relay.
        state: Whether the relay takes traffic.
        script: What keeps it up to date.
    """
    links = "".join(f'<a href="{href}"{" aria-current=page" if href == at else ""}>{label}</a>' for href, label in NAV)
    body = "".join(
        f"<section{f' id={quoted(one.anchor)}' if one.anchor else ''}><h2>{text(one.title)}</h2>"
        f"{''.join(str(table(part)) if isinstance(part, Table) else str(text(part)) for part in one.parts)}</section>"
        for one in sections
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{text(title)} \N{EN DASH} Personalize Relay</title>"
        f'<link rel="stylesheet" href="/relay.css"><script type="module" src="{script}"></script></head><body>'
        '<a class="skip" href="#main">To the content</a>'
        f'<header class="top"><p class="brand">Personalize Relay <small>{text(version)}</small></p>'
        f'<p id="state" role="status">{state}</p>'
        f'<nav aria-label="Pages">{links}</nav></header>'
        f'<main id="main" tabindex="-1"><h1>{text(title)}</h1><p class="lead">{text(lead)}</p>'
        f'<p class="age" id="age" data-at="{now_ms}">As of {moment(now_ms)}.</p>'
        "<noscript><p>Without JavaScript this page shows one moment: load it again for the next.</p></noscript>"
        f"{body}</main>"
        '<footer><a href="/metrics">metrics</a> <a href="/readyz">readyz</a> <a href="/status.json">status.json</a>'
        " \N{EN DASH} every page is JSON too, with <code>Accept: application/json</code></footer></body></html>"
    ).encode(errors="replace")


def quoted(value: str) -> str:
    """An attribute with its quotes."""
    return f'"{escape(value)}"'

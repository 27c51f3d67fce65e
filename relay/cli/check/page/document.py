"""A page as a browser reads it: the snippet's tags, and what the `data-relay-*` attributes mark."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import urljoin, urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

_LIST: Final = "data-relay-list"
_ITEM: Final = "data-relay-item"
_EVENT: Final = "data-relay-event"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """A script tag of the snippet."""

    src: str | None
    """Absolute."""
    attributes: dict[str, str]
    """All of them; one without a value has an empty one."""

    @property
    def token(self) -> str:
        """The site token; empty without one."""
        return self.attributes.get("data-token", "")

    @property
    def endpoint(self) -> str | None:
        """Where beacons go: beside the script, unless the tag says otherwise."""
        given = self.attributes.get("data-endpoint")
        if given is not None:
            return given
        return urljoin(self.src, "e") if self.src else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemList:
    """A `data-relay-list`."""

    recommendation_id: str
    source: str
    items: list[str]
    """The ids of what is shown in it, in order; a control inside an item is none of its own."""

    @property
    def name(self) -> str:
        """For a person to find it by."""
        return self.source or self.recommendation_id or "the list of " + (self.items[0] if self.items else "nothing")


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What a page says to the snippet."""

    tags: list[Tag]
    lists: list[ItemList]
    outside: list[str]
    """Ids of items in no list, which are no controls with an event of their own."""
    item_ids: list[str]
    """Of all items, controls and views."""
    views: list[str]
    event_types: list[str]
    values: list[str]
    policies: list[str]
    """Content security policies in the page itself."""


def read(html: str, url: str, *, prefix: str) -> Document:
    """Read a page.

    Args:
        html: The document.
        url: Where it is from.
        prefix: `RELAY_PREFIX`, by which a script is known to be the snippet.
    """
    parsed = LexborHTMLParser(html)
    base_node = parsed.css_first("base[href]")
    base = urljoin(url, _attribute(base_node, "href").strip()) if base_node is not None else url
    scripts = [_tag(node, base) for node in parsed.css("script")]
    items = parsed.css(f"[{_ITEM}]")
    shown = [node for node in items if _EVENT not in node.attributes and not _is_part(node)]
    homes = [(_around(node, _LIST), _attribute(node, _ITEM)) for node in shown]
    return Document(
        tags=[tag for tag in scripts if _is_snippet(tag, prefix)],
        lists=[
            ItemList(
                recommendation_id=_attribute(node, "data-relay-recommendation-id"),
                source=_attribute(node, "data-relay-source"),
                items=[item for home, item in homes if home is not None and home.mem_id == node.mem_id],
            )
            for node in parsed.css(f"[{_LIST}]")
        ],
        outside=[item for home, item in homes if home is None],
        item_ids=[_attribute(node, _ITEM) for node in items]
        + [_attribute(node, "data-relay-view") for node in parsed.css("[data-relay-view]")],
        views=[_attribute(node, "data-relay-view") for node in parsed.css("[data-relay-view]")],
        event_types=[_attribute(node, _EVENT) for node in parsed.css(f"[{_EVENT}]")],
        values=[_attribute(node, "data-relay-value") for node in parsed.css("[data-relay-value]")],
        policies=[
            _attribute(node, "content")
            for node in parsed.css("meta[http-equiv]")
            if _attribute(node, "http-equiv").strip().lower() == "content-security-policy"
        ],
    )


def _attribute(node: LexborNode, name: str) -> str:
    return node.attributes.get(name) or ""


def _tag(node: LexborNode, base: str) -> Tag:
    attributes = {name: value or "" for name, value in node.attributes.items()}
    src = attributes.get("src", "").strip()
    return Tag(src=urljoin(base, src) if src else None, attributes=attributes)


def _is_snippet(tag: Tag, prefix: str) -> bool:
    if "data-token" in tag.attributes:
        return True
    name = urlsplit(tag.src or "").path.removeprefix(prefix + "/")
    return name.startswith("s.") and name.endswith(".js") and "/" not in name


def _parents(node: LexborNode) -> Iterator[LexborNode]:
    around = node.parent
    while around is not None:
        yield around
        around = around.parent


def _around(node: LexborNode, name: str) -> LexborNode | None:
    return next((one for one in _parents(node) if name in one.attributes), None)


def _is_part(node: LexborNode) -> bool:
    """Whether it says once more what an item around it has said."""
    return any(one.attributes.get(_ITEM) == node.attributes.get(_ITEM) for one in _parents(node))

"""Impressions that a page forwards on their own, and sites that refuse them."""

from typing import Final

from relay.core.settings import Settings

IMPRESSION: Final = "Impression"
"""Type of the events that carry impressions nobody acted on."""


def refused_impressions(settings: Settings) -> list[str]:
    """Sites to which such events are sent, and that refuse them, one line each."""
    if not settings.forward_impressions:
        return []
    return [
        f"site {name}: RELAY_FORWARD_IMPRESSIONS sends events of type {IMPRESSION}, and its event types are without it:"
        f" they are refused; add {IMPRESSION}"
        for name, site in settings.all_sites().items()
        if site.event_types and IMPRESSION not in site.event_types
    ]

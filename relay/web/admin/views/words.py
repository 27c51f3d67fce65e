"""`/words`: what every word means that a number stands for, and what to do."""

from starlette.requests import Request

from relay.insight.remedies import REMEDIES, remedy_of
from relay.web.admin.views import html
from relay.web.admin.views.answering import View
from relay.web.routes.edge import Edge


def word(reason: str) -> html.Markup:
    """A word with a link to what it means."""
    if reason not in REMEDIES:
        return html.name(reason)
    return html.link(f"/words#{reason}", reason)


def remedy(reason: str) -> str:
    """What to do, in one line."""
    return remedy_of(reason).do


async def words(_edge: Edge, _request: Request) -> View:
    """All of them."""
    sections = [
        html.Section(
            reason,
            [
                html.words(one.means),
                html.words("To do: ", one.do, " This is normal, if there are few." if one.is_normal else ""),
            ],
            anchor=reason,
        )
        for reason, one in sorted(REMEDIES.items())
    ]
    data = {"words": {reason: {"means": one.means, "do": one.do} for reason, one in REMEDIES.items()}}
    return View("Words", "What each word on these pages means, and what to do about it.", data, sections)

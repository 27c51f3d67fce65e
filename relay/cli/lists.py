"""`personalize-relay lists`: what came of each list."""

from pathlib import Path
from typing import Any

import click

from relay.cli.admin_listener import ask, asking, say_whose
from relay.cli.screen import print_json, print_table

_COLUMNS = ("SEEN", "CLICKED", "CLICK-THROUGH", "CARTS", "PURCHASES")


@click.command()
@asking
def command(*, admin: str | None, config: Path | None, as_json: bool) -> None:
    """Show what was seen, clicked, put in the cart and bought of each list: the last day, by source and id."""
    found = ask("/lists", admin, config)
    if as_json:
        print_json(found)
        return
    for title, name in (("SOURCE", "sources"), ("RECOMMENDATION ID", "recommendations")):
        if not found[name]:
            click.echo(f"No delivered event of the last day named a {title.lower()}.", err=True)
            continue
        print_table(
            (title, *_COLUMNS), [(one["name"], *_measures(one["day"])) for one in found[name]], numbers=_COLUMNS
        )
    say_whose(found)


def _measures(one: dict[str, Any]) -> tuple[object, ...]:
    through = "-" if one["clickThrough"] is None else f"{one['clickThrough']:.1%}"
    return one["seen"], one["clicked"], through, one["carts"], one["purchases"]

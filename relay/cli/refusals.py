"""`personalize-relay refusals`: why something was not taken, by cause."""

from pathlib import Path

import click

from relay.cli.admin_listener import ask, asking, say_whose
from relay.cli.screen import moment, print_json, print_table


@click.command()
@asking
def command(*, admin: str | None, config: Path | None, as_json: bool) -> None:
    """Show what a running relay refused, rejected and dropped, by cause, the latest first, and what to do."""
    found = ask("/refusals", admin, config)
    if as_json:
        print_json(found)
        return
    if not found["refusals"]:
        click.echo("Nothing was refused.", err=True)
        say_whose(found)
        return
    rows = [
        (moment(one["lastMs"]), one["count"], one["what"], one["reason"], one["field"], one["origin"], one["site"],
         one["eventType"], one["do"])
        for one in found["refusals"]
    ]  # fmt: skip
    columns = ("LAST", "TIMES", "WHAT", "WHY", "FIELD", "ORIGIN", "SITE", "EVENT TYPE", "WHAT TO DO")
    print_table(columns, rows, numbers=("TIMES",))
    say_whose(found)

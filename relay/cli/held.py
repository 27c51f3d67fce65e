"""`personalize-relay held --user U`: what is held of a person, for an access request."""

from pathlib import Path

import click

from relay.cli.admin_listener import ask, asking, say_whose
from relay.cli.screen import harmless, print_json, print_table


@click.command()
@click.option("--user", "user_id", required=True, metavar="U", help="Whose; it goes in a body, never in a URL.")
@asking
def command(*, user_id: str, admin: str | None, config: Path | None, as_json: bool) -> None:
    """Show what the relay holds of the user U: sessions, and events pending, buried and archived.

    Needs RELAY_SECRET_KEYS. `spool erase --user U` removes it.
    """
    found = ask("/held", admin, config, body={"userId": user_id})
    if as_json:
        print_json(found)
        return
    places = [(place, count) for place, count in found["counts"].items()]
    print_table(("WHERE", "EVENTS"), [*places, ("remembered for the pages", found["remembered"])], numbers=("EVENTS",))
    for session in found["sessions"]:
        click.echo(harmless(f"session {session} is bound to this user"))
    if found["refused"]:
        click.echo("This user was erased, and is refused since.")
    if not found["complete"]:
        click.echo("Not all of it could be looked at: there may be more.", err=True)
    if found["events"]:
        rows = [(one["place"], one["session"], one["type"], one["item"], one["eventId"]) for one in found["events"]]
        print_table(("WHERE", "SESSION", "TYPE", "ITEM", "EVENT ID"), rows)
    say_whose(found)

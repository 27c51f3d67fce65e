"""`personalize-relay session ID`: what a session did, and which calls it became."""

import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click

from relay.cli.admin_listener import ask, asking, say_whose
from relay.cli.exit_codes import ExitCode
from relay.cli.screen import harmless, moment, print_json, print_table


@click.command()
@click.argument("session_id")
@asking
def command(session_id: str, *, admin: str | None, config: Path | None, as_json: bool) -> None:
    """Show what the session SESSION_ID sent, what became of each event, and the calls they left in.

    Exits 1 when nothing is known of it.
    """
    found = ask(f"/sessions/{quote(session_id, safe='')}", admin, config)
    if as_json:
        print_json(found)
    else:
        _print(found)
    if not found["timeline"] and not found["held"]["events"]:
        sys.exit(ExitCode.FAILED)


def _print(found: dict[str, Any]) -> None:
    lines, held = found["timeline"], found["held"]
    if not lines and not held["events"]:
        click.echo(harmless(f"Nothing is known of the session {found['session']}."), err=True)
        say_whose(found)
        return
    rows = [
        (moment(line["atMs"]), one["type"], one["item"], one["eventId"], one["verdict"], _drops(one), _calls(one))
        for line in lines
        for one in line.get("events", ())
    ]
    print_table(("ACCEPTED", "TYPE", "ITEM", "EVENT ID", "VERDICT", "DROPPED", "LEFT IN"), rows)
    for line in lines:
        if line["kind"] == "beacon" and line["identity"] != "none":
            click.echo(f"{moment(line['atMs'])} identity {line['identity']}")
    counts = ", ".join(f"{count:,} {place}" for place, count in held["counts"].items())
    click.echo(f"In the spool and the archive: {counts}{'' if held['complete'] else ' (not all of it was looked at)'}.")
    say_whose(found)


def _drops(one: dict[str, Any]) -> str:
    return ", ".join(f"{drop['field']} ({drop['reason']})" for drop in one["dropped"])


def _calls(one: dict[str, Any]) -> str:
    said = [f"{moment(call['atMs'])} {call['outcome']} {call['requestId'] or call['code']}" for call in one["calls"]]
    return "; ".join(said) or ("-" if one["verdict"] != "accepted" else "no call yet")

"""What the demo says on the terminal."""

from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from relay.demo.plan import Plan
from relay.demo.replay.replaying import Replayed

_TOUR = (
    ("Open the shop, scroll, and open its drawer: nothing yet.", "what is seen is only told with what is done"),
    ("Click a product.", "a Click, with the list's recommendation id and the products you saw"),
    ("Put something into the cart.", "the same recommendation id, a page later"),
    ("Sign in as Ada.", "calls carry the user, and what waited is Ada's, too"),
    ("Buy it, and look at the admin page.", "accepted = delivered; the lists and what they sold"),
)
"""What to do, and what to look at."""


def show_summary(console: Console, plan: Plan, *, offered: Path | None) -> None:
    """Where everything is, first of all; then a tour, and how to start the same by hand."""
    console.print("\n[bold]Personalize Relay[/], the whole path on this machine\n")
    for name, url, what in (
        ("Shop", plan.shop_url, "a page that embeds the snippet"),
        ("Emulator", plan.emulator_url, "what Amazon Personalize received"),
        ("Relay", f"{plan.relay_url}/r", "where beacons go"),
        ("Admin", plan.admin_url, "what the relay saw; /metrics"),
    ):
        colour = "bold green" if name == "Shop" else "default"
        # Narrow terminals break the line before the remark, never inside an address.
        console.print(f"  [bold]{name:10}[/][{colour}]{url}[/]", soft_wrap=True)
        console.print(f"            {what}", style="dim", soft_wrap=True)
    console.print("\n[bold]A tour[/]")
    for number, (do, look) in enumerate(_TOUR, 1):
        console.print(f"  {number}. {do}", soft_wrap=True)
        console.print(f"     {look}", style="dim", soft_wrap=True)
    if offered is not None:
        how = (
            "Type [bold]r[/] and Enter to send it through the relay, [bold]r 1000[/] for a thousand times its own pace."
            if console.is_terminal
            else "[bold]make replay[/] sends it through a demo of its own."
        )
        console.print(f"\nA click stream is here, {escape(offered.name)}. {how}")
    console.print("\nThe same by hand; logs and data are in this folder, too:", style="dim")
    console.print(f"  cd {plan.logs}", style="dim", markup=False, soft_wrap=True)
    for part in plan.parts:
        settings = "".join(f"{name}={value} " for name, value in part.settings.items())
        console.print(f"  {settings}{part.shown}", style="dim", markup=False, soft_wrap=True)
    console.print("\nCtrl-C stops everything.\n")


def replay_bar(console: Console) -> Progress:
    """The progress of a replay, in events."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("events"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
    )


def show_figures(console: Console, replayed: Replayed) -> None:
    """What was sent, what arrived, and whether the promises hold."""
    sent, found, totals = replayed.sent, replayed.arrived, replayed.totals
    rejected = sent.rejected.total()
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in sorted(sent.rejected.items()))
    table = Table.grid(padding=(0, 3))
    table.add_column(justify="left")
    table.add_column(justify="right")
    table.add_column()
    for name, figure, remark in (
        ("events sent", f"{sent.events:,}", f"in {sent.beacons:,} beacons, {sent.retries:,} sent again"),
        ("accepted", f"{len(sent.accepted):,}", "on disk before the answer"),
        ("rejected", f"{rejected:,}", reasons),
        ("delivered", f"{len(found.event_ids):,}", "distinct events in the emulator"),
        ("buried", f"{totals.buried:,}", ""),
        ("pending", f"{totals.pending:,}", ""),
        ("sessions", f"{len(found.users):,}", f"{sum(bool(users) for users in found.users.values()):,} with a user"),
        ("calls", f"{found.calls:,}", f"the largest of {found.largest_call} events"),
        ("events a call", f"{found.events / max(found.calls, 1):.2f}", ""),
        (
            "seconds",
            f"{replayed.seconds:,.1f}",
            f"{sent.events / max(replayed.seconds, 0.001):,.0f} events/s",
        ),
    ):
        table.add_row(name, f"[bold]{figure}[/]", f"[dim]{escape(remark)}[/]")
    console.print(f"\n[bold]{escape(replayed.stream.name)}[/] ({escape(replayed.stream.kind)})\n")
    console.print(table)
    for line in replayed.broken:
        console.print(f"[bold red]broken:[/] {escape(line)}")
    if not replayed.broken:
        console.print("\n[green]accepted = delivered[/]; no call over 10 events, none mixes sessions or users\n")

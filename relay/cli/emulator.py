"""`personalize-relay emulator`: the local Amazon Personalize as a process."""

import random
import re
from pathlib import Path
from typing import Final

import click

from relay.emulator import DEFAULT_QUOTAS, DEFAULT_REGION, Emulator, JournalError
from relay.emulator.serving import EmulatorServer, listen

_REGION: Final = re.compile("[a-z0-9-]{1,32}")


def _region(_context: click.Context, _option: click.Parameter, value: str) -> str:
    if not _REGION.fullmatch(value):
        raise click.BadParameter(f"{value!r} is no name of a region, like {DEFAULT_REGION}")
    return value


@click.command(name="emulator", short_help="Run only the local Amazon Personalize.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8082, show_default=True, type=click.IntRange(0, 65535), help="0: any free one.")
@click.option("--data", type=click.Path(file_okay=False, path_type=Path), help="Keep what comes in this folder.")
@click.option(
    "--state-seconds",
    default=2.0,
    show_default=True,
    type=click.FloatRange(0, 3600),
    help="How long creating and deleting a resource takes.",
)
@click.option(
    "--tracking-id",
    metavar="ID",
    help="Start with dataset group, datasets and an ACTIVE event tracker named `demo`, with this tracking id.",
)
@click.option(
    "--quota-put-events",
    default=DEFAULT_QUOTAS["PutEvents"],
    show_default=True,
    type=click.FloatRange(1),
    help="PutEvents calls a second and dataset group.",
)
@click.option(
    "--quota-put-records",
    default=DEFAULT_QUOTAS["PutItems"],
    show_default=True,
    type=click.FloatRange(1),
    help="PutUsers and PutItems calls a second and dataset group, each.",
)
@click.option(
    "--s3-dir",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder that stands for S3: s3://bucket/key is the file bucket/key in it. Without it there is no S3.",
)
@click.option(
    "--min-interactions",
    default=0,
    show_default=True,
    type=click.IntRange(0),
    help="Interactions an import, or a training, must have; the service wants 1000.",
)
@click.option(
    "--region",
    default=DEFAULT_REGION,
    show_default=True,
    envvar=("AWS_REGION", "AWS_DEFAULT_REGION"),
    show_envvar=True,
    metavar="NAME",
    callback=_region,
    help="In the ARNs of what is there from the start; what a call makes has the region the call was signed for.",
)
@click.option("--seed", type=int, help="Make ids repeat from run to run.")
@click.option(
    "--allow-host",
    "allow_hosts",
    multiple=True,
    metavar="NAME",
    help="Answer to this name too, at / and /_emulator/; may be repeated.",
)
@click.option(
    "--allow-origin",
    "allow_origins",
    multiple=True,
    metavar="ORIGIN",
    help="Let pages of this origin read /_emulator/; may be repeated.",
)
def command(
    *,
    host: str,
    port: int,
    data: Path | None,
    state_seconds: float,
    tracking_id: str | None,
    quota_put_events: float,
    quota_put_records: float,
    s3_dir: Path | None,
    min_interactions: int,
    region: str,
    seed: int | None,
    allow_hosts: tuple[str, ...],
    allow_origins: tuple[str, ...],
) -> None:
    """Run a local Amazon Personalize for any AWS client whose secret access key is `emulator`."""
    quotas = {
        **DEFAULT_QUOTAS,
        "PutEvents": quota_put_events,
        "PutUsers": quota_put_records,
        "PutItems": quota_put_records,
    }
    emulator = Emulator(
        rng=None if seed is None else random.Random(seed),  # noqa: S311  # ids that repeat are what it is for
        state_seconds=state_seconds,
        quotas=quotas,
        data_dir=data,
        region=region,
        seed_tracking_id=tracking_id,
        s3_dir=s3_dir,
        min_interactions=min_interactions,
    )
    try:
        emulator.open()
    except (JournalError, OSError) as error:
        raise click.ClickException(str(error)) from None
    try:
        listener = listen(host, port)
    except OSError as error:
        raise click.ClickException(f"can't listen on {host}:{port}: {error.strerror}") from None
    shown_host = "127.0.0.1" if host in {"0.0.0.0", "::"} else host  # noqa: S104  # only compared
    shown_host = f"[{shown_host}]" if ":" in shown_host else shown_host
    banner = f"Emulator ready: http://{shown_host}:{listener.getsockname()[1]}"
    server = EmulatorServer(
        emulator, started=lambda: click.echo(banner), allow_hosts=allow_hosts, allow_origins=allow_origins
    )
    server.run(sockets=[listener])

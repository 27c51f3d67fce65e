"""What the commands that talk to Amazon Personalize share: one run, exit codes, and lines that show progress."""

import asyncio
import sys
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.status import Status

from relay.cli.exit_codes import ExitCode
from relay.personalize.errors import (
    CertificateError,
    CredentialsError,
    EndpointError,
    InvalidInputError,
    PersonalizeError,
    RegionError,
    ResourceAlreadyExistsError,
    TooManyTagsError,
)

Result = TypeVar("Result")

_WRONG_USE = (InvalidInputError, TooManyTagsError, CredentialsError, CertificateError, RegionError, EndpointError)


def run(work: Callable[[], Coroutine[Any, Any, Result]], *, passing: tuple[type[PersonalizeError], ...] = ()) -> Result:
    """Run a command's work to its end; what the service refuses is one line on stderr and the exit code.

    Input, credentials or region to be corrected are wrong use, what exists already is nothing to do, the rest has
    failed. Errors of the types in `passing` are the caller's.
    """
    try:
        return asyncio.run(work())
    except passing:
        raise
    except PersonalizeError as error:
        click.echo(str(error), err=True)
        sys.exit(exit_code(error))
    except OSError as error:  # a file or folder of the user's: the disk is full, or not ours to write to
        click.echo(str(error), err=True)
        sys.exit(ExitCode.FAILED)


def exit_code(error: PersonalizeError) -> ExitCode:
    """The exit code an error ends in."""
    if isinstance(error, ResourceAlreadyExistsError):
        return ExitCode.NOTHING_TO_DO
    return ExitCode.WRONG_USE if isinstance(error, _WRONG_USE) else ExitCode.FAILED


@contextmanager
def status_line(what: str) -> Generator[Callable[[str, float], None], None, None]:
    """A live line on stderr; where that is no terminal, a line for each change instead.

    Yields:
        To be called with a status and the seconds waited so far.
    """
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    if console.is_terminal:
        with Status(what, console=console) as live:
            yield lambda status, waited_s: live.update(f"{what}: {status}, {waited_s:.0f} s")
        return
    seen = ""

    def on_status(status: str, waited_s: float) -> None:
        nonlocal seen
        if status != seen:
            seen = status
            click.echo(f"{what}: {status} ({waited_s:.0f} s)", err=True)

    yield on_status

"""`personalize-relay spool`: look at the spool and repair it."""

from relay.cli.spool.commands import command

__all__ = ["command"]

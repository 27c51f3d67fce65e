"""`personalize-relay check`: what would be, and what is wrong with it."""

from relay.cli.check.check import command

__all__ = ["command"]

"""`personalize-relay put`: files of users, items, actions and past interactions."""

from relay.cli.put.commands import command

__all__ = ["command"]

"""`personalize-relay token`: mint tokens and look at them."""

from relay.cli.token.commands import command

__all__ = ["command"]

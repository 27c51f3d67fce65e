"""`personalize-relay check --page URL`: whether the snippet is installed right on a page of the shop."""

from relay.cli.check.page.look import look_at

__all__ = ["look_at"]

"""The tree of errors. Expected failures are values (`Outcome`, a rejection reason); these are surprises."""


class RelayError(Exception):
    """Everything the relay raises on purpose. The docstring is the default message."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (self.__doc__ or "").strip().partition("\n")[0])


class SettingsError(RelayError):
    """The settings are not usable."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems
        """One line a problem, all of them."""


class SpoolError(RelayError):
    """The spool cannot do this now; nothing was taken."""


class SpoolFullError(SpoolError):
    """The spool holds as many bytes as it may; nothing was taken."""


class SpoolLockedError(SpoolError):
    """Another process uses this spool."""


class SpoolVersionError(SpoolError):
    """The spool was written by a newer version."""


class SpoolOlderError(SpoolVersionError):
    """The spool was written by an older version; the next start brings it up, a command that only reads does not."""

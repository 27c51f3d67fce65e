"""How the command ends."""

from enum import IntEnum


class ExitCode(IntEnum):
    """What the shell sees."""

    DONE = 0
    """Done."""
    FAILED = 1
    """Failed at run time: a service, a disk or a file said no."""
    WRONG_USE = 2
    """Wrong use or settings; on stderr a line for each problem."""
    NOTHING_TO_DO = 3
    """Nothing to do, because it already is so."""

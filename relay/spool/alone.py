"""What is simple where one process has the spool: there is nobody else."""

from relay.spool.contract import Lease


class Alone:
    """The verbs of `relay.spool.contract.Spool` that are about other relays."""

    def is_ours(self, _lease: Lease) -> bool:
        """See `Spool.is_ours`: always."""
        return True

    def step_aside(self) -> None:
        """See `Spool.step_aside`: there is nobody who could go on."""

    def share(self) -> float:
        """See `Spool.share`: all of it."""
        return 1.0

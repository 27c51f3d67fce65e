"""How many files the process may open, and how many connections that leaves room for."""

from typing import Final

from relay.web.listener import bounds

RESERVED_FILES: Final = 256
"""For the spool, the admin listener, calls to the service and what is just being refused."""

_MOST_FILES: Final = 65536


def raise_limit() -> int:
    """Take what the system allows: the soft limit is raised to the hard one, or as far as it goes.

    Returns:
        Files this process may open.
    """
    try:
        import resource  # noqa: PLC0415 - not on every platform
    except ImportError:
        return _MOST_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (OSError, ValueError):  # macOS allows less than it says
            wanted = soft
    return max(soft, wanted)


def room(files: int, *, others: int) -> int:
    """Connections that a public listener may hold.

    Args:
        files: That the process may open.
        others: Of them for what is neither reserved nor a client's, such as calls in flight.
    """
    return max(32, min(bounds.MAX_CONNECTIONS, files - RESERVED_FILES - others))

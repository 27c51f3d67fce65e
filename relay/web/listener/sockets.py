"""Listening sockets."""

import socket

from relay.core.errors import RelayError


def bind(host: str, port: int, *, variable: str) -> socket.socket:
    """A listening socket; port 0 takes a free one.

    Raises:
        RelayError: the address cannot be used; says which variable names it.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        bound = socket.socket(family, kind, protocol)
    except OSError as error:
        raise RelayError(f"cannot listen on {host}:{port}: {error.strerror}; set {variable}") from None
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.listen(2048)
    except OSError as error:
        bound.close()
        raise RelayError(f"cannot listen on {host}:{port}: {error.strerror}; set {variable}") from None
    bound.setblocking(False)
    return bound


def url_of(bound: socket.socket) -> str:
    """`http://HOST:PORT` of a bound socket."""
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

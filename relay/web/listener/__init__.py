"""Our own HTTP/1.1 server: what faces strangers, and every bound they meet.

    bytes ─► connection ─► request ─┬► straight ─► BeaconAnswer      a POST to the beacons' path
             httptools,    head     └► asgi ─► the application       everything else
             pieces        checked

A connection parses with httptools, in pieces, one request after the other. A beacon goes straight to its endpoint as
soon as it is whole; whatever else comes is run as ASGI. `server` accepts, watches the deadlines and ends it all;
`shares` says who has to go when there is no room; `bounds` has every number.
"""

from relay.web.listener.server import Listener, listening
from relay.web.listener.sockets import bind, url_of
from relay.web.listener.straight import Straight

__all__ = ["Listener", "Straight", "bind", "listening", "url_of"]

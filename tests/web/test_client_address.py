"""The client's network: whom to believe."""

from ipaddress import ip_network

import pytest

from relay.web.routes.client_address import ClientAddress

PROXIES = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


def key(client: str | None, header: str | None = None, *, name: str | None = "X-Forwarded-For") -> str:
    headers = {} if header is None else {b"x-forwarded-for": header.encode("latin-1")}
    return ClientAddress(header=name, trusted=PROXIES).key(client, headers)


def test_the_peer_counts_when_no_header_is_configured() -> None:
    assert key("10.0.0.1", "198.51.100.7", name=None) == "10.0.0.1"


def test_a_stranger_s_header_is_not_believed() -> None:
    assert key("203.0.113.9", "198.51.100.7") == "203.0.113.9"


def test_a_proxy_s_header_is_believed() -> None:
    assert key("10.0.0.1", "198.51.100.7") == "198.51.100.7"


def test_the_right_most_stranger_counts_not_what_the_client_claims() -> None:
    assert key("10.0.0.1", "1.2.3.4, 198.51.100.7, 10.9.9.9") == "198.51.100.7"


@pytest.mark.parametrize("junk", ["", "<script>", "unknown", "999.1.1.1", "a" * 5000, "10.1.1.1", ","])
def test_junk_in_the_header_falls_back_to_the_peer(junk: str) -> None:
    assert key("10.0.0.1", junk) == "10.0.0.1"


@pytest.mark.parametrize(
    "spelling", ["198.51.100.7:46532", "198.51.100.7", "[::ffff:198.51.100.7]:443", "::ffff:198.51.100.7"]
)
def test_spellings_of_one_address_are_one_key(spelling: str) -> None:
    assert key("10.0.0.1", spelling) == "198.51.100.7"


@pytest.mark.parametrize("spelling", ["2001:db8:1:2:3::4", "[2001:db8:1:2::9]:443", "2001:db8:1:2:ffff::"])
def test_ipv6_is_keyed_by_its_64(spelling: str) -> None:
    assert key("fd00::1", spelling) == "2001:db8:1:2::/64"


def test_a_request_without_an_address_has_a_key() -> None:
    assert key(None) == "unknown"
    assert key("testclient") == "unknown"

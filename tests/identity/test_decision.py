"""Who sent a beacon: the rules, one by one, and the attacks they close."""

import re

import pytest

from relay.core.model import Identity
from relay.identity.decision import Decision, Identities, IdentityResult
from relay.identity.tokens import IdentityClaims, SiteClaims, Tokens
from relay.spool.schedule.bindings import Bindings
from relay.wire.session_id import is_session_id
from tests.support.clock import FakeClock

KEY = "k" * 32
S1, S2 = "session-1-0123456789", "session-2-0123456789"


class Edge:
    """Identities as the relay puts them together."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.tokens = Tokens([KEY], clock=self.clock, identity_max_age_s=3600, leeway_s=0)
        self.bindings = Bindings(clock=self.clock, ttl_s=86_400)
        self.erased: set[str] = set()
        self.identities = Identities(
            verify=self.tokens.identity, sessions=self.bindings, erased=self.erased, secret_key=KEY
        )

    def login(self, user: str, session: str | None = None) -> str:
        return self.tokens.mint(IdentityClaims(user, session))

    def decide(self, session: str, token: object = None, *, site: str = "shop") -> Decision:
        decision = self.identities.decide(site=site, target="t", session_id=session, token=token)
        assert isinstance(decision, Decision), "nobody has to be asked"
        return decision

    def trust(self, session: str, user: str | None) -> Decision:
        decision = self.identities.trust(site="shop", target="t", session_id=session, user_id=user)
        assert isinstance(decision, Decision), "nobody has to be asked"
        return decision


@pytest.fixture
def edge() -> Edge:
    return Edge()


def test_without_token_or_binding_a_session_is_anonymous(edge: Edge) -> None:
    assert edge.decide(S1) == Decision(Identity("shop", S1), IdentityResult.NONE)


def test_a_valid_token_names_the_user_and_binds_the_session(edge: Edge) -> None:
    decision = edge.decide(S1, edge.login("u1"))
    assert (decision.identity, decision.result) == (Identity("shop", S1, "u1"), IdentityResult.OK)
    assert decision.binding is not None
    assert (decision.binding.user_id, decision.binding.target) == ("u1", "t")
    assert edge.decide(S1).identity == Identity("shop", S1, "u1")


def test_sites_that_share_a_tracker_share_its_sessions(edge: Edge) -> None:
    edge.decide(S1, edge.login("u1"))
    assert edge.decide(S1, site="other").identity.user_id == "u1"


def test_a_token_for_this_session_is_ok_and_for_another_a_mismatch(edge: Edge) -> None:
    assert edge.decide(S1, edge.login("u1", S1)).result is IdentityResult.OK
    decision = edge.decide(S2, edge.login("u1", S1))
    assert decision == Decision(Identity("shop", S2), IdentityResult.MISMATCH)
    assert edge.decide(S2).identity.user_id is None


def test_a_mismatch_on_a_bound_session_sends_no_user(edge: Edge) -> None:
    edge.decide(S1, edge.login("u1"))
    assert edge.decide(S1, edge.login("u2", S2)).identity == Identity("shop", S1)
    assert edge.decide(S1).identity.user_id == "u1"


def test_an_expired_token_leaves_the_session_as_it_was(edge: Edge) -> None:
    old = edge.login("u1")
    edge.clock.advance(3601)
    assert edge.decide(S1, old) == Decision(Identity("shop", S1), IdentityResult.EXPIRED)
    edge.decide(S1, edge.login("u1"))
    decision = edge.decide(S1, old)
    assert (decision.identity.user_id, decision.result) == ("u1", IdentityResult.EXPIRED)


@pytest.mark.parametrize("token", ["junk", 5, {}, [], True, "\ud800", "x" * 10**6], ids=lambda value: repr(value)[:10])
def test_an_invalid_token_leaves_the_session_as_it_was(edge: Edge, token: object) -> None:
    assert edge.decide(S1, token) == Decision(Identity("shop", S1), IdentityResult.INVALID)


def test_a_site_token_is_no_identity(edge: Edge) -> None:
    assert edge.decide(S1, edge.tokens.mint(SiteClaims("u1"))).result is IdentityResult.INVALID


def test_a_token_signed_with_another_key_is_no_identity(edge: Edge) -> None:
    forged = Tokens(["x" * 32], clock=edge.clock).mint(IdentityClaims("victim"))
    assert edge.decide(S1, forged) == Decision(Identity("shop", S1), IdentityResult.INVALID)


def test_a_second_user_of_a_session_gets_a_session_of_their_own(edge: Edge) -> None:
    edge.decide(S1, edge.login("u1"))
    decision = edge.decide(S1, edge.login("u2"))
    assert decision.result is IdentityResult.CONFLICT
    assert decision.identity.user_id == "u2"
    assert decision.identity.session_id != S1
    assert decision.binding is not None
    assert decision.binding.session_id == decision.identity.session_id
    assert edge.decide(S1).identity == Identity("shop", S1, "u1")
    again = edge.decide(S1, edge.login("u2"))
    assert again.identity == decision.identity
    third = edge.decide(S1, edge.login("u3"))
    assert len({S1, decision.identity.session_id, third.identity.session_id}) == 3


def test_a_second_user_gets_a_session_of_their_own_after_the_binding_has_ended_too(edge: Edge) -> None:
    edge.decide(S1, edge.login("u1"))
    edge.clock.advance(86_400)
    assert edge.decide(S1) == Decision(Identity("shop", S1), IdentityResult.NONE)
    decision = edge.decide(S1, edge.login("u2"))
    assert decision.result is IdentityResult.CONFLICT
    assert decision.identity == Identity("shop", edge.identities.derived_session("t", S1, "u2"), "u2")
    back = edge.decide(S1, edge.login("u1"))
    assert (back.identity, back.result) == (Identity("shop", S1, "u1"), IdentityResult.OK)
    assert back.binding is not None


def test_sites_that_share_a_tracker_share_a_second_user_s_session_too(edge: Edge) -> None:
    edge.decide(S1, edge.login("u1"), site="blog")
    here, there = edge.decide(S1, edge.login("u2")), edge.decide(S1, edge.login("u2"), site="blog")
    assert here.result is there.result is IdentityResult.CONFLICT
    assert here.identity.session_id == there.identity.session_id


def test_a_derived_session_is_well_formed_and_depends_on_everything(edge: Edge) -> None:
    derive = edge.identities.derived_session
    ids = {derive("shop", S1, "u2"), derive("shop", S2, "u2"), derive("shop", S1, "u3"), derive("other", S1, "u2")}
    ids |= {derive("sh", "op" + S1, "u2"), derive("shop", S1 + "u", "2")}
    assert len(ids) == 6
    assert all(is_session_id(one) and re.fullmatch(r"second~[\w-]{43}", one) for one in ids)
    other_key = Identities(verify=edge.tokens.identity, sessions=edge.bindings, erased=(), secret_key="other" * 8)
    assert other_key.derived_session("shop", S1, "u2") not in ids


def test_whoever_works_out_a_derived_session_still_gets_no_user_mixed_in(edge: Edge) -> None:
    edge.decide(S1, edge.login("u1"))
    derived = edge.decide(S1, edge.login("u2")).identity.session_id
    attack = edge.decide(derived, edge.login("u3"))
    assert attack.result is IdentityResult.CONFLICT
    assert attack.identity.session_id not in (S1, derived)


def test_a_derived_session_that_became_somebody_else_s_after_an_erasure_stays_theirs(edge: Edge) -> None:
    edge.decide(S1, edge.login("u1"))
    derived = edge.decide(S1, edge.login("u2")).identity.session_id
    edge.bindings.forget(user_id="u2")
    assert edge.decide(derived, edge.login("u3")).identity == Identity("shop", derived, "u3")
    back = edge.decide(S1, edge.login("u2"))
    assert (back.identity.user_id, back.result) == ("u2", IdentityResult.CONFLICT)
    assert back.identity.session_id not in (S1, derived)
    assert back.binding is not None
    assert back.binding.page_session == S1
    assert edge.decide(S1, edge.login("u2")).identity == back.identity


def test_a_binding_lives_on_while_its_session_is_used(edge: Edge) -> None:
    decision = edge.decide(S1, edge.login("u1"))
    for _ in range(10):
        edge.clock.advance(40_000)
        decision = edge.decide(S1)
        assert decision.identity.user_id == "u1"
        if decision.binding:
            edge.bindings.saved(decision.binding)


def test_the_token_of_an_erased_user_is_invalid(edge: Edge) -> None:
    token = edge.login("u1")
    edge.erased.add("u1")
    assert edge.decide(S1, token) == Decision(Identity("shop", S1), IdentityResult.INVALID)


def test_a_backend_s_user_binds_as_a_token_does(edge: Edge) -> None:
    decision = edge.trust(S1, "u1")
    assert decision.identity == Identity("shop", S1, "u1")
    anonymous = edge.trust(S1, None)
    assert anonymous.identity.user_id == "u1"
    conflict = edge.trust(S1, "u2")
    assert conflict.result is IdentityResult.CONFLICT

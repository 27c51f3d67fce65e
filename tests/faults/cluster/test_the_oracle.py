"""What a run takes for wrong, and what it does not."""

import pytest

from tests.faults.oracle import ERASURE_GRACE_MS, Oracle
from tests.faults.visits import Visit, Visits

VISITS = Visits(1)
ERASED_MS = 1_795_312_345_000


def of_a_user() -> Visit:
    return next(visit for number in range(1000) if (visit := VISITS.visit(number)).user_id and not visit.is_second)


@pytest.mark.parametrize(
    ("promised", "under_the_name", "wrongs"),
    [
        (False, False, {}),
        (False, True, {"erased but delivered": 1}),
        (True, False, {"erased but delivered": 1, "wrong user": 1}),
        (True, True, {"erased but delivered": 1}),
    ],
)
def test_what_comes_after_an_erasure_is_nobodys_and_nobody_was_promised_it(
    promised: bool, under_the_name: bool, wrongs: dict[str, int]
) -> None:
    oracle, visit = Oracle(VISITS), of_a_user()
    oracle.begin(visit)
    oracle.posts(visit, 1, ERASED_MS - 500, token=True, turn=0)
    answer = {"accepted": 1, "rejected": [], "identity": "ok"}
    oracle.answered_202(visit, 0, 1, answer, slowest_ms=1, logged_in=True)
    oracle.posts(visit, 1, ERASED_MS - 400, token=False, turn=1)
    if promised:
        oracle.answered_202(visit, 1, 1, answer, slowest_ms=1, logged_in=False)
    oracle.forgets(visit)
    oracle.erased(visit, ERASED_MS)
    event = VISITS.event(visit.number, 1) | {"sentAt": (ERASED_MS - 400) // 1000}
    user = {"userId": visit.user_id} if under_the_name else {}
    body = {"sessionId": visit.page_session_id, "eventList": [event], **user}
    oracle.took({"body": body, "status": 200}, ERASED_MS + ERASURE_GRACE_MS + 1)
    found = oracle.verdict([])
    assert {name: count for name, count in found.wrongs.items() if count} == wrongs, found.stories

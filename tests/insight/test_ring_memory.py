"""What is remembered for the pages takes no more memory than its bound says, whatever strangers send."""

import gc
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from tests.support.relay import running_relay

SHAPES: dict[str, list[dict[str, Any]]] = {
    "ordinary": [{"eventType": "Click", "itemId": f"p{n}", "properties": {"price": 1.5}} for n in range(3)],
    "empty": [{}] * 500,
    "minimal": [{"eventType": "x"}] * 500,
    "nested": [{"eventType": "x", "sentAt": 1, "properties": {"a": [[[]]] * 10}}] * 200,
    "seen": [{"eventType": "x", "itemId": "p", "impression": ["a"] * 25}] * 300,
    "dropped": [{"eventType": "x", "eventValue": "q", "recommendationId": 1, "impression": 1}] * 300,
}


@pytest.mark.parametrize("shape", SHAPES)
async def test_what_is_remembered_takes_no_more_than_is_counted(
    tmp_path: Path, shape: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool, sink = f"sqlite:///{tmp_path}/s.db", f"jsonl:{tmp_path}/out"
    async with running_relay(spool_url=spool, sink=sink, rate_limit_ip="off", rate_limit_session="off") as relay:
        insight = relay.relay.edge.insight
        monkeypatch.setattr(insight.ring, "admits", lambda *_: True)  # no sample
        for counted in (False, True):  # what is made once is made the first time
            insight.caught_up().forget(lambda _: True)
            if counted:
                tracemalloc.start(1)
            for number in range(20):
                await relay.send(*SHAPES[shape], session=f"session-{number:020}-{counted}")
            await relay.delivered()
            ring = insight.caught_up()
        kept = list(ring.newest_first())
        size = sum(one.size for one in kept)
        assert len(kept) >= 20
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        kept.clear()
        ring.forget(lambda _: True)
        gc.collect()
        freed = before - tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        assert freed <= 1.25 * size, (freed, size)

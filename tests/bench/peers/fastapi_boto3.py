"""Peer (b1): what people write today - FastAPI, boto3 in the thread pool, one PutEvents a request, nothing stored."""

import boto3
from fastapi import FastAPI

from tests.bench.peers.fastapi_beacon import Beacon, entries

app = FastAPI()
client = boto3.client("personalize-events")


@app.post("/r/e", status_code=202)
def collect(beacon: Beacon) -> dict[str, int]:
    client.put_events(trackingId="bench", sessionId=beacon.sessionId, eventList=entries(beacon))
    return {"accepted": len(beacon.eventList)}

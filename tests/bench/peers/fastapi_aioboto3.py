"""Peer (b2): FastAPI, one shared aioboto3 client, one PutEvents a request, nothing stored."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aioboto3
from fastapi import FastAPI, Request

from tests.bench.peers.fastapi_beacon import Beacon, entries


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with aioboto3.Session().client("personalize-events") as client:
        app.state.client = client
        yield


app = FastAPI(lifespan=lifespan)


@app.post("/r/e", status_code=202)
async def collect(beacon: Beacon, request: Request) -> dict[str, int]:
    await request.app.state.client.put_events(trackingId="bench", sessionId=beacon.sessionId, eventList=entries(beacon))
    return {"accepted": len(beacon.eventList)}

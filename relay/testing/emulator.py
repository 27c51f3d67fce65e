"""An emulator in a thread of the test's own process."""

import asyncio
import csv
import io
import random
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, TypeVar

import msgspec

from relay.emulator import SECRET, Emulator
from relay.emulator.jobs.attribution import streamed_metrics
from relay.emulator.runtime.training import training_csv
from relay.emulator.serving import EmulatorServer, listen
from relay.emulator.wire.errors import AwsError
from relay.emulator.wire.faults import FaultSpec
from relay.testing.loading import load_interactions, load_records
from relay.testing.recorded import RecordedCall

T = TypeVar("T")

DEFAULT_TRACKING_ID: Final = "11111111-2222-4333-8444-555555555555"
_REGION: Final = "us-east-1"
_POLL_S: Final = 0.01


class PersonalizeEmulator:
    """A local Amazon Personalize on a free port of 127.0.0.1, for any AWS client in any process of this machine.

    It begins with a dataset group, datasets of interactions and items, and an ACTIVE event tracker, each named `demo`.
    Use it in a `with`, or call `start` and `stop`. Its methods may be called from any thread.
    """

    def __init__(
        self,
        *,
        tracking_id: str = DEFAULT_TRACKING_ID,
        state_seconds: float = 0.0,
        s3_dir: Path | None = None,
        data_dir: Path | None = None,
        quotas: Mapping[str, float] | None = None,
        min_interactions: int = 0,
        seed: int | None = 0,
        port: int = 0,
        allow_origins: Iterable[str] = (),
    ) -> None:
        """One that is not yet started.

        Args:
            tracking_id: Of the event tracker it begins with.
            state_seconds: How long making and deleting a resource takes; 0 for at once.
            s3_dir: An existing folder that stands for S3 in the service's jobs: `s3://bucket/key` is bucket/key in it.
            data_dir: Where it keeps what it got; None keeps everything in memory.
            quotas: Operation to calls a second; None: no quota at all. `relay.emulator.DEFAULT_QUOTAS` are the
                service's.
            min_interactions: What an import and a training need; the service wants 1000.
            seed: Makes its ids repeat; None for ids of chance.
            port: 0 is any free one.
            allow_origins: Origins whose pages may read `/_emulator/`.
        """
        self.tracking_id = tracking_id
        self._options: dict[str, Any] = {
            "rng": None if seed is None else random.Random(seed),  # noqa: S311  # ids that repeat are what it is for
            "state_seconds": state_seconds,
            "quotas": quotas or {},
            "data_dir": data_dir,
            "s3_dir": s3_dir,
            "min_interactions": min_interactions,
            "seed_tracking_id": tracking_id,
            "max_dataset_groups": 500,
        }
        self._allow_origins = tuple(allow_origins)
        self._port = port
        self._running: _Running | None = None

    def start(self) -> "PersonalizeEmulator":
        """Start it, and wait until it takes calls.

        Raises:
            OSError: The port is taken.
            RuntimeError: It is running already, or did not start; its log says why.
        """
        if self._running is not None:
            raise RuntimeError("the emulator is running already")
        self._running = _Running(Emulator(**self._options), self._port, self._allow_origins)
        return self

    def stop(self) -> None:
        """Stop it, and wait until its port is free. Stopping twice is stopping once."""
        running, self._running = self._running, None
        if running is not None:
            running.stop()

    def __enter__(self) -> "PersonalizeEmulator":
        return self.start()

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Its base URL, `http://127.0.0.1:PORT`: the endpoint of all three services, and a page for people."""
        return self._now.url

    @property
    def client_options(self) -> dict[str, Any]:
        """For `client("personalize-events", **options)` of boto3 and aioboto3, whichever of the three services."""
        return {
            "endpoint_url": self.url,
            "region_name": _REGION,
            "aws_access_key_id": "test",
            "aws_secret_access_key": SECRET,
        }

    @property
    def env(self) -> dict[str, str]:
        """AWS variables for a process that is to call it: the relay, your backend, the AWS CLI."""
        services = ("PERSONALIZE", "PERSONALIZE_EVENTS", "PERSONALIZE_RUNTIME")
        return {
            "AWS_REGION": _REGION,
            "AWS_DEFAULT_REGION": _REGION,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_EC2_METADATA_DISABLED": "true",
            **{f"AWS_ENDPOINT_URL_{service}": self.url for service in services},
        }

    def arn(self, path: str) -> str:
        """The ARN of a resource of its account: `dataset/demo/ITEMS`, `campaign/home`, ..."""
        return self._now.emulator.arn(path)

    def load(
        self,
        *,
        items: Iterable[Mapping[str, Any]] = (),
        users: Iterable[Mapping[str, Any]] = (),
        actions: Iterable[Mapping[str, Any]] = (),
        interactions: Iterable[Mapping[str, Any]] = (),
        dataset_group: str = "demo",
    ) -> None:
        """Put data into the datasets of a dataset group, as import jobs would, at once and beside what is there.

        A dataset, or a column of its schema, that is missing is made.

        Args:
            items: `{"itemId": "p1", "price": 19.9, "category": "tents|outdoor"}` and so on.
            users: The same with `userId`.
            actions: The same with `actionId`.
            interactions: `{"userId": "ada", "itemId": "p1", "eventType": "View", "timestamp": 1719511760}`;
                `timestamp` is in seconds and may be left out, as may `eventType` (then `View`).
            dataset_group: Its name.

        Raises:
            ValueError: An id is missing, or there is no such dataset group.
        """

        def fill(emulator: Emulator) -> None:
            load_records(emulator, dataset_group, "items", items)
            load_records(emulator, dataset_group, "users", users)
            load_records(emulator, dataset_group, "actions", actions)
            load_interactions(emulator, dataset_group, interactions)

        try:
            self._do(fill)
        except AwsError as error:
            raise ValueError(error.message) from None

    def calls(self, operation: str | None = None, *, taken: bool | None = None) -> list[RecordedCall]:
        """Calls that came, oldest first.

        Args:
            operation: Only of this one, `PutEvents` for example.
            taken: Only those it acted on, or only those it did not.
        """

        def found(emulator: Emulator) -> list[RecordedCall]:
            return [
                RecordedCall(
                    call.n,
                    call.operation,
                    call.status,
                    call.taken,
                    _decoded(call.body),
                    call.error,
                    call.message,
                    call.time_ms,
                )
                for call in emulator.calls.after(0, operation=operation)
                if taken in (None, call.taken)
            ]

        return self._do(found)

    def events(self) -> list[dict[str, Any]]:
        """Every event of every PutEvents it took, oldest first, each with its call's `sessionId` and `userId`."""
        return [
            {name: call.body[name] for name in ("sessionId", "userId") if name in call.body} | event
            for call in self.calls("PutEvents", taken=True)
            for event in call.body["eventList"]
        ]

    def interactions(self) -> list[dict[str, str]]:
        """The events as Personalize would train on them: sessions joined to users, repeats left out; by column."""
        text = self._do(lambda emulator: "".join(training_csv(emulator)))
        return list(csv.DictReader(io.StringIO(text)))

    def metrics(self) -> list[dict[str, Any]]:
        """What metric attributions tell CloudWatch: `metricName`, `eventAttributionSource`, `value`, ..."""
        return self._do(streamed_metrics)

    def wait_for_events(self, count: int, *, timeout_s: float = 10.0) -> list[dict[str, Any]]:
        """The events, as `events` gives them, once there are so many.

        Raises:
            TimeoutError: There were fewer when the time was over.
        """
        deadline = time.monotonic() + timeout_s  # noqa: TID251  # it waits for another process, whose clock this is
        while len(events := self.events()) < count:
            if time.monotonic() > deadline:  # noqa: TID251  # the same
                raise TimeoutError(f"{len(events)} of {count} events came within {timeout_s} seconds")
            time.sleep(_POLL_S)  # between two looks at another process, which does not say when a call has come
        return events

    def misbehave(self, **faults: Any) -> None:
        """Go wrong from now on, as `PUT /_emulator/faults` has it: `throttling=0.5`, `server_error={"limit": 1}`, ...

        Nothing at all: behave again. Each call replaces what was set before.

        Raises:
            ValueError: There is no such fault.
        """
        try:
            spec = msgspec.convert(faults, FaultSpec)
        except msgspec.ValidationError as error:
            raise ValueError(str(error)) from None
        self._do(lambda emulator: emulator.faults.apply(spec))

    def forget(self) -> None:
        """Forget every call and what came with them: events, users, items, actions. Resources and faults stay."""
        self._do(lambda emulator: emulator.forget_calls())

    @property
    def _now(self) -> "_Running":
        if self._running is None:
            raise RuntimeError("the emulator is not running")
        return self._running

    def _do(self, what: Callable[[Emulator], T]) -> T:
        return self._now.do(what)


class _Running:
    """A server in its thread."""

    def __init__(self, emulator: Emulator, port: int, allow_origins: tuple[str, ...]) -> None:
        self.emulator = emulator
        listener = listen("127.0.0.1", port)
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self._told = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._server = EmulatorServer(emulator, started=self._started, allow_origins=allow_origins)
        serve = {"sockets": [listener]}
        self._thread = threading.Thread(target=self._server.run, kwargs=serve, name="personalize-emulator", daemon=True)
        self._thread.start()
        self._told.wait()
        if not self._server.started:
            self._thread.join()
            listener.close()
            raise RuntimeError("the emulator did not start; its log says why")

    def do(self, what: Callable[[Emulator], T]) -> T:
        """Do something in the server's own thread, between two requests."""

        async def done() -> T:
            return what(self.emulator)

        assert self._loop is not None  # noqa: S101  # it is running
        return asyncio.run_coroutine_threadsafe(done(), self._loop).result()

    def stop(self) -> None:
        assert self._loop is not None  # noqa: S101  # it is running
        self._loop.call_soon_threadsafe(self._server.stop)
        self._thread.join()

    def _started(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._told.set()


def _decoded(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None

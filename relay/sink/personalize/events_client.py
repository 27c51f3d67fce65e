"""botocore's client of `personalize-events`, async, without botocore on the way of a call.

The requests are those botocore makes, the answers and errors those it gives. Beyond that: every limit of the service
is checked before anything is sent, a call has a deadline, and none is made again unless that is asked for.
"""

import asyncio
import json
import random
import uuid
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, Never, Unpack, cast

import aioboto3

from relay.core.clock import Clock, SystemClock
from relay.core.model import Operation
from relay.sink.personalize import client_errors, request_types
from relay.sink.personalize.account import Account
from relay.sink.personalize.answers import may_pass, parsed
from relay.sink.personalize.caller import Caller
from relay.sink.personalize.connection import HttpError, Response
from relay.sink.personalize.parameters import BadParametersError, Parameters
from relay.sink.personalize.service_model import METHODS

_LONGEST_PAUSE_S: Final = 20.0
_PAGED: Final = frozenset[Operation]()
"""Operations that answer in pages."""


class ClientMeta:
    """About a client: what botocore's of that name has, but for botocore's own objects."""

    def __init__(self, region_name: str, endpoint_url: str) -> None:
        self.region_name = region_name
        """The region calls are signed for."""
        self.endpoint_url = endpoint_url
        """Where they go."""
        self.method_to_api_mapping: Mapping[str, str] = {name: str(one.operation) for name, one in METHODS.items()}
        """Operation by method."""


class EventsClient:
    """See `events_client`, which makes it."""

    def __init__(
        self,
        caller: Caller,
        *,
        check_limits: bool,
        deadline_s: float,
        retries: int,
        chance: random.Random,
        new_id: Callable[[], uuid.UUID],
    ) -> None:
        self.meta = ClientMeta(caller.place.region, caller.place.url)
        """Region, endpoint, names of operations."""
        self.waiter_names: list[str] = []
        """There are none."""
        self._caller = caller
        self._parameters = {name: Parameters(name, check_limits=check_limits) for name in METHODS}
        self._deadline_s = deadline_s
        self._retries = retries
        self._chance = chance
        self._new_id = new_id

    @property
    def exceptions(self) -> client_errors.Exceptions:
        """A class for each error the service's model names, all of them botocore's `ClientError`."""
        return client_errors.exceptions()

    async def put_events(self, *args: Never, **kwargs: Unpack[request_types.PutEventsRequest]) -> request_types.Answer:
        """Record up to 10 events of one session.

        Raises:
            ClientError: of botocore: the service says no. `exceptions` has a class for each modelled code.
            ParamValidationError: of botocore: these cannot be the arguments, or a limit of the service is passed;
                nothing was sent.
            BotoCoreError: of botocore: no credentials, no connection, no answer within the deadline
                (`ReadTimeoutError`, `ConnectTimeoutError`).
        """
        return await self._call("put_events", args, kwargs)

    async def put_items(self, *args: Never, **kwargs: Unpack[request_types.PutItemsRequest]) -> request_types.Answer:
        """Put up to 10 items into a dataset; raises as `put_events` does."""
        return await self._call("put_items", args, kwargs)

    async def put_users(self, *args: Never, **kwargs: Unpack[request_types.PutUsersRequest]) -> request_types.Answer:
        """Put up to 10 users into a dataset; raises as `put_events` does."""
        return await self._call("put_users", args, kwargs)

    async def put_actions(
        self, *args: Never, **kwargs: Unpack[request_types.PutActionsRequest]
    ) -> request_types.Answer:
        """Put up to 10 actions into a dataset; raises as `put_events` does."""
        return await self._call("put_actions", args, kwargs)

    async def put_action_interactions(
        self, *args: Never, **kwargs: Unpack[request_types.PutActionInteractionsRequest]
    ) -> request_types.Answer:
        """Record up to 10 interactions with actions; raises as `put_events` does."""
        return await self._call("put_action_interactions", args, kwargs)

    async def generate_presigned_url(
        self,
        ClientMethod: str,  # noqa: N803 - botocore's name
        Params: Mapping[str, Any] | None = None,  # noqa: N803 - the same
        ExpiresIn: int = 3600,  # noqa: N803 - the same
        HttpMethod: str | None = None,  # noqa: N803 - the same
    ) -> str:
        """A URL that makes one call for whoever has it.

        Args:
            ClientMethod: Name of the method, `put_events` say.
            Params: Its arguments.
            ExpiresIn: Seconds the URL is good for.
            HttpMethod: Instead of POST.

        Raises:
            UnknownClientMethodError: of botocore: there is no such method.
            ParamValidationError, BotoCoreError: as `put_events` does.
        """
        if ClientMethod not in METHODS:
            raise client_errors.unknown_method(ClientMethod)
        query = self._query_of(ClientMethod, Params or {})
        return await self._caller.presigned(
            METHODS[ClientMethod].operation, HttpMethod or "POST", query, expires_in=ExpiresIn
        )

    def can_paginate(self, operation_name: str) -> bool:
        """Whether a method answers in pages; none does. `KeyError` for a method that is none."""
        return METHODS[operation_name].operation in _PAGED

    def get_paginator(self, operation_name: str) -> Never:
        """Raises botocore's `OperationNotPageableError`; `KeyError` for a method that is none."""
        self.can_paginate(operation_name)
        raise client_errors.not_pageable(operation_name)

    def get_waiter(self, waiter_name: str) -> Never:
        """Raises `ValueError`: the service has no waiters."""
        raise ValueError(f"Waiter does not exist: {waiter_name}")

    async def close(self) -> None:
        """Close every connection."""
        await self._caller.close()

    # ── a call ──────────────────────────────────────────────────────────────────────────────────────────────

    async def _call(self, method: str, args: tuple[object, ...], given: Mapping[str, Any]) -> request_types.Answer:
        if args:
            raise TypeError(f"{method}() only accepts keyword arguments.")
        operation = METHODS[method].operation
        body = self._body_of(method, given)
        loop = asyncio.get_running_loop()
        until_s = loop.time() + self._deadline_s
        call_id = self._new_id()
        for attempt in range(1, self._retries + 2):
            last = attempt == self._retries + 1
            headers = f"amz-sdk-invocation-id: {call_id}\r\namz-sdk-request: attempt={attempt}\r\n"
            came = await self._once(operation, body, headers, until_s)
            if isinstance(came, Response) and came.status < 300:
                return cast("request_types.Answer", parsed(came, attempt - 1))
            pause_s = self._chance.random() * min(2.0 ** (attempt - 1), _LONGEST_PAUSE_S)
            last = last or loop.time() + pause_s >= until_s
            if isinstance(came, Response):
                answer = parsed(came, attempt - 1)
                again = may_pass(came, answer.get("Error", {}).get("Code"))
                if again and last:
                    answer["ResponseMetadata"]["MaxAttemptsReached"] = True
                error = client_errors.refusal(answer, operation)
            else:
                again = isinstance(came, (OSError, HttpError))
                error = client_errors.no_answer(came, self._caller.url(operation))
            if last or not again:
                raise error
            await asyncio.sleep(pause_s)
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def _once(self, operation: Operation, body: bytes, headers: str, until_s: float) -> Response | Exception:
        came: asyncio.Future[Response | Exception] = asyncio.get_running_loop().create_future()

        def done(result: Response | Exception) -> None:
            if not came.done():  # who asked may have gone
                came.set_result(result)

        self._caller.call(operation, body, done, until_s=until_s, headers=headers)
        return await came

    def _body_of(self, method: str, given: Mapping[str, Any]) -> bytes:
        try:
            return self._parameters[method].body(given)
        except BadParametersError as error:
            raise client_errors.bad_parameters(str(error)) from None

    def _query_of(self, method: str, given: Mapping[str, Any]) -> dict[str, Any]:
        return cast("dict[str, Any]", json.loads(self._body_of(method, given)))


@asynccontextmanager
async def events_client(
    *,
    region_name: str | None = None,
    endpoint_url: str | None = None,
    aws_access_key_id: str | None = None,
    aws_secret_access_key: str | None = None,
    aws_session_token: str | None = None,
    session: aioboto3.Session | None = None,
    check_limits: bool = True,
    deadline_s: float = 10.0,
    retries: int = 0,
    max_connections: int = 32,
    clock: Clock | None = None,
) -> AsyncGenerator[EventsClient]:
    """A client of one region; everything AWS's own variables and files say holds, unless it is said here.

    Args:
        region_name: Of the service.
        endpoint_url: Instead of the service's own.
        aws_access_key_id: With the next one, instead of the credentials found.
        aws_secret_access_key: See above.
        aws_session_token: With those two.
        session: Where region and credentials come from instead.
        check_limits: Whether the service's maxima, patterns and sizes are checked before sending.
        deadline_s: Seconds a call may take, all its attempts together.
        retries: How often a call that was throttled, or failed on the way or in the service, is made again. Events
            without `eventId` may be recorded twice then.
        max_connections: Calls in flight at most; more wait their turn.
        clock: For the time in signatures.

    Raises:
        BotoCoreError: of botocore: no region is set, or the profile does not exist.
        ValueError: the endpoint is not a URL.
    """
    if aws_access_key_id is not None or aws_secret_access_key is not None:
        session = aioboto3.Session(aws_access_key_id, aws_secret_access_key, aws_session_token, region_name=region_name)
    account = Account(session, endpoint_url)
    place = await account.place(region_name)
    client = EventsClient(
        Caller(account, place, limit=max_connections, clock=clock or SystemClock()),
        check_limits=check_limits,
        deadline_s=deadline_s,
        retries=retries,
        chance=random.Random(),  # noqa: S311 - jitter, not a secret
        new_id=uuid.uuid4,  # noqa: TID251 - the composition root of this client
    )
    try:
        yield client
    finally:
        await client.close()

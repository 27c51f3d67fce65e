"""The way to the control plane of Amazon Personalize: one attempt a call, and one place that tries again."""

import asyncio
import os
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import urlsplit

import aioboto3
import botocore.session
import msgspec
from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from botocore.exceptions import UnknownRegionError

from relay.core.clock import Clock, SystemClock
from relay.personalize.errors import (
    CredentialsError,
    EndpointError,
    PersonalizeError,
    RegionError,
    UnexpectedAnswerError,
    UnreachableError,
    confirmed,
    mapped_errors,
)

if TYPE_CHECKING:  # the stubs are a development dependency
    from types_aiobotocore_personalize import PersonalizeClient

Answer = TypeVar("Answer", bound=Mapping[str, Any])
Thing = TypeVar("Thing")

_CONNECT_TIMEOUT_S: Final = 5
_READ_TIMEOUT_S: Final = 20
_TRIES: Final = 5
"""Together about 7 seconds of waiting: control-plane throttling passes within that."""
_FIRST_PAUSE_S: Final = 0.3
_MAX_PAUSE_S: Final = 5.0
_MAY_BE_MISSING: Final = ("nextToken", "domain")
"""Of the answers' fields."""
_AWS_HOSTS: Final = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws", ".api.amazonwebservices.com.cn")


def described(part: object, kind: type[Thing], operation: str) -> Thing:
    """A part of an answer as the type it should be.

    Raises:
        UnexpectedAnswerError: a field is missing, or is something else.
    """
    try:
        return msgspec.convert(part, kind, strict=False)
    except msgspec.ValidationError as error:
        message = f"the answer is not as it should be: {error}"
        raise UnexpectedAnswerError(message, operation=operation) from error


class Connection:
    """An open way to the service in one account and region; made by `connect`.

    The client makes exactly one attempt a call; `ask` is what tries again.
    """

    def __init__(
        self,
        *,
        control: "PersonalizeClient",
        clock: Clock,
        sleep: Callable[[float], Awaitable[None]],
        chance: random.Random,
    ) -> None:
        self.control = control
        """Dataset groups, schemas, datasets, event trackers."""
        self.clock = clock
        self.sleep = sleep
        self._chance = chance

    @property
    def region(self) -> str:
        """The region the calls go to."""
        return str(self.control.meta.region_name)

    async def ask(self, operation: str, call: "Callable[[PersonalizeClient], Awaitable[Answer]]") -> Answer:
        """Make one control-plane call; throttled, unreachable and failed ones are tried again for some seconds.

        Only for calls that may be repeated. A create that was done although its answer got lost
        answers `ResourceAlreadyExistsError` when repeated.

        Raises:
            PersonalizeError: the service said no, or none of the tries got through.
        """
        for attempt in range(1, _TRIES):
            try:
                return await self._once(operation, call)
            except PersonalizeError as error:
                if isinstance(error, UnreachableError) and not self._is_served():
                    known = ", ".join(self._regions())
                    message = f"Amazon Personalize is not in {self.region}, as far as is known here; it is in {known}"
                    raise RegionError(message) from error
                if not error.transient:
                    raise
            await self.sleep(min(_MAX_PAUSE_S, _FIRST_PAUSE_S * 2**attempt) * self._chance.uniform(0.5, 1.0))
        return await self._once(operation, call)

    async def _once(self, operation: str, call: "Callable[[PersonalizeClient], Awaitable[Answer]]") -> Answer:
        with mapped_errors(operation):
            answer = await call(self.control)
        metadata: Mapping[str, Any] = answer.get("ResponseMetadata", {})
        confirmed(metadata.get("RequestId"), operation)
        output = self.control.meta.service_model.operation_model(operation).output_shape
        missing = [] if output is None else [name for name in output.members if name not in (*_MAY_BE_MISSING, *answer)]
        if missing:
            message = f"the answer has no {', '.join(missing)}"
            raise UnexpectedAnswerError(message, operation=operation)
        return answer

    def _is_served(self) -> bool:
        """Whether the service is in this region, as far as botocore knows; an endpoint of one's own always is."""
        host = urlsplit(self.control.meta.endpoint_url).hostname or ""
        return not host.endswith(_AWS_HOSTS) or self.region in self._regions()

    def _regions(self) -> list[str]:
        session = botocore.session.Session()
        try:
            partition = session.get_partition_for_region(self.region)
        except UnknownRegionError:
            partition = "aws"
        return session.get_available_regions("personalize", partition_name=partition)


@asynccontextmanager
async def connect(
    *,
    region: str | None = None,
    clock: Clock | None = None,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    chance: random.Random | None = None,
) -> AsyncGenerator[Connection, None]:
    """Open the client, with region, credentials and endpoints from the ordinary AWS variables and files.

    Opening makes no call: wrong credentials show at the first one.

    Args:
        region: Instead of the one of `AWS_REGION` or the profile.
        clock: For deadlines of waits.
        sleep: How to wait.
        chance: For jitter.

    Raises:
        CredentialsError: the profile that is named does not exist.
        RegionError: no region is set.
        EndpointError: an endpoint that is set is not a URL.
    """
    config = AioConfig(
        connect_timeout=_CONNECT_TIMEOUT_S,
        read_timeout=_READ_TIMEOUT_S,
        retries={"total_max_attempts": 1, "mode": "standard"},
        parameter_validation=True,
    )
    async with AsyncExitStack() as stack:
        with mapped_errors():
            try:
                session = aioboto3.Session(region_name=region or _region_of_environment())
                # Of the services' stubs only those of Personalize are installed.
                client = session.client  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
                control = await stack.enter_async_context(client("personalize", config=config))
            except ValueError as error:  # botocore's for "Invalid endpoint: ..."
                raise EndpointError(str(error)) from error
        yield Connection(
            control=control,
            clock=clock or SystemClock(),
            sleep=sleep,
            chance=chance or random.Random(),  # noqa: S311 - jitter, not a secret
        )


async def missing_credentials() -> CredentialsError | None:
    """Why there are no credentials to sign a call with, or None where there are some; makes no call of the service.

    For who has no region: `connect` says only that, and credentials are looked for at the first call.
    """
    try:
        with mapped_errors():
            found = await get_session().get_credentials()  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - no stubs
            return CredentialsError("Unable to locate credentials") if found is None else None
    except CredentialsError as error:
        return error


def _region_of_environment() -> str | None:
    # boto3 reads AWS_DEFAULT_REGION only; every other SDK says AWS_REGION.
    return os.environ.get("AWS_REGION") or None  # noqa: TID251 - an AWS variable, read where AWS's own are

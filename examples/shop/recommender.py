"""Recommendations of Amazon Personalize for the shop's pages, and what sells best where there are none."""

import json
import logging
import secrets
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import aioboto3
from aiobotocore.config import AioConfig
from botocore.exceptions import BotoCoreError, ClientError

from catalog import POPULAR, PRODUCTS, Product, products

_log = logging.getLogger("shop")

_ASKED: Final = 100
"""More than is shown: what the shop does not sell is left out."""

_FAST: Final = AioConfig(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 1})
"""A page never waits long for its recommendations."""


@dataclass(frozen=True, slots=True)
class Recommended:
    """Products to show, and which recommendation they are; None for what simply sells best."""

    products: list[Product]
    id: str | None = None


class Recommender:
    """Asks a campaign of Personalize; endpoint and credentials come from the ordinary AWS variables."""

    def __init__(self, runtime: Any, campaign_arn: str) -> None:
        self._runtime = runtime
        self._campaign_arn = campaign_arn

    async def for_visitor(self, visitor: str | None, count: int, *, without: Sequence[str] = ()) -> Recommended:
        """For a user, by user id; for somebody anonymous, by the session id the snippet made.

        On a visitor's first page there is neither, and a name nobody has stands for them: the service then says what is
        popular, with a recommendation id that the first click can carry.
        """
        return await self._ask(count, without, userId=visitor or secrets.token_hex(16))

    async def with_product(self, product: Product, visitor: str | None, count: int) -> Recommended:
        """What is seen together with a product."""
        user = {"userId": visitor} if visitor else {}
        return await self._ask(count, (product.id,), itemId=product.id, **user)

    async def _ask(self, count: int, without: Sequence[str], **who: str) -> Recommended:
        try:
            answer = await self._runtime.get_recommendations(campaignArn=self._campaign_arn, numResults=_ASKED, **who)
        except (BotoCoreError, ClientError) as error:
            _log.warning("no recommendations: %s", error)
            return _bestsellers(count, without)
        ids = [item["itemId"] for item in answer["itemList"] if item["itemId"] not in without]
        found = products(ids)[:count]
        if not found:
            return _bestsellers(count, without)
        more = [product for product in products(POPULAR) if product not in found and product.id not in without]
        return Recommended([*found, *more][:count], answer["recommendationId"])


@asynccontextmanager
async def open_recommender(*, campaign_arn: str, items_dataset_arn: str | None) -> AsyncGenerator[Recommender]:
    """Connect, and tell Personalize what there is to recommend."""
    async with AsyncExitStack() as stack:
        session = aioboto3.Session()
        runtime = await stack.enter_async_context(session.client("personalize-runtime", config=_FAST))
        if items_dataset_arn:
            events = await stack.enter_async_context(session.client("personalize-events", config=_FAST))
            await _put_items(events, items_dataset_arn)
        yield Recommender(runtime, campaign_arn)


async def _put_items(events: Any, dataset_arn: str) -> None:
    items = [
        {"itemId": product.id, "properties": json.dumps({"category": product.category, "price": product.price})}
        for product in PRODUCTS.values()
    ]
    try:
        for start in range(0, len(items), 10):
            await events.put_items(datasetArn=dataset_arn, items=items[start : start + 10])
    except (BotoCoreError, ClientError) as error:
        _log.warning("the catalogue did not arrive: %s", error)


def _bestsellers(count: int, without: Sequence[str]) -> Recommended:
    return Recommended([product for product in products(POPULAR) if product.id not in without][:count])

"""Tags of resources: what they may hold, and the three operations on them."""

import unicodedata
from typing import Final

import msgspec

from relay.core import limits
from relay.emulator.control.inputs import ListTagsForResource, Tag, TagResource, UntagResource
from relay.emulator.control.kinds import UNTAGGED
from relay.emulator.control.resources import Resource
from relay.emulator.state import Emulator
from relay.emulator.wire.errors import AwsError, invalid, not_found

_PATTERN: Final = "A tag may hold letters, numbers, spaces and _ . : / = + - @ only."
_PUNCTUATION: Final = frozenset("_.:/=+-@")


def checked_tags(tags: list[Tag], *, had: dict[str, str] | None = None) -> dict[str, str]:
    """Key to value of these tags, added to those a resource had.

    Raises:
        AwsError: TooManyTagsException above the limit; InvalidInputException for a key or a value that may not be.
    """
    result = dict(had or {})
    for tag in tags:
        if tag.tag_key.lower().startswith("aws:"):
            raise invalid("Tag keys that begin with aws: are reserved.")
        if not (_is_tag_text(tag.tag_key) and _is_tag_text(tag.tag_value)):
            raise invalid(_PATTERN)
        result[tag.tag_key] = tag.tag_value
    if max(len(tags), len(result)) > limits.MAX_TAGS:
        raise AwsError("TooManyTagsException", f"A resource may have {limits.MAX_TAGS} tags at most.")
    return result


def tag_resource(emulator: Emulator, call: TagResource) -> bytes:
    """TagResource."""
    resource = _taggable(emulator, call.resource_arn)
    emulator.registry.tag(resource, checked_tags(call.tags, had=resource.tags))
    return b"{}"


def untag_resource(emulator: Emulator, call: UntagResource) -> bytes:
    """UntagResource."""
    if len(call.tag_keys) > limits.MAX_TAGS:
        raise AwsError("TooManyTagKeysException", f"{limits.MAX_TAGS} tag keys at most.")
    if not all(map(_is_tag_text, call.tag_keys)):
        raise invalid(_PATTERN)
    resource = _taggable(emulator, call.resource_arn)
    gone = frozenset(call.tag_keys)
    emulator.registry.tag(resource, {key: value for key, value in resource.tags.items() if key not in gone})
    return b"{}"


def list_tags_for_resource(emulator: Emulator, call: ListTagsForResource) -> bytes:
    """ListTagsForResource."""
    resource = _taggable(emulator, call.resource_arn)
    return msgspec.json.encode({"tags": [{"tagKey": k, "tagValue": v} for k, v in resource.tags.items()]})


def _taggable(emulator: Emulator, arn: str) -> Resource:
    resource = emulator.registry.find(arn)
    if resource is None:
        raise not_found(f"Resource Arn {arn} does not exist.")
    if resource.kind in UNTAGGED:
        raise invalid(f"{arn} is of a kind that has no tags.")
    return resource


def _is_tag_text(text: str) -> bool:
    return all(char in _PUNCTUATION or unicodedata.category(char)[0] in "LZN" for char in text)

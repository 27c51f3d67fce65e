"""Answers of the service as botocore reads them."""

import http.client
import json
from collections.abc import Mapping
from typing import Any, Final, cast

from relay.sink.personalize.connection import Response

MODELLED: Final = ("InvalidInputException", "ResourceInUseException", "ResourceNotFoundException")
"""Errors of the service model; each has a `message`."""
_THROTTLED: Final = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "RequestThrottledException",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
    }
)
_PASSING: Final = frozenset({429, 500, 502, 503, 504, 509})


def parsed(answered: Response, retried: int) -> dict[str, Any]:
    """The answer as a dict: `ResponseMetadata`, and `Error` where it is one.

    Args:
        answered: As it came.
        retried: How many calls went before it.
    """
    headers = answered.headers
    made: dict[str, Any] = {}
    metadata: dict[str, Any] = {}
    if answered.status > 300:
        made["Error"], metadata, message = _error(answered)
        if made["Error"]["Code"] in MODELLED and message is not None:
            made["message"] = message
    elif "x-amzn-requestid" in headers:
        metadata["RequestId"] = headers["x-amzn-requestid"]
    elif "x-amz-request-id" in headers:
        metadata |= {"RequestId": headers["x-amz-request-id"], "HostId": headers.get("x-amz-id-2", "")}
    metadata |= {"HTTPStatusCode": answered.status, "HTTPHeaders": dict(headers), "RetryAttempts": retried}
    return {"ResponseMetadata": metadata, **made}


def may_pass(answered: Response, code: str) -> bool:
    """Whether botocore's own retries would try again."""
    return answered.status in _PASSING or (answered.status == 400 and code in _THROTTLED)


def code_of(headers: Mapping[str, str], body: Mapping[str, Any]) -> Any:
    """The error's code, from the header, else from the body, without namespace and URL; None where there is none."""
    code = headers.get("x-amzn-errortype")
    if code is None:
        code = body.get("code", body.get("Code"))
    if code is None:
        code = body.get("__type")
    return code.split(":", 1)[0].rsplit("#", 1)[-1] if isinstance(code, str) else code


def object_in(body: bytes) -> dict[str, Any] | None:
    """The JSON object a body is, if it is one."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return cast("dict[str, Any]", found) if isinstance(found, dict) else None


def _error(answered: Response) -> tuple[dict[str, Any], dict[str, Any], Any]:
    """`Error`, what `ResponseMetadata` begins with, and the body's `message`."""
    status, headers = answered.status, answered.headers
    stripped = answered.body.strip()
    if status >= 500 and (not stripped or stripped.startswith(b"<html>")):
        return {"Code": str(status), "Message": http.client.responses.get(status, "")}, {}, None
    body = object_in(answered.body)
    if body is None:
        body = {"message": answered.body.decode(errors="replace")} if answered.body else {}
    code = code_of(headers, body)
    if code is None:
        code = "" if "__type" in body else str(status)
    error = {"Message": body.get("message", body.get("Message", "")), "Code": code}
    request_id = headers.get("x-amzn-requestid")
    return error, {} if request_id is None else {"RequestId": request_id}, body.get("message")

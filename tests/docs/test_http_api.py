"""The examples of docs/http-api.md, run as they stand against a relay."""

import asyncio
import json
import os
import re

from relay.identity.tokens import ALL_SCOPES, IdentityClaims, ServerClaims, Tokens
from tests.support.relay import KEY, running_edge
from tests.support.tree import ROOT

PAPER = (ROOT / "docs/http-api.md").read_text()
ANSWERS = [
    {"accepted": 1, "rejected": [], "identity": "none"},
    {"accepted": 1, "rejected": [], "identity": "ok"},
    {"accepted": 1, "rejected": []},
    {"accepted": 1, "rejected": []},
    {},  # a token, looked at below
    {"erased": 0},
    {"allowed": True},
]


async def test_every_curl_line_of_the_http_api_does_what_it_says() -> None:
    examples = re.findall(r"```sh\n(.*?)```", PAPER, re.DOTALL)
    async with running_edge() as edge:
        server = Tokens([KEY], clock=edge.clock).mint(ServerClaims("default", ALL_SCOPES))
        env = os.environ | {"RELAY": edge.url, "SITE_TOKEN": edge.site_token, "SERVER_TOKEN": server}
        for example, expected in zip(examples, ANSWERS, strict=True):
            pipe = asyncio.subprocess.PIPE
            curl = await asyncio.create_subprocess_shell(example, env=env, stdout=pipe, stderr=pipe)
            stdout, stderr = await curl.communicate()
            assert (curl.returncode, stderr) == (0, b"")
            answer = json.loads(stdout)
            if "accepted" not in answer and "identity" in answer:
                assert isinstance(edge.edge.tokens.identity(answer["identity"]), IdentityClaims)
            else:
                assert answer == expected

"""Makes the calls it reads from standard input with the AWS CLI, in one process, and writes what came of each."""

import contextlib
import io
import json
import re
import sys
from typing import Any

from awscli.clidriver import create_clidriver  # type: ignore[import-untyped]  # it has no types
from botocore import xform_name

_ERROR = re.compile(r"An error occurred \((\w+)\)")


def main() -> None:
    """The output of each call, or the code of its error."""
    given: dict[str, Any] = json.load(sys.stdin)
    results: list[dict[str, Any]] = []
    options = ["--endpoint-url", given["endpoint"], "--output", "json", "--no-paginate"]
    driver = create_clidriver()
    for call in given["calls"]:
        command = [call["service"], xform_name(call["operation"], "-"), "--cli-input-json", json.dumps(call["input"])]
        out, problems = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(problems):
            driver.main([*command, *options])
        found = _ERROR.search(problems.getvalue())
        text = out.getvalue()
        code = found[1] if found else (problems.getvalue() or None)
        results.append({"code": code, "output": json.loads(text) if text else {}})
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main()

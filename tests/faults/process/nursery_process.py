"""What `nursery` starts: it has imported the relay, and for each line it reads forks a child that serves.

Says `born PID` and `dead PID CODE` on stdout, where its children print their banner, too; CODE is negative for a
signal.
"""

import functools
import os
import sys
from functools import partial

import botocore.session
from botocore.loaders import JSONFileLoader

import relay.cli.serve
import relay.compose.lifecycle
from relay.__main__ import main

__all__ = ["relay"]


def read_service_models() -> None:
    """Read what each life reads from the AWS client's own files, once; a life that changed it would change its copy."""
    read = JSONFileLoader.load_file
    once = functools.cache(partial(read, JSONFileLoader()))
    setattr(JSONFileLoader, "load_file", lambda _, file_path: once(file_path))  # noqa: B010  not to be typed as an override
    botocore.session.get_session().create_client("personalize-events", region_name="eu-west-1")


def serve() -> int:
    """What the command does, in a child; its exit code."""
    sys.argv = ["personalize-relay", "serve"]
    try:
        main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def say(*words: object) -> None:
    """A line, in one write: a child may say something at the same time."""
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def run() -> None:
    """One child after the other, until stdin ends."""
    read_service_models()
    say("ready")
    while sys.stdin.readline():
        pid = os.fork()
        if not pid:
            code = serve()
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
        say("born", pid)
        _, status = os.waitpid(pid, 0)
        say("dead", pid, os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    run()

"""`make mutations`: each fault that was there once is put back, and has to be noticed. ARGS="words" takes only some."""

import argparse
import sys
import time

from tests.mutations.runner import Mutation, OutdatedError, mutations, not_green, unnoticed


def main() -> None:
    parser = argparse.ArgumentParser(prog="make mutations", description=__doc__)
    parser.add_argument("words", nargs="*", help="only those with one of these in their name or fault")
    words = [word.lower() for word in parser.parse_args().words]
    wanted = [
        one for one in mutations() if not words or any(word in f"{one.name} {one.fault}".lower() for word in words)
    ]
    if not wanted:
        sys.exit("no mutation has such a name")
    failing = not_green(test for one in wanted for test in one.tests)
    if failing:
        sys.exit(f"tests fail without any mutation:\n{failing}")
    missed = sum(not noticed(one) for one in wanted)
    print(f"{len(wanted) - missed} of {len(wanted)} mutations were noticed")  # noqa: T201
    sys.exit(1 if missed else 0)


def noticed(mutation: Mutation) -> bool:
    """Whether every test that should has failed; printed."""
    began_s = time.monotonic()
    try:
        wrong = unnoticed(mutation)
    except OutdatedError as error:
        wrong = [str(error)]
    print(f"{'MISSED' if wrong else 'noticed'} {time.monotonic() - began_s:4.0f} s  {mutation.name}", flush=True)  # noqa: T201
    for one in wrong:
        print(f"        {one}", flush=True)  # noqa: T201
    return not wrong


if __name__ == "__main__":
    main()

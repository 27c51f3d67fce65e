"""What `make mutations` puts back is still there to be put back, and is told from what is not."""

from pathlib import Path

import pytest

from tests.mutations.runner import Edit, Mutation, OutdatedError, apply, mutations, unnoticed
from tests.support.tree import ROOT

TEST = "tests/web/listener/test_turns.py::test_who_waits_already_does_not_wait_twice"


def test_every_mutation_fits_the_code_and_names_tests_that_are_there(tmp_path: Path) -> None:
    for number, mutation in enumerate(mutations()):
        root = tmp_path / str(number)
        for file in {edit.file for edit in mutation.edit}:
            (root / file).parent.mkdir(parents=True, exist_ok=True)
            (root / file).write_bytes((ROOT / file).read_bytes())
        apply(mutation, root)
        assert mutation.tests
        for test in mutation.tests:
            path, _, name = test.partition("::")
            assert f"def {name.partition('[')[0]}(" in (ROOT / path).read_text(), test


def test_no_two_mutations_have_one_name() -> None:
    names = [one.name for one in mutations()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("old", ["this text is not there", "\n"], ids=["none", "many"])
def test_a_mutation_whose_text_is_not_there_once_is_outdated(tmp_path: Path, old: str) -> None:
    (tmp_path / "a.py").write_text("1\n2\n")
    with pytest.raises(OutdatedError, match=r"a\.py has"):
        apply(Mutation("x", "y", [], [Edit("a.py", old, "")]), tmp_path)


def test_what_would_not_be_python_is_no_mutation(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("1\n")
    with pytest.raises(OutdatedError, match="no Python"):
        apply(Mutation("x", "y", [], [Edit("a.py", "1", "(")]), tmp_path)


@pytest.mark.process
def test_a_test_that_stays_green_and_a_name_that_is_not_defined_are_said() -> None:
    file = "relay/web/listener/turns.py"
    nothing = Edit(file, "class Turns:\n", "class Turns:  # the same\n")
    assert unnoticed(Mutation("x", "y", [TEST], [nothing])) == [f"{TEST}: still green"]
    [said] = unnoticed(
        Mutation("x", "y", [], [Edit(file, "is_free(self, network: object, size: int)", "is_free(self, size)")])
    )
    assert "network" in said

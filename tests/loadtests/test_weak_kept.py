"""Runs of the table that are kept: by what the code was, whole, and by the case as it was played."""

import subprocess
from pathlib import Path

import pytest

from loadtests.weak.cases import CASES
from loadtests.weak.kept import Kept, UncommittedError
from loadtests.weak.played import Played

CASE = CASES["5.1"]
PLAYED = Played(figures={"utilisation": 0.9}, late_us=3, stall=None, gaps=("a gap",), picture="<svg/>")


def git(checkout: Path, *arguments: str) -> None:
    who = ("-c", "user.name=Tester", "-c", "user.email=tester@example.org")
    subprocess.run(["git", *who, *arguments], cwd=checkout, check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with one file of the code, and one of something else."""
    (tmp_path / "media").mkdir()
    (tmp_path / "media/policy.py").write_text("one")
    (tmp_path / "README.md").write_text("one")
    git(tmp_path, "init")
    commit(tmp_path)
    return tmp_path


def commit(checkout: Path) -> None:
    git(checkout, "add", ".")
    git(checkout, "commit", "-m", "all")


def test_a_run_is_found_by_its_case_and_seed(checkout: Path) -> None:
    kept = Kept.of(checkout, checkout / "build")
    assert kept.find(CASE, 1) is None
    kept.add(CASE, 1, PLAYED)
    assert kept.find(CASE, 1) == PLAYED
    assert kept.find(CASE, 2) is None
    # As long, but with steps of another length.
    assert kept.find(CASE.shortened(0.5, CASE.seconds), 1) is None
    assert [path.suffix for path in kept.folder.iterdir()] == [".pickle"]


def test_runs_of_other_code_are_others(checkout: Path) -> None:
    kept = Kept.of(checkout, checkout / "build")
    kept.add(CASE, 1, PLAYED)
    (checkout / "README.md").write_text("two")
    assert Kept.of(checkout, checkout / "build").find(CASE, 1) == PLAYED
    (checkout / "media/policy.py").write_text("two")
    with pytest.raises(UncommittedError, match=r"media/policy\.py"):
        Kept.of(checkout, checkout / "build")
    commit(checkout)
    assert Kept.of(checkout, checkout / "build").find(CASE, 1) is None

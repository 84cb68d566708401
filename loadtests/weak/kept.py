"""Runs that are kept by what the code was, so that a table of hours may be ended and gone on with."""

import hashlib
import pickle
import subprocess
from dataclasses import dataclass
from pathlib import Path

from loadtests.weak.cases import Case
from loadtests.weak.played import Played

PARTS = ("media", "server", "signaling", "qa_queue", "community", "web_client", "loadtests", "pyproject.toml")
"""What figures depend on. Runs of trees that differ in anything else are runs of one tree."""


class UncommittedError(Exception):
    """The code is not what was committed, so that nobody could say later what a run was of."""


@dataclass(frozen=True)
class Kept:
    """The runs of one tree, a file each."""

    folder: Path

    @classmethod
    def of(cls, checkout: Path, below: Path) -> "Kept":
        """The runs of what `checkout` has committed, in a folder of their own.

        Raises:
            UncommittedError: it has changes that are not.
        """

        def git(*arguments: str) -> str:
            return subprocess.run(["git", *arguments], cwd=checkout, check=True, capture_output=True, text=True).stdout

        if changed := git("status", "--porcelain", "--", *PARTS):
            raise UncommittedError(changed.rstrip())
        trees = git("ls-tree", "HEAD", "--", *PARTS)
        return cls(below / hashlib.sha256(trees.encode()).hexdigest()[:12])

    def find(self, case: Case, seed: int) -> Played | None:
        """What an earlier run of this case brought."""
        try:
            kept_case, played = pickle.loads(self._path(case, seed).read_bytes())
        except FileNotFoundError:
            return None
        # Cut to another length it is another case.
        return played if kept_case == case else None

    def add(self, case: Case, seed: int, played: Played) -> None:
        """Keep a run; it is there whole or not at all."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self._path(case, seed)
        begun = path.with_suffix(".part")
        begun.write_bytes(pickle.dumps((case, played)))
        begun.replace(path)

    def _path(self, case: Case, seed: int) -> Path:
        return self.folder / f"{case.name}-{case.seconds:g}s-{seed}.pickle"

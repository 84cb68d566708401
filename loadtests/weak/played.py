"""A run of a case in a process of its own, and what it brought in another that steps aside: what one computes must not hold up the
host or the browser of another that runs meanwhile."""

import os
import pickle
import tempfile
from dataclasses import dataclass
from pathlib import Path

import uvloop

from loadtests.weak import figures, gaps, plots, series
from loadtests.weak.cases import Case
from loadtests.weak.report import Figures
from loadtests.weak.run import Take, run


@dataclass(frozen=True)
class Played:
    """What is kept of a run.

    Attributes:
        late_us: the link's p99.
        stall: the longest time in which the machine stood still.
        gaps: a line each gap between pictures.
        picture: its plot, SVG.
    """

    figures: Figures
    late_us: int
    stall: series.Stall | None
    gaps: tuple[str, ...]
    picture: str


def play(case: Case, seed: int, folder: str) -> Path | str:
    """Run a case in this process; where in `folder` its `Take` lies, or a text that says why it could not be run."""
    try:
        take = uvloop.run(run(case, seed))
    except RuntimeError as error:
        return str(error)
    with tempfile.NamedTemporaryFile(dir=folder, suffix=".take", delete=False) as file:
        pickle.dump(take, file)
    return Path(file.name)


def step_aside() -> None:
    """This process computes only while nothing else wants to."""
    os.nice(19)


def judge(path: Path) -> Played:
    """What a run brought; its file is removed."""
    take: Take = pickle.loads(path.read_bytes())
    path.unlink()
    return Played(
        figures=figures.figures(take),
        late_us=take.late["p99_us"],
        stall=series.longest_stall(take),
        gaps=tuple(map(str, gaps.gaps(take))),
        picture=plots.svg(take),
    )

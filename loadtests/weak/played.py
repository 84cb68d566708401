"""A run of a case in a process of its own: what one computes must not hold up the host of another."""

from dataclasses import dataclass

import uvloop

from loadtests.weak import figures, gaps, plots, series
from loadtests.weak.cases import Case
from loadtests.weak.report import Figures
from loadtests.weak.run import run


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


def play(case: Case, seed: int) -> Played | str:
    """Run a case in this process; a text says why it could not be."""
    try:
        take = uvloop.run(run(case, seed))
    except RuntimeError as error:
        return str(error)
    return Played(
        figures=figures.figures(take),
        late_us=take.late["p99_us"],
        stall=series.longest_stall(take),
        gaps=tuple(map(str, gaps.gaps(take))),
        picture=plots.svg(take),
    )

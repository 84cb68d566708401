"""A run of a case in a process of its own: what one computes must not hold up the host of another."""

from dataclasses import dataclass

import uvloop

from loadtests.weak import figures, plots
from loadtests.weak.cases import Case
from loadtests.weak.report import Figures
from loadtests.weak.run import run


@dataclass(frozen=True)
class Played:
    """What is kept of a run. `late_us`: the link's p99; `picture`: its plot, SVG."""

    figures: Figures
    late_us: int
    picture: str


def play(case: Case, seed: int) -> Played | str:
    """Run a case in this process; a text says why it could not be."""
    try:
        take = uvloop.run(run(case, seed))
    except RuntimeError as error:
        return str(error)
    return Played(figures.figures(take), take.late["p99_us"], plots.svg(take))

"""What is told: a row a case, the goals, and one JSON object."""

import statistics
from collections.abc import Mapping, Sequence

from loadtests.weak.cases import Case
from loadtests.weak.series import Stall

Figures = Mapping[str, float | None]

ALWAYS = ("utilisation", "best_layer", "queue_p95_ms", "freeze_ratio", "fps", "concealed_ratio")
MORE = (
    "audio_buffer_ms",
    "down_ms",
    "up_ms",
    "resume_picture_ms",
    "resume_sound_ms",
    "jain",
    "tcp_fair_share",
    "link_share",
    "overhead",
    "policed_share",
    "sound_alone",
    "goodput_share",
    "switches_per_min",
    "first_estimate_ms",
    "longest_gap_ms",
)
UNASKED = ("audio_buffer_ms", "overhead", "sound_alone", "switches_per_min", "first_estimate_ms")
"""Of these what is told without a goal too, where it applies."""


def median(runs: Sequence[Figures]) -> dict[str, float | None]:
    """Of each figure over seeds; one that a run lacks is lacking."""
    names = {name: None for run in runs for name in run}
    result: dict[str, float | None] = {}
    for name in names:
        values = [run.get(name) for run in runs]
        known = [value for value in values if value is not None]
        result[name] = statistics.median(known) if len(known) == len(values) else None
    return result


def entry(case: Case, runs: Sequence[Figures], stall: Stall | None = None) -> dict[str, object]:
    """A case's value in the JSON object; `stalled_ms` only where the machine stood still."""
    figures = median(runs)
    goals = {
        name: {
            "at_least" if goal.at_least is not None else "at_most": goal.at_least
            if goal.at_least is not None
            else goal.at_most,
            "met": goal.met(figures.get(name)),
        }
        for name, goal in case.goals.items()
    }
    return {
        **{name: value for name, value in figures.items() if value is not None},
        **({"stalled_ms": round(stall.ms)} if stall else {}),
        "seeds": len(runs),
        "goals": goals,
        "reached": all(goal["met"] for goal in goals.values()),
    }


def row(case: Case, runs: Sequence[Figures]) -> str:
    """A row of the table: figures, those that miss their goal in capitals, the reference."""
    figures = median(runs)
    cells = []
    for name in (*ALWAYS, *MORE):
        value = figures.get(name)
        goal = case.goals.get(name)
        if value is None and goal is None:
            continue
        if goal is None and name in MORE and name not in UNASKED:
            continue
        text = "–" if value is None else _number(name, value)
        missed = f" MISSED ({_goal(name, goal.at_least, goal.at_most)})" if goal and not goal.met(value) else ""
        cells.append(f"{name} {text}{missed}")
    reference = f"   [{case.reference}]" if case.reference else ""
    return f"{case.name:>16}  {' · '.join(cells)}{reference}"


def spoilt(late_us: int, stall: Stall | None) -> str:
    """What stands behind a row whose figures tell of the machine."""
    busy = f"   (link late by {late_us / 1e3:.0f} ms: the machine is busy)" if late_us > 5000 else ""
    stood = f"   (the machine stood still for {stall.ms:.0f} ms at {stall.at_s:.1f} s)" if stall else ""
    return busy + stood


def _number(name: str, value: float) -> str:
    if name.endswith("_ms"):
        return f"{value:.0f}"
    if name in ("fps", "switches_per_min"):
        return f"{value:.1f}"
    return f"{value:.3f}" if name in ("freeze_ratio", "concealed_ratio", "policed_share") else f"{value:.2f}"


def _goal(name: str, at_least: float | None, at_most: float | None) -> str:
    return f"≥ {_number(name, at_least)}" if at_least is not None else f"≤ {_number(name, at_most or 0.0)}"

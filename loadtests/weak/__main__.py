"""The table of weak networks: real server, synthetic host, real browsers, the test link between: `python -m loadtests.weak`.

Prints a row a case beside what others reach; the last line is one JSON object, a key a case. The page with plots is
`build/weak/weak.html`. `--short` (the default) squeezes the steps and cuts the rest off; `--whole --seeds 5` is what goals are judged by:
hours, which with `--resume` may be ended and gone on with.
"""

import argparse
import asyncio
import json
import multiprocessing
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import uvloop

from loadtests.link import control
from loadtests.weak import plots, report
from loadtests.weak.cases import CASES, Case
from loadtests.weak.kept import Kept, UncommittedError
from loadtests.weak.played import Played, judge, play, step_aside

PAGE = Path("build/weak/weak.html")
KEPT = Path("build/weak")
SHORT_FACTOR, SHORT_S = 0.4, 25.0
TRACE_S = 40.0


def main() -> None:
    """Run the cases, print the table, write the page."""
    options = _options()
    try:
        kept = Kept.of(Path(), KEPT) if options.resume else None
    except UncommittedError as error:
        sys.exit(f"--resume keeps runs by what is committed; commit these first:\n{error}")
    control.build()
    names = options.cases or list(CASES)
    cases = [_length(CASES[name], whole=options.whole) for name in names]
    if options.seconds:
        cases = [case.shortened(options.seconds / case.seconds, options.seconds) for case in cases]
    seconds = sum(case.seconds + 10 for case in cases) * options.seeds / options.parallel
    print(
        f"{len(cases)} cases, {options.seeds} seeds, {options.parallel} at once: about {seconds / 60:.0f} minutes",
        flush=True,
    )
    result = uvloop.run(_all(cases, options, kept))
    print(json.dumps(result))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m loadtests.weak", description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=_names, metavar="NAME,…", help=f"of {', '.join(CASES)} (default: all)")
    parser.add_argument("--seeds", type=int, default=1, help="runs of each case; the median counts (default 1)")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--short", dest="whole", action="store_false", default=False, help="in minutes (the default)")
    length.add_argument("--whole", action="store_true", help="each case in its own time")
    parser.add_argument("--seconds", type=float, help="squeeze each case into so long")
    parser.add_argument(
        "--parallel",
        type=int,
        default=1,
        help="runs at once of cases with one member; each takes most of a core (default 1)",
    )
    parser.add_argument("--gaps", action="store_true", help="tell what went before each gap between pictures")
    parser.add_argument(
        "--resume",
        action="store_true",
        help="keep each run, and play only those that this tree was not played with yet",
    )
    parser.add_argument("--page", type=Path, default=PAGE, help=f"where the plots go (default {PAGE})")
    return parser.parse_args()


def _names(text: str) -> list[str]:
    names = text.split(",")
    unknown = [name for name in names if name not in CASES]
    if unknown:
        raise argparse.ArgumentTypeError(f"no case is called {', '.join(unknown)}")
    return names


def _length(case: Case, *, whole: bool) -> Case:
    if whole:
        return case
    return case.shortened(SHORT_FACTOR, TRACE_S if "utilisation" in case.goals or case.flows[1:] else SHORT_S)


class _Table:
    """The cases that are done. `result` is the JSON object."""

    def __init__(self, cases: Sequence[Case], page: Path, *, gaps: bool) -> None:
        self._cases, self._page, self._tells_gaps = cases, page, gaps
        self._parts: dict[str, plots.Part] = {}
        self.result: dict[str, object] = {case.name: {"failed": True, "reached": False} for case in cases}

    def add(self, case: Case, outcomes: Sequence[Played | str]) -> None:
        """Print a case's row, and write the page."""
        for why in outcomes:
            if isinstance(why, str):
                print(f"{case.name:>16}  FAILED: {why}", flush=True)
        runs = [outcome for outcome in outcomes if not isinstance(outcome, str)]
        if not runs:
            return
        found = [one.figures for one in runs]
        text = report.row(case, found)
        stall = max((one.stall for one in runs if one.stall), key=lambda stall: stall.ms, default=None)
        print(text + report.spoilt(max(one.late_us for one in runs), stall), flush=True)
        for gap in (gap for one in runs if self._tells_gaps for gap in one.gaps):
            print(f"{'':>16}  {gap}", flush=True)
        self.result[case.name] = report.entry(case, found, stall)
        # The first run stands for all: nobody chose it.
        self._parts[case.name] = plots.Part(case.name, text.strip(), runs[0].picture)
        plots.write(self._page, [self._parts[one.name] for one in self._cases if one.name in self._parts])


async def _all(cases: Sequence[Case], options: argparse.Namespace, kept: Kept | None) -> dict[str, object]:
    table, seeds = _Table(cases, options.page, gaps=options.gaps), range(1, options.seeds + 1)
    loop, spawn = asyncio.get_running_loop(), multiprocessing.get_context("spawn")
    with (
        tempfile.TemporaryDirectory(prefix="livetrial-weak-") as folder,
        ProcessPoolExecutor(options.parallel, spawn) as stages,
        ProcessPoolExecutor(1, spawn, initializer=step_aside) as judges,
    ):

        async def take(case: Case, seed: int) -> Played | str:
            if kept and (earlier := kept.find(case, seed)):
                return earlier
            taken = await loop.run_in_executor(stages, play, case, seed, folder)
            if isinstance(taken, str):
                return taken
            played = await loop.run_in_executor(judges, judge, taken)
            if kept:
                kept.add(case, seed, played)
            return played

        async def take_all(case: Case) -> None:
            table.add(case, await asyncio.gather(*(take(case, seed) for seed in seeds)))

        await asyncio.gather(*(take_all(case) for case in cases if not case.flows[1:]))
        # Where several watch, the machine is for them alone.
        for case in cases:
            if case.flows[1:]:
                table.add(case, [await take(case, seed) for seed in seeds])
    return table.result


if __name__ == "__main__":
    main()

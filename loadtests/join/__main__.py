"""Time from tap to first frame shown, by round-trip time, browser and way of joining: `python -m loadtests.join`.

Ways: `ordinary`, `ticket` and `warm` are ours (PROTOCOL.md), as is `back`, from the background, which is measured when asked for;
`stock` is aiortc's own server over the same link. What the client at hand cannot do is said, not measured. Stages are ms since the tap; the last line is one JSON object.
"""

import argparse
import json
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import uvloop

from loadtests.join.report import Cell, by_browser, headline, line, merged
from loadtests.join.stage import Browser, Stage
from loadtests.join.timeline import draw
from loadtests.link import control
from loadtests.link.config import Path as Direction

MODES = ["ticket", "ordinary", "warm", "stock"]
LOSSY_R_MS = 100.0
LOSS = 0.05


def main() -> None:
    """Measure, print the table, and end."""
    options = _options()
    control.build()
    print(f"{options.joins} joins of each kind, {min(options.joins, options.stock_joins)} of stock; stages are medians")
    began = time.monotonic()
    cells = uvloop.run(_measure(options))
    print(f"measured in {(time.monotonic() - began) / 60:.1f} minutes")
    if options.picture:
        draw(cells, options.picture)
    result: dict[str, Any] = {"join_p95_ms": headline(cells), "by_browser": by_browser(cells)}
    if options.storm:
        result["storm"] = _storm()
    result["cells"] = [cell.to_json() for cell in cells]
    print(json.dumps(result))


def _storm() -> dict[str, Any]:
    """What the storm says; that it failed is said too, and what was measured before is not lost by it."""
    from loadtests.storm import run as storm

    try:
        return dict(storm())
    except Exception as error:  # noqa: BLE001  whatever broke it, the figures of the joins are told
        return {"failed": f"{type(error).__name__}: {error}"}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m loadtests.join", description=__doc__.splitlines()[0])
    parser.add_argument("--joins", type=int, default=50, help="of each kind (default 50)")
    parser.add_argument("--stock-joins", type=int, default=20, help="at most so many of the reference (default 20)")
    parser.add_argument("--browsers", type=_words, default=["chromium", "firefox"], metavar="NAME,…")
    parser.add_argument("--modes", type=_words, default=MODES, metavar="MODE,…")
    parser.add_argument(
        "--r-ms",
        type=_numbers,
        default=[20.0, 100.0, 200.0],
        metavar="MS,…",
        help="round-trip times; '' for none but the lossy one",
    )
    parser.add_argument(
        "--no-loss", dest="lossy", action="store_false", help=f"leave out the rows with {LOSS:.0%}% loss"
    )
    parser.add_argument("--no-storm", dest="storm", action="store_false", help="leave out the storm")
    parser.add_argument(
        "--keep", type=Path, metavar="FILE", help="what was measured; a run with fewer --modes, … renews its part of it"
    )
    parser.add_argument("--picture", type=Path, help="write the timeline to this SVG")
    return parser.parse_args()


def _words(text: str) -> list[str]:
    return text.split(",")


def _numbers(text: str) -> list[float]:
    return [float(number) for number in text.split(",") if number]


async def _measure(options: argparse.Namespace) -> list[Cell]:
    links = [(r_ms, 0.0) for r_ms in options.r_ms] + ([(LOSSY_R_MS, LOSS)] if options.lossy else [])
    cells: list[Cell] = []
    with tempfile.TemporaryDirectory(prefix="livetrial-link-") as folder:
        async with Stage.build(Path(folder, "packets.log")) as stage:
            for name in options.browsers:
                async with Browser.start(name) as browser:
                    for r_ms, loss in links:
                        direction = Direction(delay_ms=r_ms / 2, loss=loss)
                        await stage.link.set("both", direction)
                        for cell in await _cells(stage, browser, name, r_ms, loss, options):
                            print(line(cell), flush=True)
                            cells.append(cell)
                        merged(options.keep, cells)
            print(f"the link was late by (µs): {(await stage.link.stats())['lateness']}")
    return merged(options.keep, cells)


async def _cells(
    stage: Stage, browser: Browser, name: str, r_ms: float, loss: float, options: argparse.Namespace
) -> list[Cell]:
    """The ways of joining in turn, so that all meet the same machine; the first join over a link is not counted."""
    joins: dict[str, list[dict[str, Any]]] = defaultdict(list)
    lacking: dict[str, str] = {}
    await stage.join(browser, options.modes[0], r_ms=r_ms)
    for count in range(options.joins):
        for mode in options.modes:
            if mode in lacking or (mode == "stock" and count >= options.stock_joins):
                continue
            join = await stage.join(browser, mode, r_ms=r_ms)
            if "lacking" in join:
                lacking[mode] = join["lacking"]
            else:
                joins[mode].append(join)
    return [Cell.of(name, mode, r_ms, loss, joins[mode], lacking.get(mode)) for mode in options.modes]


if __name__ == "__main__":
    main()

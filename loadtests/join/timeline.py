"""A picture of where the time of a join goes."""

from collections.abc import Sequence
from pathlib import Path

from loadtests.join.report import STAGES, Cell

PICTURED_R_MS = 100.0
"""One round-trip time says it all; the table has the others."""


def draw(cells: Sequence[Cell], path: Path) -> None:
    """Write one bar a kind of join, cut where its stages ended, in medians, of those over 100 ms without loss; an SVG."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    shown = [cell for cell in cells if cell.p50_ms is not None and (cell.r_ms, cell.loss) == (PICTURED_R_MS, 0)]
    if not shown:
        return
    figure, axes = pyplot.subplots(figsize=(9, 0.9 + 0.32 * len(shown)))
    colours = dict(
        zip(STAGES, pyplot.get_cmap("viridis")([index / len(STAGES) for index in range(len(STAGES))]), strict=True)
    )
    for row, cell in enumerate(shown):
        begin = 0.0
        for stage in (stage for stage in STAGES if cell.stages.get(stage, 0) > begin):
            axes.barh(row, cell.stages[stage] - begin, left=begin, color=colours[stage], height=0.7)
            begin = cell.stages[stage]
        axes.plot([cell.p95_ms], [row], marker="|", color="black", markersize=9)
    names = [f"{cell.browser}, {cell.mode}" for cell in shown]
    axes.set_yticks(range(len(shown)), names, fontsize=8)
    axes.invert_yaxis()
    for trips in range(1, 5):
        axes.axvline(trips * PICTURED_R_MS, color="grey", linewidth=0.6, linestyle=":", zorder=0)
    axes.set_xlabel(
        "ms since the tap, round trip 100 ms: medians of the stages' ends; the mark is p95 of the first frame shown"
    )
    handles = [pyplot.Rectangle((0, 0), 1, 1, color=colours[stage]) for stage in STAGES]
    figure.legend(
        handles, [stage.replace("_", " ") for stage in STAGES], loc="upper center", ncol=len(STAGES), fontsize=8
    )
    figure.tight_layout(rect=(0, 0, 1, 0.94))
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
    pyplot.close(figure)

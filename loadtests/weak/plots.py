"""One page with a picture a case: capacity, estimate, rate sent, layer, queue, freezes, concealment."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from loadtests.weak import series
from loadtests.weak.figures import downward, needs_of
from loadtests.weak.run import Take

FREEZE_S = 0.3
"""A gap between two pictures that is drawn as a freeze."""


@dataclass(frozen=True)
class Part:
    """A case on the page: its name, a line of text about it, its picture as SVG."""

    name: str
    text: str
    svg: str


def write(path: Path, parts: Sequence[Part]) -> None:
    """Write the page. Nothing else is needed to look at it."""
    sections = [
        f"<h2 id='{escape(part.name)}'>{escape(part.name)}</h2><p>{escape(part.text)}</p>{part.svg}" for part in parts
    ]
    names = " · ".join(f"<a href='#{escape(part.name)}'>{escape(part.name)}</a>" for part in parts)
    style = "body{font:14px/1.4 system-ui,sans-serif;max-width:1000px;margin:2em auto;padding:0 1em}svg{width:100%;height:auto}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f"<!doctype html><meta charset=utf-8><title>Weak networks</title><style>{style}</style>"
        f"<h1>Weak networks</h1><p>{names}</p>{''.join(sections)}"
    )


def svg(take: Take) -> str:
    """The picture of one take."""
    text = io.StringIO()
    figure = _figure(take)
    figure.savefig(text, format="svg")
    _close(figure)
    return text.getvalue().partition("?>")[2]


def _figure(take: Take) -> Any:
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(
        4, 1, figsize=(11, 9), sharex=True, gridspec_kw={"height_ratios": [3, 1, 1.4, 1]}, layout="constrained"
    )
    seconds = (take.ended - take.began) / 1e9
    links = series.links(take)
    _rates(axes[0], take, links, seconds)
    for number, link in enumerate(links):
        axes[1].step(link.at, link.encoding + 0.05 * number, where="post", linewidth=1)
    axes[1].set_yticks([-1, 0, 1, 2], ["none", *(f"{height}p" for height in needs_of(take).heights)])
    axes[1].set_ylim(-1.3, 2.4)
    _queue(axes[2], take)
    _reception(axes[3], take)
    axes[3].set_xlim(0, seconds)
    axes[3].set_xlabel("s")
    return figure


def _close(figure: Any) -> None:
    from matplotlib import pyplot

    pyplot.close(figure)


def _rates(axes: Any, take: Take, links: Sequence[series.Links], seconds: float) -> None:
    at = np.linspace(0, seconds, 2000)
    capacity = series.capacity(take, at) / 1e6
    top = float(needs_of(take).full[-1]) / 1e6
    axes.fill_between(at, capacity, step="post", color="0.9", label="capacity")
    for need in needs_of(take).full / 1e6:
        axes.axhline(need, color="0.6", linewidth=0.5, linestyle=":")
    for number, link in enumerate(links):
        colour = f"C{number}"
        axes.plot(link.at, link.estimate / 1e6, color=colour, linewidth=1.2, label=f"estimate {number + 1}")
        axes.plot(link.at, link.sent / 1e6, color=colour, linewidth=0.7, alpha=0.5, label=f"sent {number + 1}")
    axes.set_ylim(0, min(capacity.max(), max(top * 1.6, 0.4) * 2) * 1.15)
    axes.set_ylabel("Mbit/s")
    axes.legend(loc="upper right", fontsize=7, ncol=3)


def _queue(axes: Any, take: Take) -> None:
    media = downward(take)
    passed = media.records["left"] > 0
    axes.plot(media.at[passed], media.wait_ms[passed], ".", markersize=1, color="C3")
    dropped = media.records["out"] == 0
    if dropped.any():
        axes.plot(media.at[dropped], np.zeros(int(dropped.sum())), "|", color="black", markersize=5)
    axes.set_ylabel("queue ms\n(bars: lost)")


def _reception(axes: Any, take: Take) -> None:
    for number, page in enumerate(series.pages(take)):
        total, concealed = page.values("audio", "totalSamplesReceived"), page.values("audio", "concealedSamples")
        if len(total) > 1:
            share = np.diff(concealed) / np.maximum(np.diff(total), 1)
            axes.plot(page.at[1:], share.clip(0, 1), linewidth=0.8, color=f"C{number}")
        for place in np.flatnonzero(np.diff(page.shown) > FREEZE_S):
            axes.axvspan(page.shown[place], page.shown[place + 1], color=f"C{number}", alpha=0.2)
    axes.set_ylim(0, 1.05)
    axes.set_ylabel("concealed\n(grey: frozen)")

"""What is figured of a take. Ratios are 0 to 1, times ms; what does not apply is left out.

*utilisation*: the estimate, in octets on the wire, over min(capacity, what the top layer needs), each moment at most 1; of cases
with steps from 3 s after each step. *best_layer*: share of time in which the encoding (in SVC: the
spatial layer) that is sent is the best that fits by the rule of
`media/policy.py`, spatial before temporal: at half the frame rate, the lowest at a quarter. *best_at_full_rate*: the same with all
its temporal layers, where a larger picture at half the rate counts as wrong. Either may be so much less as the least capacity of the last 3 s asks for, and so much
more as the greatest of the last R + 200 ms bears. *queue*: what media waited before their first bit went onto the link.
*first estimate*: from the first packet of media that was sent to the member to the first sample of the plane, of one every 50 ms, in
which its estimate is told. *switches*: changes of the encoding or of its temporal layers, a minute, where nothing asks for any; of
less than a minute, their number. *policed share*: octets of all RTP to the member that the policer dropped, over all that came to it,
from 10 s on.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from loadtests.link.packet_log import Fate, Kind, Way
from loadtests.weak import series
from loadtests.weak.cases import R_MS
from loadtests.weak.needs import Needs, needs
from loadtests.weak.run import Take
from loadtests.weak.series import Links, Numbers, Page

SETTLED_S = 3.0
"""After a step an estimate has so long."""

FOUND_OUT_S = 10.0
"""The beginning finds out what the link is: changes, and what a policer drops, count from then on."""

ONE_SWITCH_S = 1.0
"""Changes within so long of the first are one: layers of the old encoding go at once, the new one waits for its keyframe, and what is
replayed comes with the lowest layer. From the first, so that what never rests is not one."""

CLOSED_S = 2.0
"""A page that has noted nothing for so long was closed."""

MINUTE_S = 60.0

REACTED_S = (R_MS + 200) / 1e3

NO_SAMPLE_SHIFT = 1e-9


@dataclass
class Media:
    """The packets of media on the way down, after the case began. `at`: s."""

    at: Numbers
    wait_ms: Numbers
    records: npt.NDArray[np.void]


def figures(take: Take) -> dict[str, float | None]:
    """All that apply to the case."""
    case = take.case
    links = series.links(take)
    found: dict[str, float | None] = {}
    if links:
        first = links[0]
        found["utilisation"] = _utilisation(take, first) if len(links) == 1 and not case.long_tcp else None
        if len(links) == 1 and not case.long_tcp:
            found["best_layer"] = _best_layer(take, first, needs_of(take).least)
            found["best_at_full_rate"] = _best_layer(take, first, needs_of(take).full)
        found |= _reactions(take, first)
        found["goodput_share"] = _goodput(take, first)
        found["switches_per_min"] = _switches(take, first) if case.is_steady else None
        found["sound_alone"] = max(_over_time(link.encoding < 0, link) for link in links)
    media = downward(take)
    found["queue_p95_ms"] = _percentile(media.wait_ms[media.records["left"] > 0], 95)
    found["overhead"] = _overhead(media.records)
    found["policed_share"] = _policed(media) if case.down.policer else None
    found["first_estimate_ms"] = _first_estimate(take) if len(case.flows) == 1 else None
    found |= _pages(take)
    found |= _sharing(take, media)
    found |= _resumption(take)
    return {name: None if value is None else round(float(value), 4) for name, value in found.items()}


def downward(take: Take) -> Media:
    """RTP to members within the case."""
    log = take.log[
        (take.log["way"] == Way.DOWN) & (take.log["kind"] == Kind.RTP) & (take.log["fate"] != Fate.DUPLICATE)
    ]
    log = log[(log["arrived"] >= take.began) & (log["arrived"] <= take.ended)]
    at = (log["arrived"] - take.began).astype(float) / 1e9
    left = np.maximum(log["left"], log["arrived"])
    rates = series.bottleneck(take, (left - take.began).astype(float) / 1e9 - NO_SAMPLE_SHIFT)
    taken = (left - log["arrived"]).astype(float) / 1e6
    return Media(at, np.maximum(taken - log["octets"] * 8e3 / rates, 0.0), log)


def _first_estimate(take: Take) -> float | None:
    """From media on: nothing that went before could tell of the link. All before the case begins counts too."""
    media = take.log[(take.log["way"] == Way.DOWN) & (take.log["kind"] == Kind.RTP)]
    if not len(media):
        return None
    began = int(media["arrived"].min())
    told = (
        sample["t"] - began
        for sample in take.plane
        if sample["t"] >= began and any(row["estimate_bps"] is not None for row in sample["rows"])
    )
    first = next(told, None)
    return None if first is None else first / 1e6


def _utilisation(take: Take, link: Links) -> float | None:
    counted = _settled(take, link.at)
    capacity = series.capacity(take, link.at)
    most = np.minimum(capacity, needs_of(take).full[-1])
    known = counted & ~np.isnan(link.estimate)
    if not counted.any():
        return None
    shares = np.where(known, np.minimum(np.nan_to_num(link.estimate) * _on_wire(take) / most, 1.0), 0.0)
    return _over_time(shares, link, counted)


def needs_of(take: Take) -> Needs:
    """What the layers of the take's host need."""
    return needs(layered=take.case.svc)


def _on_wire(take: Take) -> float:
    """Octets on the link by octet of RTP and SRTP: the estimate counts no UDP and IP headers."""
    octets = downward(take).records["octets"].astype(float)
    return float(octets.sum() / (octets - 28).sum()) if len(octets) else 1.0


def _best_layer(take: Take, link: Links, needed: Numbers) -> float | None:
    counted = link.at >= SETTLED_S
    low = _best(take, link.at, SETTLED_S, np.minimum, needed)
    high = _best(take, link.at, REACTED_S, np.maximum, needed)
    good = (link.encoding >= low) & (link.encoding <= high)
    return _over_time(good, link, counted) if counted.any() else None


def _best(take: Take, at: Numbers, window_s: float, choose: Any, needed: Numbers) -> npt.NDArray[np.intp]:
    """The best encoding that fits the least or greatest capacity of the last `window_s`; -1: none."""
    moments = np.linspace(0, window_s, 31)
    capacity = choose.reduce([series.capacity(take, np.maximum(at - back, 0.0)) for back in moments])
    return np.searchsorted(needed, capacity, side="right").astype(np.intp) - 1


def _over_time(values: npt.NDArray[Any], link: Links, counted: npt.NDArray[np.bool_] | slice = slice(None)) -> float:
    """The mean of what was so at each sample and until the next one."""
    return float(np.average(values[counted], weights=link.lasts[counted]))


def _settled(take: Take, at: Numbers) -> npt.NDArray[np.bool_]:
    counted = at >= SETTLED_S
    for step in take.case.steps_s:
        counted &= (at < step) | (at >= step + SETTLED_S)
    return counted


def _reactions(take: Take, link: Links) -> dict[str, float | None]:
    """The slowest change of encoding after steps down and up; a layer that was right before takes no time."""
    slowest: dict[str, list[float]] = {"down_ms": [], "up_ms": []}
    if len(take.case.flows) > 1 or not take.case.steps_s:
        return {}
    ends = [*take.case.steps_s[1:], take.case.seconds]
    for step, end in zip(take.case.steps_s, ends, strict=True):
        before, after = (float(series.capacity(take, np.array([step + shift]))[0]) for shift in (-0.01, 0.01))
        best = int(np.searchsorted(needs_of(take).least, after, side="right")) - 1
        during = (link.at >= step) & (link.at < end)
        right = link.encoding[during] <= best if after < before else link.encoding[during] >= best
        reached = link.at[during][right]
        slowest["down_ms" if after < before else "up_ms"].append(
            (float(reached[0]) if len(reached) else end) * 1e3 - step * 1e3
        )
    return {name: max(values) for name, values in slowest.items() if values}


def _switches(take: Take, link: Links) -> float | None:
    """Over at least a minute: of a run of some seconds a single change would else be many."""
    counted = link.at >= FOUND_OUT_S
    if not counted.any():
        return None
    changed = (np.diff(link.encoding[counted]) != 0) | (np.diff(link.temporal[counted]) != 0)
    switches: list[float] = []
    for at in link.at[counted][1:][changed].tolist():
        if not switches or at - switches[-1] >= ONE_SWITCH_S:
            switches.append(at)
    minutes = ((take.ended - take.began) / 1e9 - FOUND_OUT_S) / MINUTE_S
    return len(switches) / max(minutes, 1.0)


def _goodput(take: Take, link: Links) -> float | None:
    """Rate of the pictures that were decoded, by the rate of the top encoding."""
    page = series.pages(take)[0]
    if len(page.at) < 2 or not len(link.at):
        return None
    rates = np.array([0.0, *needs_of(take).payload])
    shown = _over_time(rates[link.encoding + 1], link) / float(rates[-1])
    return shown * min(1.0, _fps(take, page) / 30)


def _fps(take: Take, page: Page) -> float:
    return page.gained("video", "framesDecoded") / max(page.at[-1] - page.at[0], 1e-3)


def _overhead(records: npt.NDArray[np.void]) -> float | None:
    """Octets of repairs, copies and padding, by octets of media sent for the first time (RED within a packet counts as media)."""
    total, first = 0.0, 0.0
    for flow in np.unique(records["flow"]):
        of_flow = records[records["flow"] == flow]
        total += float(of_flow["octets"].sum())
        for ssrc in series.media_ssrcs(of_flow):
            stream = of_flow[of_flow["ssrc"] == ssrc]
            _, places = np.unique(stream["sequence"].astype(np.int64), return_index=True)
            wraps = len(stream) > 60_000  # numbers come again: take all as first
            first += float((stream if wraps else stream[places])["octets"].sum())
    return total / first - 1 if first else None


def _policed(media: Media) -> float | None:
    """Share of the octets that the policer dropped."""
    records = media.records[media.at >= FOUND_OUT_S]
    dropped = records["octets"][records["fate"] == Fate.POLICED].sum()
    return float(dropped) / float(records["octets"].sum()) if len(records) else None


def _pages(take: Take) -> dict[str, float | None]:
    """Of several members the worst."""
    found: dict[str, list[float]] = {}
    for page in series.pages(take):
        length = page.at[-1] - page.at[0] if len(page.at) > 1 else 0.0
        if length <= 0:
            continue
        samples = page.gained("audio", "totalSamplesReceived")
        concealed = page.gained("audio", "concealedSamples") - page.gained("audio", "silentConcealedSamples")
        emitted = page.gained("audio", "jitterBufferEmittedCount")
        for name, value in {
            "freeze_ratio": page.gained("video", "totalFreezesDuration") / length,
            "fps": -_fps(take, page),
            "concealed_ratio": concealed / samples if samples else 1.0,
            "audio_buffer_ms": page.gained("audio", "jitterBufferDelay") / emitted * 1e3 if emitted else 1e3,
            "longest_gap_ms": _longest_gap(page) * 1e3,
        }.items():
            found.setdefault(name, []).append(value)
    return {name: abs(max(values)) for name, values in found.items()}


def _longest_gap(page: Page) -> float:
    """Between two pictures, or none at all, while the page was open, seconds."""
    stays = np.split(page.at, np.flatnonzero(np.diff(page.at) > CLOSED_S) + 1)
    during = [page.shown[(page.shown >= stay[0]) & (page.shown <= stay[-1])] for stay in stays]
    return max(
        float(np.diff(np.concatenate([stay[:1], shown, stay[-1:]])).max())
        for stay, shown in zip(stays, during, strict=True)
    )


def _sharing(take: Take, media: Media) -> dict[str, float | None]:
    """Jain's index while all are there, and what TCP leaves."""
    case = take.case
    found: dict[str, float | None] = {}
    passed = media.records["out"] > 0
    if len(case.flows) > 1:
        since = max(flow.start_s for flow in case.flows) + SETTLED_S
        during = passed & (media.at >= since)
        by_flow = [
            float(media.records["octets"][during & (media.records["flow"] == flow)].sum())
            for flow in np.unique(media.records["flow"][during])
        ]
        rates = np.sort(np.array(by_flow))[-len(case.flows) :]
        if len(rates):
            found["jain"] = float(rates.sum() ** 2 / (len(case.flows) * (rates**2).sum()))
    if case.long_tcp:
        seconds = (take.ended - take.began) / 1e9
        ours = float(media.records["octets"][passed].sum()) * 8 / seconds
        capacity = float(series.capacity(take, np.array([0.0]))[0])
        fair = capacity / (case.long_tcp + len(case.flows))
        found |= {"link_share": ours / capacity, "tcp_fair_share": ours / fair}
    return found


def _resumption(take: Take) -> dict[str, float | None]:
    """The slowest return of picture and sound after outages."""
    if not take.case.outages:
        return {}
    page = series.pages(take)[0]
    picture, sound = [], []
    for at_s, ms in take.case.outages:
        end = at_s + ms / 1e3
        shown = page.shown[page.shown > end]
        picture.append((float(shown[0]) if len(shown) else take.case.seconds) - end)
        sound.append(_sound_after(page, end, take.case.seconds) - end)
    return {"resume_picture_ms": max(picture) * 1e3, "resume_sound_ms": max(sound) * 1e3}


def _sound_after(page: Page, end: float, otherwise: float) -> float:
    """When samples first came that are mostly not concealed."""
    total, concealed = page.values("audio", "totalSamplesReceived"), page.values("audio", "concealedSamples")
    heard = np.diff(concealed) < 0.5 * np.diff(total)
    moments = page.at[1:][heard & (page.at[:-1] >= end)]
    return float(moments[0]) if len(moments) else otherwise


def _percentile(values: Numbers, percent: float) -> float | None:
    return float(np.percentile(values, percent)) if len(values) else None

"""The cases: what the link does, who shares it, and the goals.

RFC 8867 gives 5.1 to 5.8, with 50 ms one way, up to 30 ms of jitter, and 300 ms of queue.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from loadtests.link.config import Bursts, Path, Policer, Steps, Trace

R_MS = 100.0
QUEUE_MS = 300.0
JITTER_MS = 30.0
AMPLE_BPS = 5e6

CLEAN_UP = Path(delay_ms=R_MS / 2)


@dataclass(frozen=True)
class Flow:
    """A member. `away_s`: from when to when it has left. `delay_ms`: one way, beside the link's."""

    start_s: float = 0.0
    away_s: tuple[float, float] | None = None
    delay_ms: float = 0.0


@dataclass(frozen=True)
class Goal:
    """`at_least` or `at_most` this; both None: measured only."""

    at_least: float | None = None
    at_most: float | None = None

    def met(self, value: float | None) -> bool:
        """Whether a figure reaches it; what could not be measured does not."""
        if value is None:
            return False
        least = self.at_least is None or value >= self.at_least
        return least and (self.at_most is None or value <= self.at_most)


@dataclass(frozen=True)
class Case:
    """One row of the table.

    Attributes:
        down, up: to the member and back, from the case's beginning on; before, the link is as at the beginning, but loses nothing.
        steps_s: when the rate changes for good; reactions are counted from there.
        outages: (at_s, ms), both ways.
        long_tcp, short_tcp: connections that share the way down: without end, and ones of 100 kB to 1 MB with pauses between.
        red: whether the host's audio is redundant, as a Chromium host's is.
        svc: whether the host sends VP9 in spatial layers, instead of VP8 in three encodings.
        reference: what others reach, for the table.
    """

    name: str
    down: Path
    seconds: float
    up: Path = CLEAN_UP
    flows: tuple[Flow, ...] = (Flow(),)
    outages: tuple[tuple[float, float], ...] = ()
    long_tcp: int = 0
    short_tcp: int = 0
    browser: str = "chromium"
    red: bool = True
    svc: bool = False
    goals: Mapping[str, Goal] = field(default_factory=dict)
    reference: str = ""

    @property
    def steps_s(self) -> tuple[float, ...]:
        """When the rate of a case with steps changes."""
        rate = self.down.rate
        return tuple(at for at, _ in rate.steps[1:]) if isinstance(rate, Steps) else ()

    @property
    def is_steady(self) -> bool:
        """Whether one member has a link to itself whose rate stays and that is never out: nothing there asks for a change."""
        constant = not any(isinstance(path.rate, Steps | Trace) for path in (self.down, self.up))
        alone = not self.flows[1:] and not self.long_tcp and not self.short_tcp
        return constant and alone and not self.outages

    def shortened(self, factor: float, most_s: float) -> "Case":
        """The same in less time: steps closer together, the rest cut off."""
        if not isinstance(self.down.rate, Steps):
            # Nothing but who comes and goes has its time: that is squeezed into what is left.
            factor = min(1.0, most_s / self.seconds)
        flows = tuple(
            replace(
                flow,
                start_s=flow.start_s * factor,
                away_s=flow.away_s and (flow.away_s[0] * factor, flow.away_s[1] * factor),
            )
            for flow in self.flows
        )
        return replace(
            self,
            seconds=self.seconds * factor if isinstance(self.down.rate, Steps) else min(self.seconds, most_s),
            down=_faster(self.down, factor),
            up=_faster(self.up, factor),
            flows=flows,
        )


def _faster(path: Path, factor: float) -> Path:
    if not isinstance(path.rate, Steps):
        return path
    steps = tuple((at * factor, bps) for at, bps in path.rate.steps)
    return replace(path, rate=Steps(steps, path.rate.repeat_s))


def _steps(*steps: tuple[float, float]) -> Steps:
    """(seconds, Mbit/s)."""
    return Steps(tuple((at, mbit * 1e6) for at, mbit in steps))


def _bottleneck(rate: float | Steps | Trace) -> Path:
    return Path(rate=rate, queue_ms=QUEUE_MS, delay_ms=R_MS / 2)


def _shared(rate: float | Steps, *, queue_ms: float = QUEUE_MS, delay_ms: float = R_MS / 2) -> Path:
    """A bottleneck as RFC 8867 section 4 has them, with its jitter."""
    return Path(rate=rate, queue_ms=queue_ms, delay_ms=delay_ms, jitter_ms=JITTER_MS)


def _lossy(share: float) -> Path:
    return Path(rate=AMPLE_BPS, queue_ms=QUEUE_MS, delay_ms=R_MS / 2, loss=share)


def _lossy_up(share: float) -> Path:
    return Path(delay_ms=R_MS / 2, loss=share)


_SMOOTH = {
    "utilisation": Goal(at_least=0.9),
    "best_layer": Goal(at_least=0.9),
    "queue_p95_ms": Goal(at_most=40),
    "freeze_ratio": Goal(at_most=0.0),
}
_CALM = {"switches_per_min": Goal(at_most=1)}
_PASS = {"freeze_ratio": Goal(at_most=0.01), "concealed_ratio": Goal(at_most=0.01)}
_FAIR = {**_PASS, "jain": Goal(at_least=0.9)}
_TRACE = {
    "utilisation": Goal(at_least=0.7),
    "best_layer": Goal(at_least=0.8),
    "queue_p95_ms": Goal(at_most=100),
    "freeze_ratio": Goal(at_most=0.01),
}
_GCC_TRACE = "GCC on LTE 0.16–0.31, 206–269 ms, 6–11 %"

TRACES = (
    "norway_bus_11",
    "norway_car_5",
    "norway_ferry_20",
    "norway_metro_10",
    "oboe_114",
    "oboe_132",
    "oboe_168",
)


SVC = ("5.1", "step")
"""Cases that are played in SVC too: `5.1-svc`, …"""


def _rfc8867() -> list[Case]:
    return [
        Case(
            "5.1",
            _shared(_steps((0, 1), (40, 2.5), (60, 0.6), (80, 1))),
            100,
            goals=_SMOOTH,
            reference="GCC 0.60, 82 ms, 2.4 %",
        ),
        Case(
            "5.2",
            _shared(_steps((0, 4), (25, 2), (50, 3.5), (75, 1), (100, 2))),
            125,
            flows=(Flow(), Flow()),
            goals=_PASS,
        ),
        Case(
            "5.3",
            _shared(_steps((0, 2), (20, 1), (40, 0.5), (60, 2))),
            100,
            up=_shared(_steps((0, 2), (35, 0.8), (70, 2))),
            goals=_PASS,
        ),
        Case("5.4", _shared(3.5e6), 120, flows=(Flow(), Flow(20), Flow(40)), goals=_FAIR),
        Case(
            "5.5",
            _shared(4e6, delay_ms=0.0),
            300,
            up=Path(),
            flows=tuple(Flow(delay_ms=delay) for delay in (10, 25, 50, 100, 150)),
            goals=_FAIR,
        ),
        Case("5.6", _shared(2e6), 120, long_tcp=1, goals={"tcp_fair_share": Goal(at_least=0.3)}),
        Case(
            "5.6-deep",
            _shared(2e6, queue_ms=1000),
            120,
            long_tcp=1,
            goals={"tcp_fair_share": Goal(at_least=0.3)},
        ),
        Case("5.7", _shared(2e6), 300, flows=(Flow(), Flow()), short_tcp=10, goals=_PASS),
        Case("5.8", _shared(3.5e6), 120, flows=(Flow(), Flow(away_s=(40, 60)), Flow()), goals=_PASS),
    ]


def _losses() -> list[Case]:
    def concealed(share: float) -> dict[str, Goal]:
        return {"concealed_ratio": Goal(at_most=share), "audio_buffer_ms": Goal(at_most=200)}

    def audio(percent: int, most: float, reference: str) -> Case:
        share = percent / 100
        return Case(
            f"audio-{percent}",
            _lossy(share),
            60,
            up=_lossy_up(share),
            goals=concealed(most),
            reference=reference,
        )

    return [
        Case(
            "clean",
            _lossy(0),
            40,
            goals={
                "fps": Goal(at_least=29),
                "freeze_ratio": Goal(at_most=0),
                "first_estimate_ms": Goal(at_most=R_MS + 300),
                # Nothing, but for some probes at the beginning (5 kB each, beside 220 kB of media a second); one a second is more.
                "overhead": Goal(at_most=0.02),
                **_CALM,
            },
        ),
        Case(
            "loss-20",
            _lossy(0.2),
            60,
            up=_lossy_up(0.2),
            goals={
                "fps": Goal(at_least=29),
                "goodput_share": Goal(at_least=0.8),
                "freeze_ratio": Goal(at_most=0),
                **_CALM,
            },
            reference="8 fps, 51 kbit/s",
        ),
        Case(
            "loss-30",
            _lossy(0.3),
            60,
            up=_lossy_up(0.3),
            goals={
                "fps": Goal(at_least=25),
                "freeze_ratio": Goal(at_most=0.01),
                "overhead": Goal(at_most=1.0),
                **_CALM,
            },
            reference="6 fps",
        ),
        audio(40, 0.003, "RED 2: 5.7 %"),
        audio(60, 0.01, "RED 2: 20 %"),
        audio(80, 0.05, "RED 2: 45 %"),
        Case(
            "audio-60-firefox",
            _lossy(0.6),
            60,
            up=_lossy_up(0.6),
            browser="firefox",
            goals={"concealed_ratio": Goal(at_most=0.03)},
        ),
        Case(
            "bursts",
            Path(rate=AMPLE_BPS, queue_ms=QUEUE_MS, delay_ms=R_MS / 2, bursts=Bursts(400, 100)),
            60,
            up=Path(delay_ms=R_MS / 2, bursts=Bursts(400, 100)),
            goals={"concealed_ratio": Goal(at_most=0.03), "freeze_ratio": Goal(at_most=0.02)},
            reference="audio 11.9 %",
        ),
    ]


def _others() -> list[Case]:
    return [
        Case(
            "step",
            _bottleneck(_steps((0, 2.5), (20, 0.6), (40, 2.5))),
            60,
            goals={
                "down_ms": Goal(at_most=R_MS + 200),
                "up_ms": Goal(at_most=3000),
                "freeze_ratio": Goal(at_most=0.01),
            },
            reference="400–600 ms just to notice",
        ),
        Case(
            "outage",
            _bottleneck(AMPLE_BPS),
            30,
            outages=((10, 2000), (20, 2000)),
            goals={"resume_picture_ms": Goal(at_most=R_MS + 300), "resume_sound_ms": Goal(at_most=R_MS + 300)},
        ),
        Case(
            "policed",
            replace(_bottleneck(AMPLE_BPS), policer=Policer(1e6, 30_000)),
            60,
            goals={
                "concealed_ratio": Goal(at_most=0.01),
                "freeze_ratio": Goal(at_most=0.05),
                "policed_share": Goal(at_most=0.05),
            },
        ),
        Case("100k", _bottleneck(1e5), 40, goals={"concealed_ratio": Goal(at_most=0.01), **_CALM}),
        *(Case(name, _bottleneck(Trace(name)), 100, goals=_TRACE, reference=_GCC_TRACE) for name in TRACES),
    ]


def _in_layers(cases: list[Case]) -> list[Case]:
    """Some once more with VP9 in spatial layers, each behind its own."""
    again = {case.name: replace(case, name=f"{case.name}-svc", svc=True) for case in cases if case.name in SVC}
    return [each for case in cases for each in (case, again.get(case.name)) if each is not None]


CASES: dict[str, Case] = {case.name: case for case in _in_layers([*_rfc8867(), *_losses(), *_others()])}

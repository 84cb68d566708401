"""What a link is like, one direction at a time; the fields are those of `src/config.rs`."""

from dataclasses import asdict, dataclass
from pathlib import Path as File
from typing import Any

TRACES = File(__file__).parent / "traces"


@dataclass(frozen=True)
class Steps:
    """A rate that changes: (seconds since it was set, bit/s), beginning again after `repeat_s`, None: the last holds."""

    steps: tuple[tuple[float, float], ...]
    repeat_s: float | None = None


@dataclass(frozen=True)
class Trace:
    """A rate from a file in `traces/` (a name without `.txt`), or any path: lines of seconds and Mbit/s."""

    trace: str
    repeat: bool = True


@dataclass(frozen=True)
class Policer:
    """What is beyond `rate` (bit/s, headers included) is dropped at once: a token bucket of `burst_octets` (1500 at least), full at first."""

    rate: float
    burst_octets: int


@dataclass(frozen=True)
class Bursts:
    """Loss by Gilbert and Elliott's model, in time: mean lengths of good and bad spells, and what is lost in each."""

    good_ms: float
    bad_ms: float
    good_loss: float = 0.0
    bad_loss: float = 1.0


@dataclass(frozen=True)
class Reorder:
    """So large a share is held back for `delay_ms`, so that others overtake it."""

    share: float
    delay_ms: float


@dataclass(frozen=True)
class Path:
    """One direction; what is left out is perfect.

    Args:
        rate: bit/s, headers included; None: no bound.
        queue_ms: drop-tail limit as time at the present rate.
        queue_octets: the same in octets.
        policer: what drops all beyond a rate before the queue.
        delay_ms: one-way delay behind the queue.
        jitter_ms: the most that is added to the delay; normal around half of it, without reorder.
        loss: share lost independently.
        bursts: loss in bursts of time.
        reorder: packets held back.
        duplicate: share that comes twice.
    """

    rate: float | Steps | Trace | None = None
    queue_ms: float | None = None
    queue_octets: int | None = None
    policer: Policer | None = None
    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    loss: float = 0.0
    bursts: Bursts | None = None
    reorder: Reorder | None = None
    duplicate: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """As the control takes it."""
        fields = asdict(self)
        if isinstance(self.rate, Trace):
            known = TRACES / f"{self.rate.trace}.txt"
            fields["rate"]["trace"] = str(known if known.exists() else File(self.rate.trace).absolute())
        return fields


@dataclass(frozen=True)
class Listener:
    """Where clients come in, and where they are led.

    Args:
        name: told back with the address.
        udp, tcp: what is taken; both on the same port.
        target: "ip:port"; may be set later, and what comes before is dropped.
        bind: "ip:port"; port 0 lets the kernel choose.
        delay_ms: one-way delay of its flows beside that of the path.
    """

    name: str
    udp: bool = False
    tcp: bool = False
    target: str | None = None
    bind: str = "127.0.0.1:0"
    delay_ms: float = 0.0

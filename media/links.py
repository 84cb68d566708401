"""What the plane tells of viewers' links, as numpy arrays: a value a viewer."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Links:
    """(rows,) each; NaN: unknown.

    Attributes:
        loss: share of packets that the link loses, 0 to 1, without what its full queue drops.
        missed: share that does not arrive, whoever loses it.
        estimate: bit/s that the link carries.
        copied: octets of copies and repair packets sent since the beginning.
        queue_ms: what waits in the link's queue.
        rtt_ms: round trip.
        run_ms: how long all is lost at a time, at most, of late.
        contended: whether others use the link.
        pushed_aside: whether they keep its queue full whatever is sent.
    """

    loss: Floats
    missed: Floats
    estimate: Floats
    copied: Floats
    queue_ms: Floats
    rtt_ms: Floats
    run_ms: Floats
    contended: Flags
    pushed_aside: Flags

    @classmethod
    def unknown(cls, rows: int) -> "Links":
        """Of so many viewers, to be filled in; copied is nothing."""
        loss, missed, estimate, queue, rtt, run = np.full((6, rows), np.nan)
        contended, pushed_aside = np.zeros((2, rows), np.bool_)
        return cls(loss, missed, estimate, np.zeros(rows), queue, rtt, run, contended, pushed_aside)


def stepped(values: Floats, step: int) -> Floats:
    """Rounded up to steps."""
    return np.ceil(values / step - 1e-6) * step  # 80.0000001 is 80


def weight(of_a_pass: float, passes: float) -> float:
    """What a reading weighs that stands for so many passes and weighs so much in one."""
    return float(1 - (1 - of_a_pass) ** passes)

"""How each viewer's media are protected against the losses of its own link: one pass over all viewers at once.

Audio is sent again (copies, see `Plane.protect`) so often that of a thousand packets no more than a few dozen never arrive: what
in-band FEC or RED then cannot fill is inaudible. Copies are spread over a fixed span of time rather than set a fixed time
apart, so that few copies outlast a burst and many do not stretch the jitter buffer. RED (RFC 2198) stays where both ends have it:
it costs less than a copy on any link, and fills half of what the copies leave; only on a link so narrow that it would take the
sound's own room are receivers sent the plain frames.
Retransmissions are copied where the retransmission is likely to be lost too. On a clean link nothing is sent.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ProtectionConfig:
    """All thresholds. Losses are shares of packets, 0 to 1, of the viewer's own link.

    Args:
        begin_loss: from which audio is copied. Below it in-band FEC or RED fill single losses.
        end_loss: below which it is not any more; well under `begin_loss`, because a smoothed share of few packets wavers.
        residual: of audio packets that may stay lost with all copies, before FEC or RED: a loss below it is hardly heard.
        most_copies: of a packet. More would cost more than the picture, and come too late.
        span_ms: in which all copies of a packet are sent: longer than a burst of 100 ms, shorter than a jitter buffer of 200 ms.
        most_spacing_ms: between two copies: what most bursts are shorter than.
        least_spacing_ms: closer copies would share the fate of one another.
        retransmission_loss: at which each retransmission is sent twice, and three times.
        relief: a loss must fall to this share of what the protection is made for before there is less of it.
        hold_s: for so long, because a loss that comes and goes must not find the viewer bare each time.
        most_share: of the estimate that copies of audio may take: the picture needs the rest.
        least_room_bps: an estimate below which nothing is copied: sound and one copy of it with their headers, at the 48 kbit/s
            at which browsers send voices.
        beyond_crowding: a loss that sound and one copy of it cannot cause by themselves on a link that carries sound.
        audio_bps: that one copy of all audio takes, bit/s: Opus at 32 kbit/s with RTP, extensions and SRTP.
        plain_below_bps: sound goes without RED below this estimate, bit/s: RED takes 80 kbit/s, 48 more than plain frames do, and
            a picture needs 150.
        plain_until_bps: until the estimate is this again.
        smoothing: weight of a pass's reading in the overhead, at ten passes a second about a second.
    """

    begin_loss: float = 0.03
    end_loss: float = 0.01
    residual: float = 0.02
    most_copies: int = 9
    span_ms: float = 160.0
    most_spacing_ms: float = 80.0
    least_spacing_ms: float = 16.0
    retransmission_loss: tuple[float, float] = (0.15, 0.45)
    relief: float = 0.75
    hold_s: float = 5.0
    most_share: float = 0.5
    least_room_bps: float = 150_000.0
    beyond_crowding: float = 0.4
    audio_bps: float = 48_000.0
    plain_below_bps: float = 220_000.0
    plain_until_bps: float = 320_000.0
    smoothing: float = 0.1


class Protection:
    """Protection of all viewers, a row each, as many as were asked for last.

    `copies`, `spacing_ms`, `retransmissions` and `plain_audio` are what `Plane.protect` takes; `overhead_bps` is what is spent on it now.
    """

    def __init__(self, config: ProtectionConfig) -> None:
        self._config = config
        self.copies: Counts = np.empty(0, np.int64)
        self.spacing_ms: Counts = np.empty(0, np.int64)
        self.retransmissions: Counts = np.empty(0, np.int64)
        self.plain_audio: Bools = np.empty(0, np.bool_)
        self.overhead_bps: Floats = np.empty(0)
        self._lighter_since: Floats = np.empty(0)
        self._octets: Floats = np.empty(0)
        self._read_at = np.nan

    def reset(self, row: int) -> None:
        """A viewer begins or ends in this row: it is protected by nothing."""
        self._grow(row + 1)
        self.copies[row] = self.spacing_ms[row] = self.retransmissions[row] = 0
        self.plain_audio[row] = False
        self.overhead_bps[row] = 0.0
        self._lighter_since[row] = self._octets[row] = np.nan

    def decide(self, now: float, loss: Floats, estimates: Floats, copied: Floats) -> npt.NDArray[np.intp]:
        """Decide; returns the rows in which something changed.

        Args:
            now: seconds of a monotonic clock.
            loss: (rows,) share that the link loses; NaN where nothing is known, which is left as it is.
            estimates: (rows,) bit/s that the link carries; NaN: unknown, which bounds nothing.
            copied: (rows,) octets of copies sent since the beginning.
        """
        self._grow(len(loss))
        self._measure(now, copied)
        known = ~np.isnan(loss)
        loss = np.nan_to_num(loss)
        copies, retransmissions = self._needed(loss, self.copies > 0, estimates)
        # What it would be were the loss a third higher: only what even that does not need is taken away.
        eased, eased_retransmissions = self._needed(loss / self._config.relief, self.copies > 0, estimates)
        more = known & ((copies > self.copies) | (retransmissions > self.retransmissions))
        less = known & ~more & ((eased < self.copies) | (eased_retransmissions < self.retransmissions))
        self._lighter_since[~less] = np.nan
        began = less & np.isnan(self._lighter_since)
        self._lighter_since[began] = now
        less &= now - self._lighter_since >= self._config.hold_s
        before = self.copies.copy(), self.retransmissions.copy(), self.plain_audio.copy()
        self.plain_audio = estimates < np.where(
            self.plain_audio, self._config.plain_until_bps, self._config.plain_below_bps
        )
        self.copies = np.where(
            more, np.maximum(copies, self.copies), np.where(less, np.minimum(eased, self.copies), self.copies)
        )
        self.retransmissions = np.where(
            more,
            np.maximum(retransmissions, self.retransmissions),
            np.where(less, np.minimum(eased_retransmissions, self.retransmissions), self.retransmissions),
        )
        self._lighter_since[less] = np.nan
        self._space()
        after = self.copies, self.retransmissions, self.plain_audio
        return np.flatnonzero(np.any([was != now_is for was, now_is in zip(before, after, strict=True)], axis=0))

    def _needed(self, loss: Floats, protected: Bools, estimates: Floats) -> tuple[Counts, Counts]:
        """Copies of audio and of retransmissions for these losses."""
        config = self._config
        share = np.clip(loss, 1e-6, 0.99)
        # The least n with share**(n + 1) <= residual.
        copies = np.ceil(np.log(config.residual) / np.log(share)) - 1
        copies = np.clip(np.maximum(copies, 1), 0, config.most_copies)
        affordable = np.where(np.isnan(estimates), np.inf, estimates * config.most_share / config.audio_bps)
        # One copy is worth more than any picture, but not where it would take the sound's own room: what the link then drops
        # would ask for still more copies. A loss of which no such crowding is the cause says that the estimate is too low.
        one = (np.nan_to_num(estimates, nan=np.inf) >= config.least_room_bps) | (loss >= config.beyond_crowding)
        copies = np.minimum(copies, np.maximum(np.floor(affordable), one))
        copies[loss < np.where(protected, config.end_loss, config.begin_loss)] = 0
        once, twice = config.retransmission_loss
        return copies.astype(np.int64), (loss >= once).astype(np.int64) + (loss >= twice)

    def _space(self) -> None:
        config = self._config
        spacing = np.clip(config.span_ms / np.maximum(self.copies, 1), config.least_spacing_ms, config.most_spacing_ms)
        self.spacing_ms = np.where(self.copies > 0, spacing, 0.0).astype(np.int64)

    def _measure(self, now: float, copied: Floats) -> None:
        """What copies take of each link, smoothed."""
        elapsed = now - self._read_at
        if elapsed > 0:
            rate = np.nan_to_num(np.maximum(copied - self._octets, 0.0) * 8 / elapsed)
            self.overhead_bps += self._config.smoothing * (rate - self.overhead_bps)
        self._read_at, self._octets = now, copied.astype(np.float64)

    def _grow(self, rows: int) -> None:
        missing = rows - len(self.copies)
        if missing <= 0:
            return
        for name in ("copies", "spacing_ms", "retransmissions"):
            setattr(self, name, np.concatenate([getattr(self, name), np.zeros(missing, np.int64)]))
        self.overhead_bps = np.concatenate([self.overhead_bps, np.zeros(missing)])
        self.plain_audio = np.concatenate([self.plain_audio, np.zeros(missing, np.bool_)])
        for name in ("_lighter_since", "_octets"):
            setattr(self, name, np.concatenate([getattr(self, name), np.full(missing, np.nan)]))

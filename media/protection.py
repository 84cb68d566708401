"""How each viewer's media are protected against the losses of its own link: one pass over all viewers at once.

Audio is sent again (copies, see `Plane.protect`) so often that of a thousand packets no more than a dozen never arrive: what
in-band FEC then cannot fill is inaudible. Of RED, which brings the frame before once more, fewer copies do. Copies are spread over a
span of time rather than set a fixed time apart, so that few copies outlast a burst and many do not stretch the jitter buffer
(those of RED are as far apart as if there were as many as of plain frames); over a longer one where bursts are long. RED (RFC 2198) stays where both ends have it:
it costs less than a copy on any link, and brings nearly all that the copies leave; only on a link so narrow that it would take the
sound's own room are receivers sent the plain frames.
Retransmissions are copied where the retransmission is likely to be lost too, and pictures themselves where most is lost. Repair packets (FlexFEC) spare pictures a round trip, so
there are more of them the longer that is; and pictures are kept before they are shown as long as retransmissions take (`playout.py`).
On a clean link nothing is sent, and nothing begins while the link's queue is long: then it is the queue that loses, and more of anything
would make more of that. Where it is others who keep it full, sending less would not: there pictures that others need have repair packets, and
retransmissions a copy. Such a queue drops packets one by one rather than in bursts, and a retransmission comes as late as it is long.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypedDict

import numpy as np
import numpy.typing as npt

from media.links import Counts, Flags, Floats, Links, stepped, weight
from media.overhead import Overhead, OverheadConfig
from media.playout import Playout, PlayoutConfig

COPIES = ("copies", "redundant_copies")
MEASURES = (*COPIES, "picture_copies", "retransmissions", "fec_percent")
"""What a loss asks for more or less of."""


_SPACINGS = ("spacing_ms", "retransmission_spacing_ms")
_UNKNOWN_AT_FIRST = ("_loss", "_rtt", "_worst", "_lighter_since", "_queued_at", "_bare_at", "_octets")


class Told(TypedDict):
    """Keyword arguments of `Plane.protect`."""

    copies: int
    redundant_copies: int
    picture_copies: int
    spacing_ms: int
    retransmissions: int
    retransmission_spacing_ms: int
    fec_percent: int
    playout_ms: int
    plain_audio: bool


@dataclass(frozen=True, slots=True)
class ProtectionConfig:
    """All thresholds. Losses are shares of packets, 0 to 1, of the viewer's own link.

    Args:
        begin_loss: from which anything is protected. Below it in-band FEC or RED fill single losses, and NACK those of pictures.
        begin_as: what it is taken for when it begins, until it is known: the first readings of a smoothed share are too small.
        end_loss: below which it is not any more; well under `begin_loss`, because a smoothed share of few packets wavers.
        most_queue_ms: with more than that waiting in the link's queue losses are its own, and more of anything would make more of them.
        queued_fec_percent: repair packets where others keep the queue full: while it is, it drops one packet in six. One for a picture of
            one or two packets, two for one of three, three for each four of a keyframe.
        drained_s: so long a loss is held against the queue after it has drained, because the loss is smoothed.
        residual: of audio packets that may stay lost with all copies, before in-band FEC: a loss below it is hardly heard.
        redundant_residual: the same of RED audio: of what stays lost the next packet brings all but about as large a share.
        most_copies: of a packet. More would cost more than the picture, and come too late.
        span_ms: in which all copies of a packet are sent: longer than a burst of 100 ms, shorter than a jitter buffer of 200 ms.
        most_spacing_ms: between two copies: what most bursts are shorter than.
        least_spacing_ms: closer copies would share the fate of one another.
        retransmission_loss: at which each retransmission is sent twice, and three times.
        picture_loss, picture_copies: from this loss on each packet of pictures has so many copies. Sound is late where pictures are kept for
            as long as it takes to repair them, so there they are not, and a retransmission is too late as often as it is lost.
        run_residual, run_span_ms: `residual` and `span_ms` where all is lost for a while at a time: what comes close behind shares a
            packet's fate, and sound waits for a picture that is kept for longer than this.
        run_spacing_ms: between a retransmission and its copy there: most of what is left of a burst that took the one. Where single
            packets are lost the plane's least spacing is better: the sooner it comes the fewer are asked for again.
        fec_by_loss: repair packets for each packet lost, of pictures that others need, at a round trip of `fec_rtt_ms`: at such
            ones a retransmission and its copy are in time and cost less, and repair packets spare what those leave.
        fec_rtt_ms: at twice that twice as many, because a retransmission comes as much later, and up to four times; at half of it half as many.
        fec_step_percent: repair packets go in such steps, so that a loss that wavers changes nothing.
        opening_fec_percent: so many at least for `opening_s` from the beginning on, while browsers keep no picture back yet: they
            do so step by step, and until then each retransmission is late.
        ample_bps, ample_fec_percent: from this estimate on so many instead, which protects pictures that no other needs as well: shown
            more slowly while the delay grows, those that others need come too far apart. It is twice what the best picture takes.
        most_fec_percent: of what they protect. More would rather be a copy.
        playout: how long pictures are kept.
        overhead: how what is spent is known.
        relief: a loss must fall to this share of what the protection is made for before there is less of it.
        hold_s: for so long, because a loss that comes and goes must not find the viewer bare each time.
        most_share: of the estimate that copies of audio may take: the picture needs the rest.
        least_room_bps: an estimate below which nothing is copied: sound and one copy of it with their headers, at the 48 kbit/s
            at which browsers send voices.
        beyond_crowding: a loss that sound and one copy of it cannot cause by themselves on a link that carries sound.
        audio_bps: that one copy of all audio takes, bit/s: Opus at 32 kbit/s with RTP, extensions and SRTP.
        loss_smoothing: weight of a pass's loss where something is protected, and of its round trip; at one each `pass_s`
            two seconds.
        settling_s: for so long from the beginning on the loss as told counts: it is smoothed too.
        sudden: a loss so many times what it was counts at once: the sound must not wait.
        plain_below_bps: sound goes without RED below this estimate, bit/s: RED takes 80 kbit/s, 48 more than plain frames do, and
            a picture needs 150.
        plain_until_bps: until the estimate is this again.
        pass_s: between two passes, as these weights are meant: one that comes sooner or later weighs less or more.
    """

    begin_loss: float = 0.03
    begin_as: float = 0.2
    end_loss: float = 0.01
    most_queue_ms: float = 40.0
    queued_fec_percent: int = 50
    drained_s: float = 1.0
    residual: float = 0.01
    redundant_residual: float = 0.03
    most_copies: int = 9
    span_ms: float = 160.0
    most_spacing_ms: float = 80.0
    least_spacing_ms: float = 16.0
    retransmission_loss: tuple[float, float] = (0.15, 0.45)
    picture_loss: float = 0.55
    picture_copies: int = 3
    run_residual: float = 0.002
    run_span_ms: float = 240.0
    run_spacing_ms: int = 90
    fec_by_loss: float = 0.58
    fec_rtt_ms: float = 120.0
    fec_step_percent: int = 10
    opening_fec_percent: int = 60
    opening_s: float = 2.0
    ample_bps: float = 4e6
    ample_fec_percent: int = 90
    most_fec_percent: int = 100
    playout: PlayoutConfig = field(default_factory=PlayoutConfig)
    overhead: OverheadConfig = field(default_factory=OverheadConfig)
    relief: float = 0.75
    hold_s: float = 5.0
    most_share: float = 0.5
    least_room_bps: float = 150_000.0
    beyond_crowding: float = 0.4
    audio_bps: float = 48_000.0
    loss_smoothing: float = 0.05
    settling_s: float = 1.5
    sudden: float = 1.5
    plain_below_bps: float = 220_000.0
    plain_until_bps: float = 320_000.0
    pass_s: float = 0.1


class Protection:
    """Protection of all viewers, a row each, as many as were asked for last.

    `copies`, `redundant_copies`, `picture_copies`, `spacing_ms`, `retransmissions`, `retransmission_spacing_ms`, `fec_percent`, `playout_ms` and `plain_audio` are what
    `Plane.protect` takes; `overhead` is what is spent on it now.
    """

    def __init__(self, config: ProtectionConfig) -> None:
        self._config = config
        self._playout = Playout(config.playout)
        self.overhead = Overhead(config.overhead)
        self.copies: Counts = np.empty(0, np.int64)
        self.redundant_copies: Counts = np.empty(0, np.int64)
        self.picture_copies: Counts = np.empty(0, np.int64)
        self.spacing_ms: Counts = np.empty(0, np.int64)
        self.retransmissions: Counts = np.empty(0, np.int64)
        self.retransmission_spacing_ms: Counts = np.empty(0, np.int64)
        self.fec_percent: Counts = np.empty(0, np.int64)
        self.plain_audio: Flags = np.empty(0, np.bool_)
        self._opening: Counts = np.empty(0, np.int64)
        """Repair packets at the beginning, percent."""
        self._loss: Floats = np.empty(0)
        self._rtt: Floats = np.empty(0)
        self._worst: Floats = np.empty(0)
        self._lighter_since: Floats = np.empty(0)
        self._queued_at: Floats = np.empty(0)
        self._bare_at: Floats = np.empty(0)
        self._octets: Floats = np.empty(0)
        self._read_at = np.nan
        self._passes = 1.0
        """How many of `pass_s` the present pass stands for."""

    @property
    def playout_ms(self) -> Counts:
        """How long pictures are kept."""
        return self._playout.ms

    @property
    def loss(self) -> Floats:
        """What the losses of each link are taken for that is protected against them, 0 elsewhere."""
        return np.where(self._protected(), np.nan_to_num(self._loss), 0.0)

    def costs(self, rates: Floats) -> Floats:
        """(rows, pictures, levels) bit/s that pictures of such rates take with what repairs them beyond what is sent now."""
        return self.overhead.costs(rates, self.picture_copies)

    def reset(self, row: int) -> None:
        """A viewer begins or ends in this row: it is protected by nothing."""
        self._grow(row + 1)
        for name in (*MEASURES, *_SPACINGS, "plain_audio", "_opening"):
            getattr(self, name)[row] = 0
        self._playout.reset(row)
        self.overhead.reset(row)
        for name in _UNKNOWN_AT_FIRST:
            getattr(self, name)[row] = np.nan

    def of(self, row: int) -> Told:
        """What `Plane.protect` is to be told of a row."""
        queued = bool(self._playout.queued[row])
        fec = max(int(self.fec_percent[row]), int(self._opening[row]), self._config.queued_fec_percent * queued)
        return {
            "copies": int(self.copies[row]),
            "redundant_copies": int(self.redundant_copies[row]),
            "picture_copies": int(self.picture_copies[row]),
            "spacing_ms": int(self.spacing_ms[row]),
            "retransmissions": max(int(self.retransmissions[row]), int(queued)),
            "retransmission_spacing_ms": int(self.retransmission_spacing_ms[row]),
            "fec_percent": fec,
            "playout_ms": int(self.playout_ms[row]),
            "plain_audio": bool(self.plain_audio[row]),
        }

    def decide(self, now: float, links: Links, pictures_bps: Floats | float = 0.0) -> npt.NDArray[np.intp]:
        """Decide; returns the rows in which something changed.

        Args:
            now: seconds of a monotonic clock.
            links: of a link whose loss is unknown all is left as it is. An estimate that is unknown bounds nothing, a queue and a run are
                then taken for nothing, and a round trip for `fec_rtt_ms`.
            pictures_bps: what is shown takes itself.
        """
        self._grow(len(links.loss))
        self._measure(now, links.copied, pictures_bps)
        config = self._config
        self._queued_at[np.nan_to_num(links.queue_ms) > config.most_queue_ms] = now
        known = ~np.isnan(links.loss)
        protected = self._protected()
        told = np.nan_to_num(links.loss)
        loss = self._smooth_loss(now, told, protected)
        rtt = self._smooth_rtt(links.rtt_ms)
        # What it would be were the loss a third higher: only what even that does not need is taken away. Of a link that loses in
        # bursts the worst since less was enough counts, because there may be none at the very moment at which `hold_s` are over.
        self._worst = np.where(np.isnan(self._lighter_since), told, np.fmax(self._worst, told))
        in_runs = np.nan_to_num(links.run_ms) >= config.playout.long_run_ms
        worse = np.where(in_runs, self._worst, told) / config.relief
        needed = self._needed(np.stack([loss, worse]), protected, links.estimate, rtt, in_runs)
        now_have = {name: getattr(self, name) for name in MEASURES}
        own = ~(now - self._queued_at < config.drained_s)
        more = known & own & _any(needed[name][0] > now_have[name] for name in MEASURES)
        less = known & ~more & _any(needed[name][1] < now_have[name] for name in MEASURES)
        less = self._held(now, less)
        # What a link that has narrowed does not carry is not held.
        most = self._most_copies(loss, links.estimate)
        changed = self._plain(links.estimate)
        for name, have in now_have.items():
            lower, upper = np.minimum(needed[name][1], have), np.maximum(needed[name][0], have)
            want = np.where(more, upper, np.where(less, lower, have))
            if name in COPIES:
                want = np.minimum(want, most).astype(np.int64)
            changed |= want != have
            setattr(self, name, want)
        changed |= self._space(in_runs)
        changed |= self._playout.decide(links, self._loss, rtt, self._protected(), self._passes)
        changed |= self._open(now, links.estimate)
        return np.flatnonzero(changed)

    def _protected(self) -> Flags:
        """Where anything is done against losses."""
        return _any(getattr(self, name) > 0 for name in MEASURES)

    def _smooth_loss(self, now: float, loss: Floats, protected: Flags) -> Floats:
        """What losses are taken for: where something is protected one moment's must not make it more for good."""
        config = self._config
        self._bare_at[~protected] = now
        sudden = (loss > self._loss * config.sudden) | (now - self._bare_at < config.settling_s)
        of_this = np.where(protected & ~sudden, self._weight(config.loss_smoothing), 1.0)
        self._loss = np.where(np.isnan(self._loss), loss, self._loss + of_this * (loss - self._loss))
        # Told again until it is protected, so that it begins with that.
        begins = ~protected & (loss >= config.begin_loss)
        return np.where(begins, np.maximum(self._loss, config.begin_as), self._loss)

    def _smooth_rtt(self, rtt: Floats) -> Floats:
        """A round trip as told has the time in it that its report waited, which differs."""
        step = self._weight(self._config.loss_smoothing) * (rtt - self._rtt)
        self._rtt = np.where(np.isnan(self._rtt), rtt, self._rtt + np.nan_to_num(step))
        return np.nan_to_num(self._rtt, nan=self._config.fec_rtt_ms)

    def _plain(self, estimates: Floats) -> Flags:
        """Where sound begins or ends to go without what it repeats."""
        before, config = self.plain_audio, self._config
        self.plain_audio = estimates < np.where(before, config.plain_until_bps, config.plain_below_bps)
        changed: Flags = self.plain_audio != before
        return changed

    def _open(self, now: float, estimates: Floats) -> Flags:
        """Where pictures begin or end to be protected as such that nobody keeps back yet."""
        before, began, config = self._opening, self._protected(), self._config
        opening = began & (now - self._bare_at < config.opening_s)
        percent = np.where(estimates >= config.ample_bps, config.ample_fec_percent, config.opening_fec_percent)
        # Begun as ample it is not changed for an estimate that wavers.
        self._opening = np.where(opening, np.where(before > 0, before, percent), 0)
        changed: Flags = self._opening != before
        return changed

    def _held(self, now: float, less: Flags) -> Flags:
        """Where less was enough for so long that there is less."""
        self._lighter_since[~less] = np.nan
        began = less & np.isnan(self._lighter_since)
        self._lighter_since[began] = now
        held = less & (now - self._lighter_since >= self._config.hold_s)
        self._lighter_since[held] = np.nan
        return held

    def _needed(
        self, loss: Floats, protected: Flags, estimates: Floats, rtt: Floats, in_runs: Flags
    ) -> dict[str, Counts]:
        """What these losses, (…, rows), ask for, by measure."""
        config = self._config
        share, most = np.clip(loss, 1e-6, 0.99), self._most_copies(loss, estimates)

        def copies(residual: float) -> Floats:
            # The least n with share**(n + 1) <= residual.
            needed: Floats = np.ceil(np.log(residual) / np.log(share)) - 1
            return np.minimum(np.maximum(needed, 1), most)

        plain = np.where(in_runs, copies(config.run_residual), copies(config.residual))
        once, twice = config.retransmission_loss
        slowness = np.clip(rtt / config.fec_rtt_ms, 0.5, 4.0)
        fec = stepped(100 * loss * config.fec_by_loss * slowness, config.fec_step_percent)
        needed = {
            "copies": plain,
            # A burst takes the next packet too: what outlasts it are copies.
            "redundant_copies": np.where(in_runs, plain, copies(config.redundant_residual)),
            "picture_copies": np.where(loss >= config.picture_loss, config.picture_copies, 0),
            "retransmissions": np.where(loss >= twice, 2, np.where(loss >= once, 1, 0)),
            "fec_percent": np.minimum(fec, config.most_fec_percent),
        }
        bare = loss < np.where(protected, config.end_loss, config.begin_loss)
        return {name: np.where(bare, 0, wanted).astype(np.int64) for name, wanted in needed.items()}

    def _most_copies(self, loss: Floats, estimates: Floats) -> Floats:
        """How many copies there is room for."""
        config = self._config
        affordable = np.where(np.isnan(estimates), np.inf, estimates * config.most_share / config.audio_bps)
        # One copy is worth more than any picture, but not where it would take the sound's own room: what the link then drops
        # would ask for still more copies. A loss of which no such crowding is the cause says that the estimate is too low.
        one = (np.nan_to_num(estimates, nan=np.inf) >= config.least_room_bps) | (loss >= config.beyond_crowding)
        most: Floats = np.minimum(config.most_copies, np.maximum(np.floor(affordable), one))
        return most

    def _space(self, in_runs: Flags) -> Flags:
        """How far copies are apart; returns where that changes of what is sent."""
        config = self._config
        before = [getattr(self, name) for name in _SPACINGS]
        span = np.where(in_runs, config.run_span_ms, config.span_ms)
        spacing = np.clip(span / np.maximum(self.copies, 1), config.least_spacing_ms, config.most_spacing_ms)
        self.spacing_ms = np.where(self.copies > 0, spacing, 0.0).astype(np.int64)
        spaced = in_runs & (self.retransmissions > 0)
        self.retransmission_spacing_ms = np.where(spaced, config.run_spacing_ms, 0).astype(np.int64)
        return _any(getattr(self, name) != old for name, old in zip(_SPACINGS, before, strict=True))

    def _measure(self, now: float, copied: Floats, pictures_bps: Floats | float) -> None:
        """What copies and repair packets take of each link, smoothed."""
        elapsed = now - self._read_at
        if elapsed > 0:
            self._passes = elapsed / self._config.pass_s
            rate = np.nan_to_num(np.maximum(copied - self._octets, 0.0) * 8 / elapsed)
            of_audio = np.maximum(self.copies, self.redundant_copies) * self._config.audio_bps
            self.overhead.measure(rate, of_audio, pictures_bps, self._passes)
        self._read_at, self._octets = now, copied.astype(np.float64)

    def _weight(self, of_a_pass: float) -> float:
        """What a reading weighs now that weighs so much in a pass of the usual length."""
        return weight(of_a_pass, self._passes)

    def _grow(self, rows: int) -> None:
        missing = rows - len(self.copies)
        if missing <= 0:
            return
        self._playout.grow(rows)
        self.overhead.grow(rows)
        for name in (*MEASURES, *_SPACINGS, "_opening"):
            setattr(self, name, np.concatenate([getattr(self, name), np.zeros(missing, np.int64)]))
        self.plain_audio = np.concatenate([self.plain_audio, np.zeros(missing, np.bool_)])
        for name in _UNKNOWN_AT_FIRST:
            setattr(self, name, np.concatenate([getattr(self, name), np.full(missing, np.nan)]))


def _any(flags: Iterable[Flags]) -> Flags:
    found: Flags = np.logical_or.reduce(list(flags))
    return found

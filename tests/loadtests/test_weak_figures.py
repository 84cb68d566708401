"""What the bench of weak networks figures, of takes made by hand."""

from typing import Any

import numpy as np
import pytest

from loadtests.link.config import Path, Policer, Steps
from loadtests.link.packet_log import RECORD, Fate, Kind, Way
from loadtests.weak import figures, gaps, run, series
from loadtests.weak.cases import CASES, Case, Flow, Goal
from loadtests.weak.needs import Needs
from loadtests.weak.report import entry, median, row, spoilt
from loadtests.weak.run import Take

NEEDS = np.array([2e5, 6e5, 2e6])
LEAST_NEEDS = np.array([1e5, 4e5, 1.3e6])
SECONDS = 20
MS = 1_000_000
BEGAN = 5_000 * MS
VIDEO, AUDIO, SOURCE = 11, 12, 7


@pytest.fixture(autouse=True)
def _needs(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Needs(heights=(180, 360, 720), payload=np.array([1.5e5, 5e5, 1.8e6]), full=NEEDS, least=LEAST_NEEDS)
    monkeypatch.setattr(figures, "needs", lambda *, layered: made)


def take(case: Case, *, estimate: Any, encoding: Any, **page: Any) -> Take:
    """One member; estimate and encoding by time in s, counters of the page by `kind_name` and time."""
    moments = np.arange(0, SECONDS, 0.05)
    plane = [
        {
            "t": BEGAN + int(at * 1e9),
            "rows": [
                {
                    "peer": 1,
                    "sink": 3,
                    "source": SOURCE,
                    "encoding": encoding(at),
                    "temporal": page.get("temporal", lambda at: 255)(at),
                    "bytes": int(at * 1e5),
                    "estimate_bps": estimate(at),
                    "link_bytes": int(at * 1e5),
                }
            ],
        }
        for at in moments
    ]
    samples = [
        {
            "t": BEGAN / MS + at * 1e3,
            "video": {"framesDecoded": at * 30, "totalFreezesDuration": page.get("frozen", lambda at: 0.0)(at)},
            "audio": {
                "totalSamplesReceived": at * 48_000,
                "concealedSamples": page.get("concealed", lambda at: 0.0)(at),
                "silentConcealedSamples": 0,
            },
        }
        for at in moments
    ]
    shown = [BEGAN / MS + at * 1e3 for at in page.get("shown", np.arange(0, SECONDS, 1 / 30))]
    return Take(
        case=case,
        seed=1,
        began=BEGAN,
        ended=BEGAN + SECONDS * 1000 * MS,
        pages=[{"samples": samples, "shown": shown}],
        plane=plane,
        log=packets([(at, VIDEO) for at in np.arange(0, SECONDS, 0.01)]),
    )


def packets(
    sent: list[tuple[float, int]], *, wait_ms: float = 10.0, flow: int = 1
) -> np.ndarray[Any, np.dtype[np.void]]:
    log = np.zeros(len(sent), RECORD)
    for number, (at, ssrc) in enumerate(sent):
        arrived = BEGAN + int(at * 1e9)
        # 1250 octets take 10 ms at 1 Mbit/s, beside what they wait.
        left = arrived + int((wait_ms + 10) * MS)
        detail = 96 if ssrc == VIDEO else 111
        log[number] = (arrived, left, left, 1250, ssrc, flow, number, Way.DOWN, Kind.RTP, detail, Fate.DELIVERED)
    return log


def steps(*pairs: tuple[float, float], **more: Any) -> Case:
    return Case("case", Path(rate=Steps(pairs)), SECONDS, **more)


def test_the_estimate_is_held_against_what_can_be_used_from_three_seconds_after_each_step() -> None:
    case = steps((0, 1e6), (10, 4e6))
    # Too low while it may settle, half of the capacity before the step, half of what the top layer needs behind it.
    low = take(case, estimate=lambda at: 1.0 if at % 10 < 2.9 else (5e5 if at < 10 else 1e6), encoding=lambda at: 1)
    found = figures.figures(low)["utilisation"]
    assert found == pytest.approx(0.5 * 1250 / 1222, abs=0.01)


def test_an_estimate_above_the_capacity_makes_good_for_nothing() -> None:
    case = steps((0, 1e6))
    found = figures.figures(take(case, estimate=lambda at: 9e6 if at < 10 else None, encoding=lambda at: 1))
    assert found["utilisation"] == pytest.approx(7 / 17, abs=0.01)


def test_more_than_fits_is_no_better_a_layer_than_less() -> None:
    case = steps((0, 1e6))
    for wrong in (0, 2):
        chosen = take(case, estimate=lambda at: 9e5, encoding=lambda at, wrong=wrong: 1 if at < 11.5 else wrong)
        assert figures.figures(chosen)["best_layer"] == pytest.approx(0.5, abs=0.01)


def test_a_larger_picture_at_half_the_rate_is_the_better_layer_as_policy_has_it() -> None:
    found = figures.figures(take(steps((0, 1.5e6)), estimate=lambda at: 9e5, encoding=lambda at: 2))
    assert (found["best_layer"], found["best_at_full_rate"]) == (1.0, 0.0)


def test_reactions_are_counted_from_the_step() -> None:
    case = steps((0, 3e6), (5, 0.7e6), (12, 3e6))
    found = figures.figures(take(case, estimate=lambda at: 9e5, encoding=lambda at: 1 if 5.4 <= at < 14 else 2))
    assert found["down_ms"] == pytest.approx(400, abs=51)
    assert found["up_ms"] == pytest.approx(2000, abs=51)


def test_a_layer_that_never_changes_takes_to_the_end() -> None:
    found = figures.figures(take(steps((0, 3e6), (5, 0.7e6)), estimate=lambda at: 9e5, encoding=lambda at: 2))
    assert found["down_ms"] == pytest.approx(15_000)


def switches(encoding: Any, seconds: float = SECONDS) -> float | None:
    made = take(CASES["clean"], estimate=lambda at: 9e5, encoding=encoding)
    made.ended = BEGAN + int(seconds * 1e9)
    return figures.figures(made)["switches_per_min"]


def test_switches_of_less_than_a_minute_are_counted_as_they_are_once_the_link_is_known() -> None:
    assert switches(lambda at: 1) == 0
    assert switches(lambda at: int(at) % 2 if at < 9.9 else 1) == 0
    assert switches(lambda at: 1 if at < 14 else 2) == 1
    assert switches(lambda at: 1 if at < 14 or at > 16 else -1) == 2


def test_switches_of_more_than_a_minute_are_shared_out() -> None:
    assert switches(lambda at: 1 if at < 14 or at > 16 else 2, seconds=130) == 1


def test_a_change_of_the_frame_rate_alone_is_a_switch() -> None:
    made = take(CASES["clean"], estimate=lambda at: 9e5, encoding=lambda at: 1, temporal=lambda at: 2 if at < 14 else 1)
    assert figures.figures(made)["switches_per_min"] == 1
    made = take(
        CASES["clean"], estimate=lambda at: 9e5, encoding=lambda at: 1, temporal=lambda at: 2 if at < 14 else 255
    )
    assert figures.figures(made)["switches_per_min"] == 0, "all layers are three"


def test_what_leads_to_another_encoding_is_one_switch_but_what_never_rests_is_many() -> None:
    made = take(
        CASES["clean"],
        estimate=lambda at: 9e5,
        encoding=lambda at: 0 if at < 14.3 else 1,
        temporal=lambda at: 2 if at < 14 else 1 if at < 14.3 else 0 if at < 14.4 else 1,
    )
    assert figures.figures(made)["switches_per_min"] == 1
    assert switches(lambda at: int(at * 2) % 2) == pytest.approx(10, abs=1)


def test_switches_are_told_only_where_nothing_asks_for_any() -> None:
    steady = {name for name, case in CASES.items() if case.is_steady}
    losses = {"loss-20", "loss-30", "audio-40", "audio-60", "audio-80", "audio-60-firefox", "bursts"}
    assert steady == losses | {"clean", "policed", "100k"}
    made = take(CASES["step"], estimate=lambda at: 9e5, encoding=lambda at: 1 if at < 14 else 2)
    assert figures.figures(made)["switches_per_min"] is None
    early = take(CASES["clean"], estimate=lambda at: 9e5, encoding=lambda at: 1)
    early.ended = BEGAN + 9000 * MS
    assert figures.figures(early)["switches_per_min"] is None


def test_a_row_tells_switches_with_a_goal_or_without_where_they_apply() -> None:
    found = {"switches_per_min": 2.0, "longest_gap_ms": 90.0}
    assert "switches_per_min 2.0 MISSED (≤ 1.0)" in row(CASES["clean"], [found])
    told = row(CASES["bursts"], [found])
    assert "switches_per_min 2.0" in told
    assert "switches_per_min 2.0 MISSED" not in told
    assert "switches_per_min" not in row(CASES["step"], [{"switches_per_min": None}])


def test_the_first_estimate_is_counted_from_the_first_media_to_the_member_before_the_case() -> None:
    made = take(CASES["clean"], estimate=lambda at: None if at < 0.31 else 9e5, encoding=lambda at: 1)
    made.began += 2000 * MS
    before = packets([(at, VIDEO) for at in (-0.4, -0.3, 0.05)])
    before["kind"][0], before["way"][1] = Kind.STUN, Way.UP
    made.log = before
    assert figures.figures(made)["first_estimate_ms"] == pytest.approx(300, abs=1)


def test_an_estimate_that_never_comes_misses_its_goal_and_is_told_nowhere_else() -> None:
    made = take(CASES["clean"], estimate=lambda at: None, encoding=lambda at: 1)
    found = figures.figures(made)
    assert found["first_estimate_ms"] is None
    assert "first_estimate_ms – MISSED (≤ 400)" in row(CASES["clean"], [found])
    assert "first_estimate_ms" not in row(CASES["100k"], [found])
    two = take(CASES["5.2"], estimate=lambda at: 9e5, encoding=lambda at: 1)
    assert figures.figures(two)["first_estimate_ms"] is None


def test_of_the_stalls_while_members_are_there_the_longest_spoils_a_row() -> None:
    made = take(CASES["clean"], estimate=lambda at: 9e5, encoding=lambda at: 1)
    made.log = packets([(at, VIDEO) for at in (-3.0, 1.0)])
    for at, ms in ((-9.0, 900), (-1.0, 110), (4.0, 412), (6.0, 150), (SECONDS + 1.0, 800)):
        stall = {"at_ns": BEGAN + int(at * 1e9), "late_ns": ms * MS}
        made.late.setdefault("stalls", []).append(stall)
    stall = series.longest_stall(made)
    assert stall == series.Stall(at_s=4.0, ms=412.0)
    assert spoilt(900, stall) == "   (the machine stood still for 412 ms at 4.0 s)"
    assert entry(made.case, [{"fps": 30.0}], stall)["stalled_ms"] == 412


def test_a_machine_that_never_stood_still_is_not_told_of() -> None:
    made = take(CASES["clean"], estimate=lambda at: 9e5, encoding=lambda at: 1)
    assert series.longest_stall(made) is None
    assert spoilt(900, None) == ""
    assert "late by 6 ms" in spoilt(6000, None)
    assert "stalled_ms" not in entry(made.case, [{"fps": 30.0}])


def test_waiting_does_not_count_the_packets_own_time_on_the_wire() -> None:
    found = figures.figures(take(steps((0, 1e6)), estimate=lambda at: 9e5, encoding=lambda at: 1))
    assert found["queue_p95_ms"] == pytest.approx(10, abs=0.1)


def test_repairs_copies_and_padding_are_overhead() -> None:
    case = steps((0, 1e6))
    made = take(case, estimate=lambda at: 9e5, encoding=lambda at: 1)
    first = packets([(at, VIDEO) for at in np.arange(1, 2, 0.01)])
    again = packets([(at, 99) for at in np.arange(1, 1.5, 0.01)])
    again["detail"] = 97
    made.log = np.concatenate([first, again, first[:25]])
    assert figures.figures(made)["overhead"] == pytest.approx(0.75)


def overhead_with_probes(probes: int) -> float | None:
    """Of 20 s of media of 125 kB a second, with so many probes of 2500 octets."""
    made = take(CASES["clean"], estimate=lambda at: 9e5, encoding=lambda at: 1)
    padding = packets([(at, 99) for at in np.linspace(0, 15, 2 * probes)])
    padding["detail"] = 97
    made.log = np.concatenate([made.log, padding])
    return figures.figures(made)["overhead"]


def test_a_clean_link_bears_some_probes_but_none_every_half_second() -> None:
    goal = CASES["clean"].goals["overhead"]
    assert goal.met(overhead_with_probes(0))
    assert goal.met(overhead_with_probes(10))
    assert not goal.met(overhead_with_probes(40))


def policed(drops: int, *, since: float = 10.0) -> Take:
    """20 s of media, a packet each 10 ms, of which so many are dropped from then on."""
    made = take(CASES["policed"], estimate=lambda at: 5e5, encoding=lambda at: 1)
    made.log["fate"][int(since * 100) :][:drops] = Fate.POLICED
    return made


def test_what_a_policer_drops_counts_once_it_could_be_found() -> None:
    assert figures.figures(policed(1000, since=0))["policed_share"] == 0
    assert figures.figures(policed(100))["policed_share"] == pytest.approx(0.1)
    goal = CASES["policed"].goals["policed_share"]
    assert goal.met(figures.figures(policed(49))["policed_share"])
    assert not goal.met(figures.figures(policed(51))["policed_share"])


def test_octets_of_rtp_to_the_member_that_the_policer_dropped_are_what_counts() -> None:
    made = policed(10)
    made.log["octets"][1000:1010] = 100
    made.log["kind"][1000], made.log["way"][1001] = Kind.STUN, Way.UP
    made.log["fate"][1500:1510] = (Fate.QUEUE_FULL, Fate.LOST) * 5
    dropped = 8 * 100
    assert figures.figures(made)["policed_share"] == pytest.approx(dropped / (dropped + 990 * 1250), abs=1e-4)


def test_there_is_no_share_without_a_policer_or_before_it_could_be_found() -> None:
    assert (
        figures.figures(take(steps((0, 1e6)), estimate=lambda at: 9e5, encoding=lambda at: 1))["policed_share"] is None
    )
    early = policed(0)
    early.log = early.log[:1000]
    assert figures.figures(early)["policed_share"] is None


def test_a_policer_bounds_the_capacity_but_not_how_fast_packets_go_onto_the_wire() -> None:
    made = policed(0)
    assert series.capacity(made, np.array([0.0, 15.0])).tolist() == [1e6, 1e6]
    found = figures.figures(made)
    assert found["utilisation"] == pytest.approx(0.5 * 1250 / 1222, abs=0.01)
    assert found["best_layer"] == 1.0
    # 20 ms from arrival to the last bit, of which 1250 octets take 2 ms at 5 Mbit/s.
    assert found["queue_p95_ms"] == pytest.approx(18, abs=0.1)
    slow = take(
        Case("case", Path(rate=Steps(((0, 4e6), (10, 5e5))), policer=Policer(1e6, 1500)), SECONDS),
        estimate=lambda at: 5e5,
        encoding=lambda at: 1,
    )
    assert series.capacity(slow, np.array([5.0, 15.0])).tolist() == [1e6, 5e5]


def test_nothing_is_policed_until_everybody_is_in() -> None:
    assert run._harmless(CASES["policed"].down) == Path(rate=5e6, queue_ms=300, delay_ms=50)


def test_freezes_and_concealment_are_shares() -> None:
    made = take(
        steps((0, 1e6)),
        estimate=lambda at: 9e5,
        encoding=lambda at: 1,
        frozen=lambda at: 2.0 if at > 5 else 0.0,
        concealed=lambda at: at * 4800,
    )
    found = figures.figures(made)
    assert found["freeze_ratio"] == pytest.approx(0.1, abs=0.01)
    assert found["concealed_ratio"] == pytest.approx(0.1, abs=0.01)
    assert found["fps"] == pytest.approx(30, abs=0.1)


def test_where_no_picture_was_ever_sent_sound_is_not_taken_for_one() -> None:
    made = take(steps((0, 1e5)), estimate=lambda at: 7e4, encoding=lambda at: -1)
    for sample in made.plane:
        sound = {**sample["rows"][0], "sink": 4, "source": SOURCE + 1, "encoding": 0}
        sample["rows"][0]["bytes"] = 0
        sample["rows"].append(sound)
    assert figures.figures(made)["sound_alone"] == 1.0


def test_a_moment_counts_as_long_as_it_was_however_often_it_was_looked_at() -> None:
    made = take(steps((0, 1e6)), estimate=lambda at: 9e5, encoding=lambda at: 1)
    before = figures.figures(made)
    # For 49 of 20 000 ms there was no picture.
    for ms in range(10_001, 10_050):
        row = {**made.plane[200]["rows"][0], "encoding": -1, "estimate_bps": 1e3}
        made.plane.append({"t": BEGAN + ms * MS, "rows": [row]})
    made.plane.sort(key=lambda sample: int(sample["t"]))
    found = figures.figures(made)
    for name in ("best_layer", "utilisation", "goodput_share"):
        assert found[name] == pytest.approx(before[name], abs=0.004)
    assert found["sound_alone"] == pytest.approx(0.049 / SECONDS, abs=1e-4)


def test_a_page_that_is_not_open_misses_no_picture() -> None:
    made = take(steps((0, 1e6)), estimate=lambda at: 9e5, encoding=lambda at: 1)
    page = made.pages[0]
    is_open = [5 <= at < 10 or at >= 15 for at in np.arange(0, SECONDS, 0.05)]
    page["samples"] = [sample for sample, there in zip(page["samples"], is_open, strict=True) if there]
    page["shown"] = [BEGAN / MS + at * 1e3 for at in np.arange(5.5, SECONDS, 1 / 30) if not 10 <= at < 15]
    assert figures.figures(made)["longest_gap_ms"] == pytest.approx(500, abs=35)


def test_after_an_outage_the_slower_return_counts() -> None:
    shown = [at for at in np.arange(0, SECONDS, 1 / 30) if not (5 < at < 7.25 or 10 < at < 12.5)]
    case = steps((0, 1e6), outages=((5, 2000), (10, 2000)))
    made = take(case, estimate=lambda at: 9e5, encoding=lambda at: 1, shown=shown)
    found = figures.figures(made)
    assert found["resume_picture_ms"] == pytest.approx(500, abs=35)
    assert found["resume_sound_ms"] == pytest.approx(50, abs=51)


def test_fairness_is_of_what_passed_while_all_were_there() -> None:
    case = steps((0, 1e6), flows=(Flow(), Flow(5)))
    made = take(case, estimate=lambda at: 9e5, encoding=lambda at: 1)
    alone = packets([(at, VIDEO) for at in np.arange(0, 20, 0.01)], flow=1)
    half = packets([(at, VIDEO) for at in np.arange(8, 20, 0.03)], flow=2)
    made.log = np.concatenate([alone, half])
    assert figures.figures(made)["jain"] == pytest.approx((1 + 1 / 3) ** 2 / (2 * (1 + 1 / 9)), abs=0.01)


def test_goals_are_met_by_the_median_and_not_by_what_is_missing() -> None:
    case = steps((0, 1e6), goals={"fps": Goal(at_least=29), "jain": Goal(at_least=0.9)})
    told = entry(case, [{"fps": 30.0}, {"fps": 10.0}, {"fps": 29.5}])
    assert told["fps"] == 29.5
    assert told["goals"] == {"fps": {"at_least": 29, "met": True}, "jain": {"at_least": 0.9, "met": False}}
    assert told["reached"] is False
    assert median([{"fps": 30.0}, {"fps": None}]) == {"fps": None}


def test_a_squeezed_case_has_all_its_steps_and_members() -> None:
    assert CASES["5.1"].shortened(0.4, 25).steps_s == (16, 24, 32)
    squeezed = CASES["5.4"].shortened(0.4, 40)
    assert squeezed.seconds == 40
    assert [round(flow.start_s, 1) for flow in squeezed.flows] == [0, 6.7, 13.3]
    away = CASES["5.8"].shortened(0.4, 60).flows[1].away_s
    assert away == (20, 30)


def test_a_gap_comes_with_what_went_before_it() -> None:
    shown = [at for at in np.arange(0, SECONDS, 1 / 30) if not 10.0 <= at < 10.4]
    made = take(CASES["step"], estimate=lambda at: 1e6, encoding=lambda at: 2 if at < 10.1 else 1, shown=shown)
    for sample in made.plane:
        at = (sample["t"] - BEGAN) / 1e9
        sample["rows"][0] |= {"paced_bytes": 5000 if 10.1 < at < 10.2 else 0, "spatial": 255}
        sample["counters"] = {"keyframe_requests_sent": int(at >= 10.15), "switches": 3}
    made.log["fate"][995:997] = (Fate.QUEUE_FULL, Fate.POLICED)
    made.log["left"][990] += 200 * MS
    (gap,) = gaps.gaps(made)
    assert gap.at == pytest.approx(10.0, abs=0.04)
    assert gap.seconds == pytest.approx(0.43, abs=0.05)
    assert (gap.dropped, gap.paced_octets, gap.layers) == (2, 5000, [(2, 255), (1, 255)])
    assert gap.queue_ms == pytest.approx(210, abs=10)
    assert gap.plane == {"keyframe_requests_sent": 1, "switches": 0}
    assert "keyframe_requests_sent 1" in str(gap)
    assert "switches" not in str(gap)

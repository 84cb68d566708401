"""Which source is shown where, at which encoding; what publishers are asked for; who is heard."""

import itertools
from collections.abc import Iterator

import pytest

from livetrial_plane import Plane
from media.demand import OFF_DELAY_S, Demand
from media.layer_rates import Bound
from media.room import Publication, Receiver, Room, Slot, Source
from media.views import AUDIO_SLOTS, VIDEO_SLOTS, Place, Publisher, Quality, SlotView, SourceKind, SourceView
from tests.media.timers import Timers


class Stage:
    """A room on a real plane, which ignores ids that it does not know; `now` is the rooms' clock."""

    def __init__(self, plane: Plane) -> None:
        self.told: list[list[str]] = []
        self.room = Room(plane, self.told.append)
        self.now = 0.0
        self._asked: dict[str, list[int]] = {}
        self._microphones: dict[str, int] = {}
        self._timers = Timers()
        self._ids = itertools.count(1)

    def publish(self, person: str, *kinds: SourceKind, place: Place = "main", encodings: int = 3) -> Publication:
        """Publish sources of which all encodings arrive."""
        publication = Publication(person, Publisher(person, person, place), [])
        for kind in kinds:
            count = encodings if kind == "camera" else 1
            source = Source(next(self._ids), kind, kind, SourceView(person, person, kind, person), [True] * count)
            if kind == "camera":
                source.demand = Demand(count, lambda on: self._asked.update({person: on}), self._timers.later)
            elif kind == "microphone":
                self._microphones[person] = source.id
            publication.sources.append(source)
        self.room.publish(publication)
        return publication

    def receive(self, *names: str) -> Receiver:
        slots = [Slot(name, "0", next(self._ids), frozenset({"camera", "screen", "microphone"})) for name in names]
        receiver = Receiver(slots, lambda views: None)
        self.room.receive(receiver)
        return receiver

    def asked(self, person: str) -> list[int]:
        """The encodings that a publisher is to send, once those better than what anybody watches are turned off."""
        self._timers.move(OFF_DELAY_S)
        return self._asked.get(person, [0, 1, 2])

    def hear(self, **levels: float) -> None:
        """People speak at these levels, from now on; a second passes."""
        self.now += 1.0
        self.room.hear({self._microphones[person]: level for person, level in levels.items()}, self.now)


@pytest.fixture
def stage() -> Iterator[Stage]:
    plane = Plane(host="127.0.0.1")
    yield Stage(plane)
    plane.close()


def people(receiver: Receiver) -> dict[str, str]:
    return {view.slot: view.source.publisher for view in receiver.told if view.source is not None}


def shown(view: SlotView) -> bool:
    return view.source is not None


def camera(publication: Publication) -> Source:
    source = publication.source("camera")
    assert source is not None
    return source


def test_an_encoding_that_is_off_is_asked_for_and_the_next_best_shown_meanwhile(stage: Stage) -> None:
    source = camera(stage.publish("ann", "camera"))
    assert stage.asked("ann") == [0]
    stage.room.on_encoding(source, 1, False)
    stage.room.on_encoding(source, 2, False)
    viewer = stage.receive("main")
    assert stage.asked("ann") == [0, 1, 2]
    assert viewer.slots[0].routed == (source.id, 0, (None, None))
    stage.room.on_encoding(source, 2, True)
    assert viewer.slots[0].routed == (source.id, 2, (None, None))
    stage.room.on_encoding(source, 2, False)
    assert viewer.slots[0].routed == (source.id, 0, (None, None)), "better than a picture that stands still"


def test_the_stage_takes_the_least_and_a_preference_is_kept_within_what_there_is(stage: Stage) -> None:
    host = camera(stage.publish("ann", "camera"))
    guest = camera(stage.publish("bob", "camera", place="stage"))
    viewer = stage.receive("main", "stage-1")
    assert [slot.watched for slot in viewer.slots] == [(host, 2), (guest, 0)]
    stage.room.prefer(viewer, "main", 1)
    assert viewer.slots[0].watched == (host, 1)
    stage.room.prefer(viewer, "main", 9)
    assert viewer.slots[0].watched == (host, 2)
    stage.room.prefer(viewer, "main", None)
    assert viewer.slots[0].routed == (host.id, 2, (None, None))


def test_watchers_are_counted_through_all_that_happens(stage: Stage) -> None:
    ann = stage.publish("ann", "camera")
    viewers = [stage.receive("main", "stage-1") for _ in range(3)]
    assert stage.asked("ann") == [0, 1, 2]
    stage.room.leave(viewers.pop())
    stage.room.prefer(viewers[0], "main", 0)
    stage.room.prefer(viewers[1], "main", 1)
    assert stage.asked("ann") == [0, 1]
    stage.room.leave(viewers.pop())
    assert stage.asked("ann") == [0]
    stage.room.prefer(viewers[0], "main", None)
    bob = stage.publish("bob", "camera")
    assert (stage.asked("ann"), stage.asked("bob")) == ([0], [0, 1, 2]), "a later publication took the main place"
    stage.room.unpublish(bob)
    assert stage.asked("ann") == [0, 1, 2]
    stage.room.unpublish(ann)
    assert viewers[0].slots[0].watched is None


def test_a_screen_moves_the_camera_to_the_stage_where_the_least_will_do(stage: Stage) -> None:
    ann = stage.publish("ann", "camera", "screen")
    viewer = stage.receive("main", "stage-1")
    assert [slot.watched and slot.watched[1] for slot in viewer.slots] == [0, 0]
    screen = ann.source("screen")
    assert screen is not None
    stage.room.on_encoding(screen, 0, False)
    assert viewer.slots[0].watched == (camera(ann), 2)


def test_up_to_three_on_stage_are_heard_beside_their_pictures(stage: Stage) -> None:
    stage.publish("host", "camera", "microphone")
    for person in ("a", "b", "c"):
        stage.publish(person, "camera", "microphone", place="stage")
    viewer = stage.receive(*VIDEO_SLOTS, *AUDIO_SLOTS)
    expected = ["host", "a", "b", "c"]
    stage.hear(c=-20.0)
    assert [people(viewer)[slot] for slot in (*VIDEO_SLOTS, *AUDIO_SLOTS)] == 2 * expected


def test_of_five_on_stage_the_loudest_are_heard_and_nobody_who_stays_moves(stage: Stage) -> None:
    stage.publish("host", "camera", "microphone")
    for person in ("a", "b", "c", "d", "e"):
        stage.publish(person, "microphone", place="stage")
    viewer = stage.receive("main", *AUDIO_SLOTS)
    heard = ["host", "a", "b", "c"]
    for levels, expected in (
        ({}, heard),
        ({"e": -30.0}, ["host", "a", "b", "e"]),
        ({"e": -30.0, "b": -35.0, "d": -20.0}, ["host", "d", "b", "e"]),
        ({"b": -35.0, "d": -20.0, "e": -30.0, "a": -27.0}, ["host", "d", "a", "e"]),
        ({"b": -25.0, "d": -20.0, "e": -30.0, "a": -27.0}, ["host", "d", "a", "e"]),
        ({"host": -20.0}, ["host", "d", "a", "e"]),
    ):
        stage.hear(**levels)
        assert [people(viewer)[slot] for slot in AUDIO_SLOTS] == expected, levels
    assert all(shown(view) for view in viewer.told[1:])


def test_who_speaks_is_told_when_it_changes_and_at_most_twice_a_second(stage: Stage) -> None:
    stage.publish("host", "microphone")
    stage.publish("a", "microphone", place="stage")
    stage.hear()
    stage.hear(host=-20.0)
    stage.hear(host=-25.0)
    assert (stage.told, stage.room.speakers) == ([["host"]], ["host"])
    stage.hear(host=-20.0, a=-30.0)
    stage.now -= 0.7
    stage.hear(a=-30.0)
    assert stage.told[1:] == [["host", "a"]], "too soon"
    stage.now -= 0.7
    stage.hear(a=-30.0)
    assert stage.told[2:] == [["a"]]
    stage.hear()
    assert stage.told[3:] == [[]]


def test_a_bound_on_layers_holds_for_its_encoding_and_the_page_is_told_of_it(stage: Stage) -> None:
    receiver = stage.receive("main")
    told: list[Quality] = []
    receiver.on_quality = told.append
    (camera,) = stage.publish("ann", "camera").sources
    slot = receiver.slots[0]
    stage.room.bound(receiver, {"main": Bound(2, None, 1)})
    assert slot.routed == (camera.id, 2, (None, 1))
    stage.room.on_encoding(camera, 2, False)
    assert slot.routed == (camera.id, 1, (None, None)), "what is next fits whole"
    stage.room.bound(receiver, {"main": Bound(-1)})
    assert slot.routed is None
    stage.room.bound(receiver, {"main": None})
    assert slot.routed == (camera.id, 1, (None, None))
    stage.room.on_encoding(camera, 2, True)
    assert slot.routed == (camera.id, 2, (None, None))
    link, host = Quality("reduced", "link"), Quality("reduced", "host")
    assert told == [link, Quality("paused", "link"), host, Quality("full")]


def test_members_are_told_that_it_is_the_hosts_way_when_neither_picture_nor_sound_arrives(stage: Stage) -> None:
    receiver = stage.receive("main", "audio-1")
    told: list[Quality] = []
    receiver.on_quality = told.append
    publication = stage.publish("ann", "microphone", "camera")
    microphone, camera = publication.sources
    for encoding in range(3):
        stage.room.on_encoding(camera, encoding, False)
    assert told[-1:] != [Quality("paused", "host")], "the camera alone is off"
    stage.room.on_encoding(microphone, 0, False)
    assert told[-1] == Quality("paused", "host")
    stage.room.on_encoding(camera, 0, True)
    assert told[-1] != Quality("paused", "host")
    stage.room.on_encoding(camera, 0, False)
    stage.room.unpublish(publication)
    assert told[-2:] == [Quality("paused", "host"), Quality("full")], "who has stopped is not away"


def test_publishers_are_asked_for_what_links_bear(stage: Stage) -> None:
    receivers = [stage.receive("main") for _ in range(2)]
    stage.publish("ann", "camera")
    for receiver, encoding in zip(receivers, (1, 0), strict=True):
        stage.room.bound(receiver, {"main": Bound(encoding, None, 0)})
    assert stage.asked("ann") == [0, 1]
    stage.room.bound(receivers[0], {"main": Bound(-1)})
    assert stage.asked("ann") == [0]

"""The demo host: what it shows can be read, and it comes back."""

import asyncio
from pathlib import Path

import av
import numpy as np
import pytest

from server import demo, demo_media, demo_picture
from tests.server import peers
from tests.server.harness import Start


@pytest.fixture(scope="session")
def loop_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with the encoded loop."""
    path = tmp_path_factory.mktemp("demo")
    asyncio.run(demo_media.load(path))
    return path


async def test_every_frame_says_its_number(loop_dir: Path) -> None:
    loop = await demo_media.load(loop_dir)
    decoder = av.CodecContext.create("vp8", "r")
    read = [
        demo_picture.read_counter(frame.to_ndarray(format="rgb24"))
        for data in loop.video + loop.video[:3]
        for frame in decoder.decode(av.Packet(data))
    ]
    frames = demo_media.LOOP_S * demo_picture.FRAMES_PER_S
    assert read == [*range(frames), 0, 1, 2]


async def test_every_keyframe_interval_begins_with_a_keyframe(loop_dir: Path) -> None:
    loop = await demo_media.load(loop_dir)
    # RFC 6386 section 9.1: the lowest bit of a frame is 0 for a key frame.
    keyframes = [number for number, data in enumerate(loop.video) if data[0] & 1 == 0]
    assert keyframes == list(range(0, len(loop.video), demo_media.KEYFRAME_INTERVAL))


async def test_the_tone_goes_over_the_end_without_a_click(loop_dir: Path) -> None:
    loop = await demo_media.load(loop_dir)
    assert len(loop.audio) * demo_media.SAMPLES_PER_PACKET == demo_media.LOOP_S * demo_picture.SAMPLES_PER_S
    decoder = av.CodecContext.create("libopus", "r")
    heard = np.concatenate(
        [
            frame.to_ndarray().astype(np.float64).reshape(-1, 2)[:, 0]
            for data in loop.audio[-25:] + loop.audio[:25]
            for frame in decoder.decode(av.Packet(data))
        ]
    )
    steps = np.abs(np.diff(heard[len(heard) // 4 :]))
    assert np.abs(heard).max() > 0.02 * (32768 if np.abs(heard).max() > 1 else 1)
    assert steps.max() < 4 * np.percentile(steps, 95)


async def test_a_damaged_file_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = demo_media.Loop(video=[b"v"], audio=[b"a"])
    monkeypatch.setattr(demo_media, "encode", lambda: made)
    (tmp_path / f"demo-{demo_media.VERSION}.msgpack").write_bytes(b"\xc1 no msgpack")
    assert await demo_media.load(tmp_path) == made
    monkeypatch.setattr(demo_media, "encode", lambda: pytest.fail("it was kept"))
    assert await demo_media.load(tmp_path) == made


async def test_timestamps_go_on_over_the_end_of_the_loop() -> None:
    track = demo_media.video_track(demo_media.Loop(video=[b"a", b"b"], audio=[]))
    packets = [await track.recv() for _ in range(5)]
    assert [bytes(packet) for packet in packets] == [b"a", b"b", b"a", b"b", b"a"]
    assert [packet.pts for packet in packets] == [0, 1, 2, 3, 4]
    track.stop()


@pytest.mark.parametrize(
    ("host", "here"), [("0.0.0.0", "127.0.0.1"), ("::", "127.0.0.1"), ("10.0.0.1", "10.0.0.1"), ("name", "name")]
)
def test_the_address_on_this_machine(host: str, here: str) -> None:
    assert demo.reachable_here(host) == here


def test_a_candidate_is_added_to_each_section() -> None:
    answer = demo.with_candidate("v=0\r\ns=-\r\nm=audio 9 X 0\r\na=x:m=1\r\nm=video 9 X 0\r\n", "127.0.0.1", 5)
    line = "a=candidate:demo 1 udp 2130706431 127.0.0.1 5 typ host"
    assert answer.splitlines() == ["v=0", "s=-", "m=audio 9 X 0", "a=x:m=1", line, "m=video 9 X 0", line]


async def test_the_demo_is_seen_and_comes_back(start: Start, loop_dir: Path) -> None:
    server = await start(demo=True, data_dir=loop_dir, announced=("203.0.113.9",))
    viewer = await server.connect()
    async with peers.peer() as screen:
        _, joined = await viewer.join(session="demo", offer=await peers.receiving_offer(screen))
        await peers.apply(screen, demo.with_candidate(joined["answer"], "127.0.0.1", server.node.media.port))
        slots = {slot["slot"]: slot["source"] for slot in joined["slots"]}
        while not slots["main"]:
            slots = {slot["slot"]: slot["source"] for slot in (await viewer.expect("slots"))["slots"]}
        assert slots["main"]["publisher"] == demo.HOST_PERSON
        numbers = [
            demo_picture.read_counter((await peers.next_picture(screen)).to_ndarray(format="rgb24")) for _ in range(10)
        ]
        assert numbers == list(range(numbers[0], numbers[0] + 10))

        (resource,) = server.node.resources
        resource.end()
        first = slots["main"]["publication"]
        while not slots["main"] or slots["main"]["publication"] == first:
            slots = {slot["slot"]: slot["source"] for slot in (await viewer.expect("slots"))["slots"]}
        assert slots["main"]["publisher"] == demo.HOST_PERSON

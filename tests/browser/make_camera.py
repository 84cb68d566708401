"""Write what the test browsers' fake camera and microphone play: numbered pictures and a tone.

Usage: python tests/browser/make_camera.py DIRECTORY
Files: camera-360.mjpeg, camera-720.mjpeg (30 frames/s, a loop of 20 s; the frame number as in server/demo_picture.py), tone.wav.
"""

import sys
import wave
from fractions import Fraction
from pathlib import Path

import av

from server.demo_picture import FRAMES_PER_S, SAMPLES_PER_S, draw, tone

FRAMES = 20 * FRAMES_PER_S


def main(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for height in (360, 720):
        path = directory / f"camera-{height}.mjpeg"
        if not path.exists():
            write_camera(path, height)
    with wave.open(str(directory / "tone.wav"), "wb") as sound:
        sound.setparams((1, 2, SAMPLES_PER_S, 0, "NONE", ""))
        sound.writeframes(tone(2 * SAMPLES_PER_S).tobytes() * 10)


def write_camera(path: Path, height: int) -> None:
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt = height * 16 // 9, height, "yuvj420p"
    encoder.time_base = Fraction(1, FRAMES_PER_S)
    unfinished = path.with_suffix(".part")
    with unfinished.open("wb") as file:
        for number in range(FRAMES):
            frame = av.VideoFrame.from_ndarray(draw(number, FRAMES), format="rgb24")
            frame = frame.reformat(width=encoder.width, height=height, format="yuvj420p", interpolation="POINT")
            frame.pts = number
            for packet in encoder.encode(frame):
                file.write(bytes(packet))
    unfinished.rename(path)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

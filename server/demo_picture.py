"""The demo host's picture and tone: numbers in, numpy arrays out.

The picture (640x360, RGB) is the same for the same frame number. Laid over it are:

- **Frame counter for programs:** a row of 16 squares of 24x24 px from the top-left corner, most significant bit first.
  White is 1, black is 0; bit 15 - i stands at x = 24 i, so that its middle is the pixel (24 i + 12, 12).
- **Clock and frame number for people:** `MM:SS.CC` and `#NNNNN`, in a font of 5x7 dots drawn here, since the FFmpeg of PyAV
  has no font renderer.
"""

import math

import numpy as np
import numpy.typing as npt

WIDTH = 640
HEIGHT = 360
FRAMES_PER_S = 30
COUNTER_BITS = 16
COUNTER_SQUARE_PX = 24

SAMPLES_PER_S = 48_000

Picture = npt.NDArray[np.uint8]

_WHITE, _BLACK = 235, 16
_DOT_PX = 6

_FONT = {
    "0": "01110 10001 10011 10101 11001 10001 01110",
    "1": "00100 01100 00100 00100 00100 00100 01110",
    "2": "01110 10001 00001 00110 01000 10000 11111",
    "3": "11110 00001 00001 01110 00001 00001 11110",
    "4": "00010 00110 01010 10010 11111 00010 00010",
    "5": "11111 10000 11110 00001 00001 10001 01110",
    "6": "00110 01000 10000 11110 10001 10001 01110",
    "7": "11111 00001 00010 00100 01000 01000 01000",
    "8": "01110 10001 10001 01110 10001 10001 01110",
    "9": "01110 10001 10001 01111 00001 00010 01100",
    ":": "00000 00100 00100 00000 00100 00100 00000",
    ".": "00000 00000 00000 00000 00000 01100 01100",
    "#": "01010 01010 11111 01010 11111 01010 01010",
}


def draw(frame: int, frames: int) -> Picture:
    """One frame of a loop, shape (360, 640, 3).

    Args:
        frame: its number, 0 to `frames` - 1.
        frames: length of the loop; all motion has a whole number of turns in it, so that the end meets the beginning.
    """
    turn = 2 * math.pi * frame / frames
    picture = _background(turn)
    _disc(picture, WIDTH / 2 + 190 * math.sin(4 * turn), HEIGHT / 2 - 20 + 70 * math.sin(6 * turn))
    _counter(picture, frame)
    seconds = frame / FRAMES_PER_S
    clock = f"{int(seconds) // 60:02}:{int(seconds) % 60:02}.{int(seconds * 100) % 100:02}"
    _write(picture, clock, x=24, y=HEIGHT - 7 * _DOT_PX - 24)
    _write(picture, f"#{frame:05}", x=WIDTH - 6 * 6 * _DOT_PX - 18, y=HEIGHT - 7 * _DOT_PX - 24)
    return picture


def read_counter(picture: Picture) -> int:
    """The frame number in a picture, from the middle of each square; for tests, and to say how it is read."""
    middle = COUNTER_SQUARE_PX // 2
    value = 0
    for index in range(COUNTER_BITS):
        x = index * COUNTER_SQUARE_PX + middle
        value = value << 1 | int(picture[middle - 4 : middle + 4, x - 4 : x + 4].mean() > 128)
    return value


def tone(samples: int) -> npt.NDArray[np.int16]:
    """A soft tone of two swelling voices, mono at 48 kHz, whose end meets its beginning: a whole number of periods."""
    seconds = samples / SAMPLES_PER_S
    turn = 2 * np.pi * np.arange(samples) / samples
    low, high, swell = (round(hz * seconds) for hz in (220.0, 330.0, 0.5))
    level = 0.06 + 0.03 * np.sin(swell * turn)
    wave = level * (np.sin(low * turn) + 0.5 * np.sin(high * turn))
    return (wave * 32767).astype(np.int16)


def _background(turn: float) -> Picture:
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    shade = 0.5 + 0.5 * np.sin(x / 140 + turn * 2) * np.cos(y / 110 - turn)
    picture = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    picture[..., 0] = 40 + 60 * shade
    picture[..., 1] = 60 + 50 * (1 - shade)
    picture[..., 2] = 110 + 80 * shade
    return picture


def _disc(picture: Picture, center_x: float, center_y: float) -> None:
    y, x = np.ogrid[0:HEIGHT, 0:WIDTH]
    picture[(x - center_x) ** 2 + (y - center_y) ** 2 < 45**2] = (245, 190, 80)


def _counter(picture: Picture, frame: int) -> None:
    for index in range(COUNTER_BITS):
        bit = frame >> (COUNTER_BITS - 1 - index) & 1
        x = index * COUNTER_SQUARE_PX
        picture[:COUNTER_SQUARE_PX, x : x + COUNTER_SQUARE_PX] = _WHITE if bit else _BLACK


def _write(picture: Picture, text: str, *, x: int, y: int) -> None:
    for index, letter in enumerate(text):
        rows = [[cell == "1" for cell in row] for row in _FONT[letter].split()]
        dots = np.kron(np.array(rows), np.ones((_DOT_PX, _DOT_PX), bool))
        left = x + index * 6 * _DOT_PX
        picture[y : y + dots.shape[0], left : left + dots.shape[1]][dots] = _WHITE

"""What is said to the process that carries the viewers, and what it says: JSON objects, one a line."""

from msgspec import Struct


class Start(Struct, tag="start", frozen=True):
    """Let a viewer join."""

    viewer: int


class Stop(Struct, tag="stop", frozen=True):
    """Let a viewer leave; answered with `Ended`, unless it has failed."""

    viewer: int


class Connected(Struct, tag="connected", frozen=True):
    """ICE and DTLS are done; milliseconds since the viewer began."""

    viewer: int
    ms: float


class FirstPacket(Struct, tag="first_packet", frozen=True):
    """The first RTP packet is here; milliseconds since the viewer began."""

    viewer: int
    ms: float


class Ended(Struct, tag="ended", frozen=True):
    """A viewer left as it was told to, and what it had received."""

    viewer: int
    packets: int
    octets: int
    recovered: int
    lost: int
    events: int


class Failed(Struct, tag="failed", frozen=True):
    """A viewer is out, and why. The last word about it."""

    viewer: int
    error: str


Order = Start | Stop
Report = Connected | FirstPacket | Ended | Failed

"""Compression of what clients send and of long answers (RFC 7692), so that a join fits into TCP's first flight, both ways."""

from typing import Any

from websockets.extensions.permessage_deflate import PerMessageDeflate, ServerPerMessageDeflateFactory
from websockets.frames import Frame

WINDOW_BITS = 15
"""The sections of an offer repeat each other 5 kB apart; a window of 4 kB finds next to nothing."""


LARGE_OCTETS = 2048
"""An answer to one socket is compressed from here on: two segments of TCP. A `joined` of 15 kB becomes 2.2 kB; of eleven
segments one is lost in 43 % of joins over a link that loses 5 %, and the last waits a round trip for the first ten."""


class InboundDeflate(PerMessageDeflate):
    """Takes messages compressed or not, as the sender likes (RFC 7692 section 6).

    TCP's first flight is ten segments (RFC 6928), 14 kB; the offer of a browser with many codecs has 25 kB, and its end would
    wait a round trip. Nothing is kept from message to message, so that a socket at rest costs no memory.
    """

    def encode(self, frame: Frame) -> Frame:
        """Not compressed here: what goes to one socket alone is compressed as it is made (`SocketProtocol.frame_of`), and what goes
        to all is one frame; compressing that for each would cost more than all the rest."""
        return frame


class InboundDeflateFactory(ServerPerMessageDeflateFactory):
    """Agrees to compression with whoever offers it."""

    def __init__(self) -> None:
        super().__init__(
            server_no_context_takeover=True, client_no_context_takeover=True, server_max_window_bits=WINDOW_BITS
        )

    def process_request_params(self, *args: Any, **kwargs: Any) -> tuple[Any, PerMessageDeflate]:
        """As the base class does; the extension is ours."""
        params, agreed = super().process_request_params(*args, **kwargs)
        return params, InboundDeflate(
            agreed.remote_no_context_takeover,
            agreed.local_no_context_takeover,
            agreed.remote_max_window_bits,
            agreed.local_max_window_bits,
        )

"""What a viewer leaves behind: nothing, and at once. What only the garbage collector finds it finds late, in a pause that all wait for."""

import gc
import weakref

from loadtests.storm.association import certificate
from loadtests.storm.client import _OFFER
from media.node import MediaNode
from server.media_links import ReceiveLink


async def test_a_viewer_who_left_is_freed_without_the_garbage_collector(node: MediaNode) -> None:
    offer = _OFFER.format(fingerprint=certificate().fingerprint)
    gone: list[str] = []
    gc.collect()
    gc.disable()
    try:
        for ticket in (None, node.ticket("r").ufrag):
            link = ReceiveLink()
            await link.open(node, "r", offer, ticket)
            (peer,) = node._peers
            peer.on_connected("127.0.0.1:5000")
            weakref.finalize(peer, gone.append, "peer")
            weakref.finalize(peer._dtls._ssl, gone.append, "DTLS")
            assert link._receiving is not None
            weakref.finalize(link._receiving, gone.append, "connection")
            weakref.finalize(link, gone.append, "link")
            del peer
            link.end()
            del link
            assert sorted(gone) == ["DTLS", "connection", "link", "peer"]
            gone.clear()
    finally:
        gc.enable()

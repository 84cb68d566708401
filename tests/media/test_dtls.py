"""The seams of aiortc that media/dtls.py holds on to: two of our transports shake hands with each other, in virtual time."""

import asyncio
import gc
import inspect
import weakref

import pytest
from aiortc.rtcdtlstransport import RTCCertificate, RTCDtlsTransport

from media.dtls import CIPHERS, FALSE_START_CIPHER
from tests.media.lossy import LossyPair

PERFECT_S = 0.04
"""Two round trips of 20 ms."""


async def finished(pair: LossyPair) -> float:
    """When both sides have their keys and know that the other one has."""

    pair.begin()
    heard = pair.heard.values()
    return await pair.until(asyncio.gather(*(side.keys for side in heard), *(side.finished for side in heard)))


async def stop(pair: LossyPair) -> None:
    pair.client.stop()
    pair.server.stop()


async def test_both_ends_hold_the_same_keys_crosswise() -> None:
    pair = LossyPair()
    assert await finished(pair) == pytest.approx(PERFECT_S)
    ours, theirs = await pair.heard["client"].keys, await pair.heard["server"].keys
    assert ours.profile == theirs.profile == "AEAD_AES_128_GCM"
    assert (ours.send_key, ours.send_salt) == (theirs.receive_key, theirs.receive_salt)
    assert (ours.receive_key, ours.receive_salt) == (theirs.send_key, theirs.send_salt)
    assert (len(ours.send_key), len(ours.send_salt)) == (16, 12)
    assert pair.client.matches(pair.fingerprints)
    assert pair.server.matches(pair.fingerprints)
    await stop(pair)


async def test_the_client_has_its_keys_when_its_last_flight_leaves() -> None:
    pair = LossyPair()
    pair.begin()
    keys, shaking = pair.heard["client"].keys, pair.heard["server"].keys
    assert await pair.until(keys) == pytest.approx(0.02), "one round trip, and not two"
    assert pair.sent[-1][0] == "client"
    assert not shaking.done()
    assert pair.client.matches(pair.fingerprints)
    await pair.until(shaking)
    assert (await keys).send_key == (await shaking).receive_key
    await stop(pair)


@pytest.mark.parametrize("side", ["client", "server"])
@pytest.mark.parametrize("index", [0, 1])
async def test_a_lost_datagram_costs_at_most_a_tenth_of_a_second(side: str, index: int) -> None:
    pair = LossyPair(lambda sender, number: (sender, number) == (side, index))
    assert PERFECT_S < await finished(pair) <= PERFECT_S + 0.1
    await stop(pair)


async def test_any_three_datagrams_in_a_row_may_be_lost_each_way() -> None:
    for begin in range(3):
        pair = LossyPair(lambda sender, number, begin=begin: begin <= number < begin + 3)  # type: ignore[misc]
        assert await finished(pair) < 1.0
        await stop(pair)


async def test_a_last_flight_that_was_lost_shows() -> None:
    for lost, late in [(None, False), (1, True)]:
        pair = LossyPair(lambda sender, number, lost=lost: sender == "client" and number == lost)  # type: ignore[misc]
        await finished(pair)
        assert pair.client.finished_late is late
        await stop(pair)


async def test_a_long_way_repeats_in_vain_and_harms_nothing() -> None:
    pair = LossyPair(delay_s=0.15)
    assert await finished(pair) == pytest.approx(0.6)
    assert not pair.client.finished_late
    assert len(pair.sent) < 20
    await stop(pair)


async def test_a_goodbye_reaches_the_other_side() -> None:
    pair = LossyPair()
    await finished(pair)
    pair.client.stop()
    await pair.until(pair.heard["server"].left)
    pair.server.stop()


async def test_a_side_that_gives_up_in_the_midst_says_so() -> None:
    pair = LossyPair()
    pair.begin()
    pair.client.stop()
    assert await pair.until(pair.heard["server"].failed) < 0.03
    assert not pair.heard["server"].keys.done()


async def test_who_is_held_sends_its_first_flight_and_computes_nothing_until_released() -> None:
    pair = LossyPair()
    pair.client.hold()
    pair.begin()
    answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    pair.timers.later(1.0, lambda: answered.set_result(None))
    await pair.until(answered)
    assert {flight for side, flight in pair.sent if side == "client"} == {pair.sent[0][1]}, (
        "the ClientHello and no more"
    )
    assert any(side == "server" for side, _ in pair.sent)
    assert not pair.client.has_keys
    pair.client.release()
    assert pair.client.has_keys, "all that it waited for was there"
    await pair.until(asyncio.gather(pair.heard["client"].finished, pair.heard["server"].finished))
    assert pair.heard["client"].keys.result().send_key == pair.heard["server"].keys.result().receive_key
    await stop(pair)


async def test_a_transport_that_stopped_is_gone_at_once() -> None:
    pair = LossyPair()
    await finished(pair)
    await stop(pair)
    gone: list[str] = []
    weakref.finalize(pair.client._ssl, gone.append, "client")
    gc.disable()
    try:
        pair._sides.clear()
        del pair.client
        assert gone == ["client"], "no cycle, which the garbage collector would find late"
    finally:
        gc.enable()


async def test_a_certificate_that_was_not_named_does_not_match() -> None:
    pair = LossyPair()
    await finished(pair)
    wrong = ":".join(["00"] * 32)
    assert not pair.client.matches((("sha-256", wrong),))
    assert not pair.client.matches((*pair.fingerprints, ("sha-512", wrong))), "all that are named must match"
    assert not pair.client.matches((("md2", "AA"),)), "and one at least must be of a hash that we know"
    await stop(pair)


async def test_what_was_negotiated_is_pinned() -> None:
    pair = LossyPair()
    await finished(pair)
    for side in (pair.client, pair.server):
        connection = side._ssl
        assert connection.get_protocol_version() == 0xFEFD
        assert connection.get_cipher_name() == FALSE_START_CIPHER
        assert connection.get_selected_srtp_profile() == b"SRTP_AEAD_AES_128_GCM"
    listed = [cipher.encode() for cipher in pair.client._ssl.get_cipher_list()]
    assert [cipher for cipher in listed if not cipher.startswith(b"TLS_")] == CIPHERS.split(b":")  # TLS_: of DTLS 1.3
    await stop(pair)


async def test_the_context_is_made_once() -> None:
    pair = LossyPair()
    profiles, make = pair.client._srtp_profiles, pair.certificate._create_ssl_context
    assert make(srtp_profiles=profiles) is make(srtp_profiles=profiles)


def test_the_seams_are_where_they_were() -> None:
    assert list(inspect.signature(RTCCertificate._create_ssl_context).parameters) == ["self", "srtp_profiles"]
    for name in ("_setup_srtp", "_set_role", "_set_state"):
        assert callable(getattr(RTCDtlsTransport, name))
    source = inspect.getsource(RTCDtlsTransport)
    assert all(seam in source for seam in ("self._srtp_profiles", "self._ssl", "self._state", "self._role"))

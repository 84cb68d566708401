"""The seams of aiortc that media/dtls.py holds on to: two of our transports shake hands with each other, in virtual time."""

import asyncio
import inspect

import pytest
from aiortc.rtcdtlstransport import RTCCertificate, RTCDtlsTransport

from media.dtls import CIPHERS, FALSE_START_CIPHER
from tests.media.lossy import LossyPair

PERFECT_S = 0.04
"""Two round trips of 20 ms."""


async def finished(pair: LossyPair) -> float:
    """When both sides have their keys and know that the other one has."""

    async def hands() -> None:
        await asyncio.gather(pair.client.keys(), pair.server.keys())
        await asyncio.gather(pair.client.finished(), pair.server.finished())

    task = asyncio.create_task(hands())
    when = await pair.until(task)
    await task
    return when


async def stop(pair: LossyPair) -> None:
    await pair.client.stop()
    await pair.server.stop()


async def test_both_ends_hold_the_same_keys_crosswise() -> None:
    pair = LossyPair()
    assert await finished(pair) == pytest.approx(PERFECT_S)
    ours, theirs = await pair.client.keys(), await pair.server.keys()
    assert ours.profile == theirs.profile == "AEAD_AES_128_GCM"
    assert (ours.send_key, ours.send_salt) == (theirs.receive_key, theirs.receive_salt)
    assert (ours.receive_key, ours.receive_salt) == (theirs.send_key, theirs.send_salt)
    assert (len(ours.send_key), len(ours.send_salt)) == (16, 12)
    assert pair.client.matches(pair.fingerprints)
    assert pair.server.matches(pair.fingerprints)
    await stop(pair)


async def test_the_client_has_its_keys_when_its_last_flight_leaves() -> None:
    pair = LossyPair()
    keys = asyncio.create_task(pair.client.keys())
    shaking = asyncio.create_task(pair.server.keys())
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
    closed = asyncio.create_task(pair.server.closed())
    await pair.client.stop()
    await pair.until(closed)
    await pair.server.stop()


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
    for name in ("_setup_srtp", "_validate_peer_identity", "_write_ssl", "_recv_next", "_set_role", "_set_state"):
        assert callable(getattr(RTCDtlsTransport, name))
    source = inspect.getsource(RTCDtlsTransport)
    assert all(
        seam in source
        for seam in (
            "self.transport._recv()",
            "await self._write_ssl()",
            "self._srtp_profiles",
            "self._ssl",
            "self._state",
        )
    )

"""The seams of aiortc that media/dtls.py holds on to: two of our transports shake hands with each other."""

import asyncio
import inspect

import pytest
from aiortc.rtcdtlstransport import RTCCertificate, RTCDtlsTransport

from media.dtls import DatagramPipe, HandshakeFailed, NodeCertificate, PlaneDtlsTransport


def pair(*, both: bool) -> tuple[PlaneDtlsTransport, PlaneDtlsTransport, NodeCertificate]:
    certificate = NodeCertificate.generateCertificate()
    pipes: list[DatagramPipe] = []
    pipes.append(DatagramPipe(lambda data: pipes[1].feed(data) and None, "client"))
    pipes.append(DatagramPipe(lambda data: pipes[0].feed(data) and None, "server"))
    client = PlaneDtlsTransport(pipes[0], certificate, "client", both_profiles=both)
    server = PlaneDtlsTransport(pipes[1], certificate, "server", both_profiles=True)
    return client, server, certificate


@pytest.mark.parametrize("both", [False, True])
async def test_both_ends_hold_the_same_keys_crosswise(both: bool) -> None:
    client, server, certificate = pair(both=both)
    fingerprints = (("sha-256", certificate.sha256),)
    async with asyncio.timeout(10):
        ours, theirs = await asyncio.gather(client.handshake(fingerprints), server.handshake(fingerprints))
    assert ours.profile == theirs.profile == "AEAD_AES_128_GCM"
    assert (ours.send_key, ours.send_salt) == (theirs.receive_key, theirs.receive_salt)
    assert (ours.receive_key, ours.receive_salt) == (theirs.send_key, theirs.send_salt)
    assert (len(ours.send_key), len(ours.send_salt)) == (16, 12)
    await client.stop()
    async with asyncio.timeout(10):
        await server.closed()


async def test_a_certificate_that_was_not_named_is_refused() -> None:
    client, server, certificate = pair(both=True)
    wrong = (("sha-256", ":".join(["00"] * 32)),)
    async with asyncio.timeout(10):
        results = await asyncio.gather(
            client.handshake(wrong), server.handshake((("sha-256", certificate.sha256),)), return_exceptions=True
        )
    assert isinstance(results[0], HandshakeFailed)


async def test_the_version_is_pinned_and_the_context_made_once() -> None:
    certificate = NodeCertificate.generateCertificate()
    profiles = PlaneDtlsTransport(
        DatagramPipe(lambda _: None, "client"), certificate, "client", both_profiles=True
    )._srtp_profiles
    assert certificate._create_ssl_context(srtp_profiles=profiles) is certificate._create_ssl_context(
        srtp_profiles=profiles
    )


def test_the_seams_are_where_they_were() -> None:
    assert list(inspect.signature(RTCCertificate._create_ssl_context).parameters) == ["self", "srtp_profiles"]
    for name in ("_setup_srtp", "_validate_peer_identity", "_write_ssl", "_recv_next", "_set_role", "_set_state"):
        assert callable(getattr(RTCDtlsTransport, name))
    source = inspect.getsource(RTCDtlsTransport)
    assert all(
        seam in source
        for seam in ("self.transport._recv()", "self.transport._send(", "self._srtp_profiles", "self._ssl")
    )

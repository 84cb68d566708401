"""What the plane refuses, and that it says why."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from livetrial_plane import Codec, Plane

PEER: dict[str, Any] = {"local_ufrag": "abcd", "local_pwd": "p" * 22, "extensions": {}}
KEYS: dict[str, Any] = {
    "profile": "AEAD_AES_128_GCM",
    "send_key": bytes(16),
    "send_salt": bytes(12),
    "receive_key": bytes(16),
    "receive_salt": bytes(12),
}
VP8 = Codec("VP8", 96, clock_rate=90_000)
SOURCE: dict[str, Any] = {"peer": 1, "kind": "video", "mid": "0", "codecs": [VP8], "rids": [], "ssrcs": []}
SINK: dict[str, Any] = {"peer": 1, "mid": "0", "ssrc": 1, "rtx_ssrc": 0, "cname": "c", "codecs": [VP8]}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"host": "localhost"}, 'host must be an IPv4 or IPv6 address, not "localhost"'),
        ({"port": -1}, "port must be 0 to 65535"),
        ({"port": 1 << 80}, "port must be 0 to 65535"),
        ({"workers": 0}, "workers must be 1 to 64"),
        ({"workers": 65}, "workers must be 1 to 64"),
        ({"liveness_timeout_s": 0.0}, "liveness_timeout_s must be above 0, up to 86400"),
        ({"liveness_timeout_s": float("nan")}, "liveness_timeout_s must be above 0, up to 86400"),
        ({"liveness_timeout_s": float("inf")}, "liveness_timeout_s must be above 0, up to 86400"),
        ({"keyframe_interval_ms": 60_001}, "keyframe_interval_ms must be 0 to 60000"),
    ],
)
def test_a_plane_says_which_setting_is_out_of_range(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        Plane(**arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": ""}, "name must be 1 to 255 octets, not 0"),
        ({"payload_type": 128}, "payload_type must be 0 to 127"),
        ({"payload_type": 72}, "payload_type must be 0 to 63 or 96 to 127, not 72 (RFC 5761)"),
        ({"clock_rate": 0}, "clock_rate must be 1 to 4294967295"),
        ({"rtx_payload_type": 200}, "rtx_payload_type must be 0 to 127"),
        ({"rtx_payload_type": 96}, "rtx_payload_type must differ from payload_type"),
    ],
)
def test_a_codec_says_what_is_wrong_with_it(arguments: dict[str, Any], message: str) -> None:
    valid: dict[str, Any] = {"name": "VP8", "payload_type": 96, "clock_rate": 90_000, "rtx_payload_type": 97}
    with pytest.raises(ValueError, match=re.escape(message)):
        Codec(**valid | arguments)


@pytest.mark.parametrize(
    ("call", "arguments", "message"),
    [
        ("add_peer", PEER | {"peer": -1}, "peer must be 0 to 4294967295"),
        ("add_peer", PEER | {"peer": 1, "local_ufrag": "abc"}, "local_ufrag must be 4 to 256 characters"),
        (
            "add_peer",
            PEER | {"peer": 1, "local_ufrag": "ab:d"},
            "local_ufrag must be 4 to 256 characters of A-Z a-z 0-9 + /",
        ),
        ("add_peer", PEER | {"peer": 1, "local_pwd": "p" * 21}, "local_pwd must be 22 to 256 characters"),
        (
            "add_peer",
            PEER | {"peer": 1, "extensions": {"sdes": 1}},
            '"sdes" is no header extension that the plane knows',
        ),
        ("add_peer", PEER | {"peer": 1, "extensions": {"mid": 0}}, 'the id of extension "mid" must be 1 to 255'),
        (
            "add_peer",
            PEER | {"peer": 1, "extensions": {"mid": 3, "rid": 3}},
            "extension ids must differ from one another",
        ),
        ("send_dtls", {"peer": 1, "datagram": b""}, "datagram must be 1 to 65507 octets, not 0"),
        ("send_dtls", {"peer": 1, "datagram": bytes(65_508)}, "datagram must be 1 to 65507 octets, not 65508"),
        (
            "set_keys",
            KEYS | {"peer": 1, "profile": "AES256"},
            "profile must be 'AEAD_AES_128_GCM' or 'AES128_CM_SHA1_80'",
        ),
        ("set_keys", KEYS | {"peer": 1, "send_key": bytes(15)}, "send_key must be 16 octets, not 15"),
        (
            "set_keys",
            KEYS | {"peer": 1, "receive_salt": bytes(14)},
            "receive_salt must be 12 octets with this profile, not 14",
        ),
        (
            "set_keys",
            KEYS | {"peer": 1, "profile": "AES128_CM_SHA1_80"},
            "send_salt must be 14 octets with this profile, not 12",
        ),
        ("add_source", SOURCE | {"source": 0}, "source must be 1 to 4294967295"),
        ("add_source", SOURCE | {"source": 1, "kind": "text"}, "kind must be 'audio' or 'video', not \"text\""),
        ("add_source", SOURCE | {"source": 1, "mid": ""}, "mid must be 1 to 255 octets, not 0"),
        ("add_source", SOURCE | {"source": 1, "codecs": []}, "codecs must not be empty"),
        (
            "add_source",
            SOURCE | {"source": 1, "codecs": [VP8, VP8]},
            "payload types of codecs must differ from one another",
        ),
        ("add_source", SOURCE | {"source": 1, "rids": ["a b"]}, 'rids must be letters, digits, - and _, not "a b"'),
        ("add_source", SOURCE | {"source": 1, "rids": ["a", "a"]}, "rids must differ from one another"),
        ("add_source", SOURCE | {"source": 1, "ssrcs": [(0, 0)]}, "ssrc must be 1 to 4294967295"),
        ("add_source", SOURCE | {"source": 1, "ssrcs": [(1, 0), (2, 1)]}, "ssrcs must differ from one another"),
        (
            "add_source",
            SOURCE | {"source": 1, "rids": ["a"], "ssrcs": [(1, 0), (2, 0)]},
            "ssrcs and rids must be as many",
        ),
        ("add_sink", SINK | {"sink": 1, "ssrc": 0}, "ssrc must be 1 to 4294967295"),
        ("add_sink", SINK | {"sink": 1, "rtx_ssrc": 1}, "rtx ssrc must differ from ssrc 1"),
        ("add_sink", SINK | {"sink": 1, "cname": "c" * 256}, "cname must be 1 to 255 octets, not 256"),
        ("route", {"sink": 1, "source": 0}, "source must be 1 to 4294967295"),
        ("route", {"sink": 1, "source": 1, "encoding": -1}, "encoding must be 0 to 255"),
        ("request_keyframe", {"source": -1}, "source must be 1 to 4294967295"),
        ("source_stats", {"source": 1 << 32}, "source must be 1 to 4294967295"),
    ],
)
def test_a_call_says_what_is_wrong_and_what_is_allowed(
    plane: Plane, call: str, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        getattr(plane, call)(**arguments)


def test_keys_are_in_no_message(plane: Plane) -> None:
    with pytest.raises(ValueError, match="send_key") as raised:
        plane.set_keys(1, **KEYS | {"send_key": b"secret"})
    assert "secret" not in str(raised.value)


def test_values_of_another_type_are_type_errors(plane: Plane) -> None:
    with pytest.raises(TypeError):
        plane.remove_peer("one")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        plane.send_dtls(1, "text")  # type: ignore[arg-type]


def test_the_stub_says_what_the_module_has(tmp_path: Path) -> None:
    allowlist = tmp_path / "allowlist"
    # Names for type checkers, and the extension that the package re-exports.
    allowlist.write_text("livetrial_plane.EncodingStats\nlivetrial_plane.EventKind\nlivetrial_plane.livetrial_plane\n")
    command = [sys.executable, "-m", "mypy.stubtest", "livetrial_plane", "--allowlist", str(allowlist)]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"copies": -1}, "copies must be 0 to 15"),
        ({"copies": 16}, "copies must be 0 to 15"),
        ({"spacing_ms": 201}, "spacing_ms must be 0 to 200"),
        ({"retransmissions": 1 << 70}, "retransmissions must be 0 to 15"),
        ({"picture_copies": 16}, "picture_copies must be 0 to 15"),
        ({"retransmission_spacing_ms": -1}, "retransmission_spacing_ms must be 0 to 200"),
        ({"fec_percent": 101}, "fec_percent must be 0 to 100"),
        ({"playout_ms": 4001}, "playout_ms must be 0 to 4000"),
    ],
)
def test_protection_is_bounded(arguments: dict[str, Any], message: str) -> None:
    plane = Plane(host="127.0.0.1")
    try:
        with pytest.raises(ValueError, match=re.escape(message)):
            plane.protect(1, **arguments)
        plane.protect(1, copies=15, spacing_ms=200, retransmissions=15, fec_percent=100, playout_ms=4000)
        plane.protect(1)
    finally:
        plane.close()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"ssrc": 0, "payload_type": 49}, "ssrc"),
        ({"ssrc": 1 << 32, "payload_type": 49}, "ssrc"),
        ({"ssrc": 7, "payload_type": 128}, "payload_type must be 0 to 127"),
    ],
)
def test_repair_packets_need_an_ssrc_and_a_payload_type(arguments: dict[str, int], message: str) -> None:
    plane = Plane(host="127.0.0.1")
    try:
        with pytest.raises(ValueError, match=message):
            plane.add_fec(1, **arguments)
        refused = plane.stats()["unknown_id"]
        plane.add_fec(1, ssrc=7, payload_type=49)
        assert plane.stats()["unknown_id"] == refused + 1, "there is no such sink"
    finally:
        plane.close()

"""WHIP and WHEP as standard clients use them (RFC 9725, draft-ietf-wish-whep)."""

import re

import httpx
import pytest

from tests.server import peers
from tests.server.harness import Running, Start

SDP = {"Content-Type": "application/sdp"}
FRAGMENT = {"Content-Type": "application/trickle-ice-sdpfrag"}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def post(server: Running, kind: str, session: str, offer: str, token: str | None) -> httpx.Response:
    headers = {**SDP, **(bearer(token) if token else {})}
    return await server.http.post(f"/{kind}/{session}", content=offer, headers=headers)


def candidates(sdp: str) -> list[str]:
    return re.findall(r"^a=candidate:(.+)\r$", sdp, re.MULTILINE)


def ufrag(offer: str) -> str:
    found = re.search(r"a=ice-ufrag:(\S+)", offer)
    assert found
    return found[1]


async def test_what_is_published_is_received(server: Running) -> None:
    session = await server.session(open=True)
    host = server.token(session, "host")
    async with peers.peer() as encoder, peers.peer() as player:
        published = await post(server, "whip", session, await peers.sending_offer(encoder), host)
        assert published.status_code == 201, published.text
        assert published.headers["Content-Type"] == "application/sdp"
        assert re.fullmatch(r'"\S+"', published.headers["ETag"])
        assert published.headers["Location"].startswith(f"http://127.0.0.1:{server.port}/whip/{session}/")
        await peers.apply(encoder, published.text)

        received = await post(server, "whep", session, await peers.receiving_offer(player), None)
        assert received.status_code == 201, received.text
        await peers.apply(player, received.text)
        first = await peers.next_picture(player)
        second = await peers.next_picture(player)
        assert second.pts > first.pts

        for response, token in ((published, host), (received, None)):
            headers = bearer(token) if token else {}
            assert (await server.http.delete(response.headers["Location"], headers=headers)).status_code == 200
            gone = await server.http.delete(response.headers["Location"], headers=headers)
            assert gone.status_code == 404
        assert server.node.media.stats()["peers"] == 0


async def test_a_second_post_of_the_same_encoder_replaces_the_first(server: Running) -> None:
    session = await server.session()
    host = server.token(session, "host")
    async with peers.peer() as one, peers.peer() as two:
        first = await post(server, "whip", session, await peers.sending_offer(one), host)
        second = await post(server, "whip", session, await peers.sending_offer(two), host)
    assert second.status_code == 201
    assert (await server.http.delete(first.headers["Location"], headers=bearer(host))).status_code == 404
    assert (await server.http.delete(second.headers["Location"], headers=bearer(host))).status_code == 200


@pytest.mark.parametrize(
    ("kind", "role", "status", "code"),
    [
        ("whip", None, 401, "token_missing"),
        ("whip", "member", 403, "forbidden"),
        ("whip", "moderator", 403, "forbidden"),
        ("whep", None, 401, "token_missing"),
    ],
)
async def test_who_may(server: Running, kind: str, role: str | None, status: int, code: str) -> None:
    session = await server.session()
    response = await post(server, kind, session, "v=0", server.token(session, role) if role else None)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    if status == 401:
        assert response.headers["WWW-Authenticate"].startswith("Bearer")


async def test_nobody_publishes_into_an_open_session_without_a_token(server: Running) -> None:
    session = await server.session(open=True)
    assert (await post(server, "whip", session, "v=0", None)).status_code == 401


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (b"v=0", {"Content-Type": "text/plain"}, 415, "unsupported_media_type"),
        (b"v=0", {}, 415, "unsupported_media_type"),
        (b"", SDP, 400, "bad_offer"),
        (b"no sdp", SDP, 400, "bad_offer"),
        (b"\xff\xfe", SDP, 400, "bad_offer"),
        (b"v=0\r\n" * 250_000, SDP, 413, "body_too_large"),
    ],
)
async def test_bodies_that_are_no_offer(
    server: Running, body: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    session = await server.session()
    response = await server.http.post(
        f"/whip/{session}", content=body, headers={**headers, **bearer(server.token(session, "host"))}
    )
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert len(server.node.resources) == 0


async def test_an_offer_without_a_codec_in_common_is_406(server: Running) -> None:
    session = await server.session()
    async with peers.peer() as encoder:
        offer = (
            (await peers.sending_offer(encoder)).replace("VP8/90000", "XYZ/90000").replace("H264/90000", "XYZ/90000")
        )
    response = await post(
        server, "whip", session, offer.replace("opus/48000/2", "xyz/8000"), server.token(session, "host")
    )
    assert (response.status_code, response.json()["code"]) == (406, "unsupported_media")


async def test_unknown_session(server: Running) -> None:
    response = await post(server, "whep", "nowhere", "v=0", None)
    assert (response.status_code, response.json()["code"]) == (404, "session_unknown")


async def test_other_methods_and_preflight(server: Running) -> None:
    session = await server.session(open=True)
    for path, allow, others in (
        (f"/whip/{session}", "OPTIONS, POST", ("GET", "PUT", "PATCH", "DELETE")),
        (f"/whep/{session}/x", "OPTIONS, PATCH, DELETE", ("GET", "PUT", "POST")),
    ):
        for method in others:
            response = await server.http.request(method, path)
            assert response.status_code == 405
            assert response.headers["Allow"] == allow
        preflight = await server.http.options(
            path, headers={"Origin": "https://x.example", "Access-Control-Request-Method": "POST"}
        )
        assert preflight.status_code == 200
        assert preflight.headers["Access-Control-Allow-Origin"] == "*"
        assert "Authorization" in preflight.headers["Access-Control-Allow-Headers"]
    assert (await server.http.options(f"/whip/{session}")).headers["Accept-Post"] == "application/sdp"


@pytest.fixture
async def watched(server: Running) -> tuple[httpx.Response, str]:
    """A WHEP connection, and the ufrag of its offer."""
    session = await server.session(open=True)
    async with peers.peer() as player:
        offer = await peers.receiving_offer(player)
        return await post(server, "whep", session, offer, None), ufrag(offer)


async def test_trickled_candidates_are_taken(server: Running, watched: tuple[httpx.Response, str]) -> None:
    response, name = watched
    headers = {**FRAGMENT, "If-Match": response.headers["ETag"]}
    body = f"a=ice-ufrag:{name}\r\na=ice-pwd:{'x' * 22}\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\na=end-of-candidates\r\n"
    patched = await server.http.patch(response.headers["Location"], content=body, headers=headers)
    assert (patched.status_code, patched.content) == (204, b"")
    assert "ETag" not in patched.headers


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        ("a=ice-ufrag:{ufrag}\r\n", {}, 428),
        ("a=ice-ufrag:{ufrag}\r\n", {"If-Match": '"other"'}, 412),
        (f"a=ice-ufrag:Other\r\na=ice-pwd:{'x' * 22}\r\n", {"If-Match": '"other"'}, 412),
        ("a=ice-ufrag:Other\r\n", {"If-Match": "*"}, 400),
        ("a=ice-ufrag:Other\r\na=ice-pwd:short\r\n", {"If-Match": "{etag}"}, 400),
        ("{{}}", {"If-Match": "{etag}"}, 400),
        ("", {"If-Match": "{etag}"}, 400),
        ("a=mid:0\r\n", {"If-Match": "{etag}", "Content-Type": "application/sdp"}, 415),
    ],
)
async def test_patches_that_are_refused(
    server: Running, watched: tuple[httpx.Response, str], body: str, headers: dict[str, str], status: int
) -> None:
    response, name = watched
    etag = response.headers["ETag"]
    filled = {**FRAGMENT, **{key: value.format(etag=etag) for key, value in headers.items()}}
    patched = await server.http.patch(response.headers["Location"], content=body.format(ufrag=name), headers=filled)
    assert patched.status_code == status, patched.text
    assert patched.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("match", ["*", '"*"', "{etag}"])
async def test_other_credentials_restart_ice(server: Running, watched: tuple[httpx.Response, str], match: str) -> None:
    response, _ = watched
    before = response.headers["ETag"]
    headers = {**FRAGMENT, "If-Match": match.format(etag=before)}
    body = f"a=ice-options:trickle\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:0\r\na=ice-ufrag:Other\r\na=ice-pwd:{'x' * 22}\r\n"
    restarted = await server.http.patch(response.headers["Location"], content=body, headers=headers)
    assert restarted.status_code == 200, restarted.text
    assert restarted.headers["Content-Type"] == FRAGMENT["Content-Type"]
    assert ufrag(restarted.text) != ufrag(response.text)
    assert re.search(r"^a=ice-pwd:\S{22,}\r$", restarted.text, re.MULTILINE)
    assert "a=ice-lite\r\n" in restarted.text
    assert candidates(restarted.text) == candidates(response.text)[: len(candidates(restarted.text))] != []

    # The tag is that of the new session, and so are the credentials that trickled candidates belong to.
    after = restarted.headers["ETag"]
    assert after != before
    trickled = f"a=ice-ufrag:Other\r\na=ice-pwd:{'x' * 22}\r\nm=video 9 RTP/AVP 0\r\na=mid:0\r\na=end-of-candidates\r\n"
    for tag, status in ((before, 412), (after, 204)):
        patched = await server.http.patch(
            response.headers["Location"], content=trickled, headers={**FRAGMENT, "If-Match": tag}
        )
        assert patched.status_code == status


async def test_turn_servers_stand_in_link_headers(start: Start) -> None:
    server = await start(
        turn_urls=("turn:turn.example.org:3478?transport=udp",),
        turn_secret="of the relay",
        stun_urls=("stun:stun.example.org",),
    )
    session = await server.session(open=True)
    async with peers.peer() as player:
        response = await post(server, "whep", session, await peers.receiving_offer(player), None)
    stun, turn = response.headers.get_list("Link")
    assert stun == '<stun:stun.example.org>; rel="ice-server"'
    assert re.fullmatch(
        r'<turn:turn.example.org:3478\?transport=udp>; rel="ice-server"; username="\d+:\w+"; '
        r'credential="[A-Za-z0-9+/]{27}="; credential-type="password"',
        turn,
    )


async def test_a_resource_needs_a_token_of_its_session_too(server: Running) -> None:
    session, other = await server.session(), await server.session()
    host = server.token(session, "host")
    async with peers.peer() as encoder:
        location = (await post(server, "whip", session, await peers.sending_offer(encoder), host)).headers["Location"]
    for token, status in ((None, 401), (server.token(session), 403), (server.token(other, "host"), 401)):
        assert (await server.http.delete(location, headers=bearer(token) if token else {})).status_code == status
    elsewhere = location.replace(session, other)
    assert (await server.http.delete(elsewhere, headers=bearer(server.token(other, "host")))).status_code == 404
    assert (await server.http.delete(location, headers=bearer(host))).status_code == 200


async def test_more_connections_than_allowed(start: Start) -> None:
    server = await start(max_members=1)
    session = await server.session(open=True)
    async with peers.peer() as one, peers.peer() as two:
        assert (await post(server, "whep", session, await peers.receiving_offer(one), None)).status_code == 201
        full = await post(server, "whep", session, await peers.receiving_offer(two), None)
    assert (full.status_code, full.json()["code"]) == (503, "busy")
    assert int(full.headers["Retry-After"]) > 0

"""The HTTP API, its errors, and what stands beside it."""

import asyncio
from pathlib import Path

import httpx
import pytest

from store.embedded import EmbeddedValkey
from tests.server.harness import API_KEY, Running, Start

KEY = {"Authorization": f"Bearer {API_KEY}"}


def check_problem(response: httpx.Response, status: int, code: str) -> None:
    assert response.status_code == status, response.text
    assert response.headers["Content-Type"] == "application/problem+json"
    body = response.json()
    assert (body["status"], body["code"]) == (status, code)
    assert body["detail"]


async def test_a_session_and_its_links(server: Running) -> None:
    response = await server.http.post("/api/v1/sessions", json={"title": "Serum, week 2"}, headers=KEY)
    assert response.status_code == 201, response.text
    made = response.json()
    session, links, tokens = made["id"], made["links"], made["tokens"]
    base = f"http://127.0.0.1:{server.port}"
    assert links["host"] == f"{base}/host/{session}#t={tokens['host']}&m={tokens['member']}"
    assert links["member"] == f"{base}/s/{session}#t={tokens['member']}"
    assert links["whip"] == f"{base}/whip/{session}"
    for role in ("host", "moderator", "member"):
        joined = (await (await server.connect()).join(session=session, token=tokens[role])).joined
        assert joined["you"]["role"] == role
        assert joined["session"] == {"id": session, "title": "Serum, week 2"}

    seen = (await server.http.get(f"/api/v1/sessions/{session}", headers={"X-API-Key": API_KEY})).json()
    assert seen["present"] == 3
    assert seen["live"] is False


async def test_an_open_session_has_a_link_without_a_token(start: Start) -> None:
    server = await start(public_url="https://live.example.org")
    made = (await server.http.post("/api/v1/sessions", json={"title": "T", "open": True}, headers=KEY)).json()
    assert made["links"]["member"] == f"https://live.example.org/s/{made['id']}"


async def test_the_same_request_may_be_repeated(server: Running) -> None:
    body = {"id": (await server.session()).replace("t-", "u-"), "title": "T"}
    first = await server.http.post("/api/v1/sessions", json=body, headers=KEY)
    again = await server.http.post("/api/v1/sessions", json=body, headers=KEY)
    assert first.status_code == again.status_code == 201
    assert first.json()["created_at"] == again.json()["created_at"]
    other = await server.http.post("/api/v1/sessions", json={**body, "title": "Other"}, headers=KEY)
    check_problem(other, 409, "session_exists")


async def test_a_token_for_a_known_person(server: Running) -> None:
    session = await server.session()
    body = {"role": "moderator", "person": "crm-17", "name": "安娜", "lifetime_s": 600}
    response = await server.http.post(f"/api/v1/sessions/{session}/tokens", json=body, headers=KEY)
    assert response.status_code == 201, response.text
    token = response.json()["token"]
    assert f"/host/{session}#t={token}&m=" in response.json()["link"]
    joined = (await (await server.connect()).join(session=session, token=token)).joined
    assert joined["you"] == {"id": "crm-17", "name": "安娜", "role": "moderator"}
    assert joined["token"] is None


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"title": ""},
        {"title": "T", "id": "Not An Id"},
        {"title": "T", "id": "a\n"},
        {"title": "T", "token_lifetime_s": 1},
        {"title": "T", "open": "perhaps"},
        [],
    ],
)
async def test_a_bad_body(server: Running, body: object) -> None:
    check_problem(await server.http.post("/api/v1/sessions", json=body, headers=KEY), 422, "invalid_request")


async def test_bad_json(server: Running) -> None:
    headers = {**KEY, "Content-Type": "application/json"}
    check_problem(await server.http.post("/api/v1/sessions", content=b"{", headers=headers), 422, "invalid_request")


async def test_the_api_key(server: Running) -> None:
    check_problem(await server.http.get("/api/v1/sessions/x"), 401, "api_key_missing")
    wrong = await server.http.get("/api/v1/sessions/x", headers={"X-API-Key": "wrong"})
    check_problem(wrong, 401, "api_key_invalid")
    assert wrong.headers["WWW-Authenticate"].startswith("Bearer")
    check_problem(
        await server.http.get("/api/v1/sessions/x", headers={"Authorization": "Basic eDp5"}), 401, "api_key_missing"
    )


async def test_a_body_is_bounded_before_the_key_is_checked(server: Running) -> None:
    response = await server.http.post("/api/v1/sessions", content=b" " * 300_000)
    check_problem(response, 413, "body_too_large")


async def test_unknown_things(server: Running) -> None:
    check_problem(await server.http.get("/api/v1/sessions/nowhere", headers=KEY), 404, "session_unknown")
    check_problem(
        await server.http.post("/api/v1/sessions/nowhere/tokens", json={}, headers=KEY), 404, "session_unknown"
    )
    check_problem(await server.http.get("/api/v1/nothing", headers=KEY), 404, "not_found")
    check_problem(await server.http.delete("/api/v1/sessions", headers=KEY), 405, "method_not_allowed")


async def test_openapi_describes_every_route(server: Running) -> None:
    document = (await server.http.get("/openapi.json")).json()
    assert {"/api/v1/sessions", "/api/v1/sessions/{session}", "/whip/{session}", "/readyz"} <= set(document["paths"])
    create = document["paths"]["/api/v1/sessions"]["post"]
    assert {"201", "401", "409", "422"} <= set(create["responses"])
    assert set(create["responses"]["409"]["content"]) == {"application/problem+json"}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert operation["summary"], (path, method)


async def test_health_readiness_and_metrics(server: Running) -> None:
    assert (await server.http.get("/healthz")).json() == {"status": "alive"}
    ready = await server.http.get("/readyz")
    assert (ready.status_code, ready.json()) == (200, {"status": "ready", "missing": {}})
    session = await server.session()
    client, _ = await server.join(session)
    await client.command("ask", cmd="c1", text="Why?")
    text = (await server.http.get("/metrics")).text
    assert "livetrial_sockets 1.0" in text
    assert 'livetrial_joins_total{result="ok"} 1.0' in text
    assert 'livetrial_commands_total{result="ok",type="ask"} 1.0' in text
    assert "livetrial_plane_peers 0.0" in text
    assert "livetrial_plane_rtp_received_total 0.0" in text


async def test_readiness_says_which_part_is_missing(server: Running) -> None:
    await server.node.media.close()
    ready = await server.http.get("/readyz")
    assert ready.status_code == 503
    assert list(ready.json()["missing"]) == ["media"]
    assert (await server.http.get("/healthz")).status_code == 200
    assert (await server.http.get("/metrics")).status_code == 200


async def test_a_store_that_is_gone(start: Start, tmp_path: Path) -> None:
    valkey = await EmbeddedValkey.start(tmp_path / "valkey")
    server = await start(redis_url=valkey.url)
    session = await server.session()
    client, _ = await server.join(session)
    await valkey.stop()
    await client.send(type="ask", cmd="c1", text="Why?")
    ready, looked, error = await asyncio.gather(
        server.http.get("/readyz", timeout=30),
        server.http.get(f"/api/v1/sessions/{session}", headers=KEY, timeout=30),
        client.expect("error", cmd="c1"),
    )
    assert (ready.status_code, list(ready.json()["missing"])) == (503, ["store"])
    check_problem(looked, 503, "busy")
    assert error["code"] == "busy"
    assert error["retry_after_ms"] > 0


async def test_pages(start: Start, tmp_path: Path) -> None:
    web = tmp_path / "dist"
    (web / "assets").mkdir(parents=True)
    for name in ("index", "host", "member"):
        (web / f"{name}.html").write_text(f"<title>{name}</title>")
    (web / "assets" / "app-1a2b.js").write_text("export {}")
    (web / "icon.svg").write_text("<svg/>")
    (tmp_path / "secret").write_text("no")
    server = await start(web_dir=web)
    # The member's page may carry a ticket, which is for one use.
    kept = {"index": "no-cache", "host": "no-cache", "member": "no-store"}
    for path, name in (("/", "index"), ("/host/abc", "host"), ("/s/abc", "member")):
        page = await server.http.get(path)
        assert name in page.text
        assert page.headers["Cache-Control"] == kept[name]
        assert "script-src 'self'" in page.headers["Content-Security-Policy"]
        assert "camera=(self)" in page.headers["Permissions-Policy"]
        assert page.headers["X-Content-Type-Options"] == "nosniff"
    asset = await server.http.get("/assets/app-1a2b.js")
    assert asset.headers["Content-Type"].startswith("text/javascript")
    assert "immutable" in asset.headers["Cache-Control"]
    assert (await server.http.get("/icon.svg")).status_code == 200
    for path in (
        "/assets/%2e%2e/%2e%2e/secret",
        "/assets/..%2f..%2fsecret",
        "/%2e%2e%2fsecret",
        "/assets/",
        "/embed/x.js",
    ):
        assert (await server.http.get(path)).status_code == 404, path


async def test_a_page_answers_head(start: Start, tmp_path: Path) -> None:
    (tmp_path / "member.html").write_text("<title>member</title>")
    server = await start(web_dir=tmp_path)
    page = await server.http.head("/s/abc")
    assert (page.status_code, page.headers["content-length"], page.content) == (200, "21", b"")


async def test_pages_that_are_not_built(start: Start, tmp_path: Path) -> None:
    server = await start(web_dir=tmp_path / "nothing")
    page = await server.http.get("/s/abc")
    assert page.status_code == 503
    assert "make run" in page.text

"""The queue over the WebSocket: who sees what, and what moderators decide takes hold of sockets."""

import asyncio
import hashlib
import json
from typing import Any

import httpx
import pytest

from qa_queue.draw.model import Ticket
from qa_queue.draw.tickets import verify
from tests.server.harness import API_KEY, Running, Start
from tests.server.ws_client import Client, Message


def of_kind(events: list[Message], kind: str) -> list[Message]:
    return [event for event in events if event["kind"] == kind]


async def refused(client: Client, kind: str, **fields: Any) -> str:
    await client.send(type=kind, cmd=f"x-{kind}-{len(client.skipped)}", **fields)
    return str((await client.expect("error"))["code"])


async def test_who_asked_anonymously_is_told_to_nobody(server: Running) -> None:
    session = await server.session()
    asker, _ = await server.join(session, person="secret-person", name="Secret Name")
    host, _ = await server.join(session, "host", person="host")
    member, _ = await server.join(session, person="bob")
    question = (await asker.command("ask", cmd="c1", text="?", anonymous=True))["id"]
    await asker.command("edit", cmd="c2", question=question, text="??")
    await host.command("mute", cmd="h1", of=question, for_s=60)
    last = await host.command("configure", cmd="h2", chat=False)
    for client in (host, member):
        assert "ecret" not in json.dumps(await client.events_until(last["seq"]))
    _, joined = await server.join(session, "host", person="second")
    assert "ecret" not in json.dumps(joined["snapshot"])
    own = await asker.events_until(last["seq"])
    assert [event["mine"] for event in of_kind(own, "question")] == [True, True]
    assert of_kind(own, "member")[0]["member"]["muted_until"] > 0
    assert not of_kind(member.events, "member")
    assert of_kind(host.events, "member")[0]["member"]["via"] == question
    exported = await server.http.get(f"/api/v1/sessions/{session}/log", headers={"X-API-Key": API_KEY})
    assert "ecret" not in exported.text


async def test_pre_moderation_hides_a_question_until_it_is_approved(server: Running) -> None:
    session = await server.session()
    host, _ = await server.join(session, "host", person="host")
    author, _ = await server.join(session, person="ann")
    member, _ = await server.join(session, person="bob")
    await host.command("configure", cmd="h1", premoderation=True)
    first = (await author.command("ask", cmd="c1", text="one"))["id"]
    second = (await author.command("ask", cmd="c2", text="two"))["id"]
    _, joined = await server.join(session, person="late")
    assert joined["snapshot"]["questions"] == []
    await host.command("approve", cmd="h2", question=first)
    last = await host.command("decline", cmd="h3", question=second, reason="asked before")
    seen = of_kind(await member.events_until(last["seq"] - 1), "question")
    assert [(event["question"]["id"], event["act"]) for event in seen] == [(first, "approve")]
    own = of_kind(await author.events_until(last["seq"]), "question")
    assert (own[-1]["question"]["state"], own[-1]["question"]["reason"]) == ("declined", "asked before")
    assert of_kind(await host.events_until(last["seq"]), "question")[-1]["by"]["id"] == "host"


@pytest.mark.parametrize(("results", "bare", "voter"), [("live", 2, 2), ("voted", 0, 2), ("closed", 0, 0)])
async def test_a_tally_is_seen_by_those_who_may(server: Running, results: str, bare: int, voter: int) -> None:
    session = await server.session()
    host, _ = await server.join(session, "host", person="host")
    voters = [(await server.join(session, person=f"v{n}"))[0] for n in range(2)]
    other, _ = await server.join(session, person="bob")
    poll = await host.command("poll_make", cmd="h1", kind="single", text="Which?", options=["a", "b"], results=results)
    await host.command("poll_open", cmd="h2", poll=poll["id"], for_s=3600)
    for client in voters:
        last = await client.command("poll_vote", cmd="c1", poll=poll["id"], ballot=["1"])

    def shown(client: Client) -> int:
        return max(event.get("counts", {}).get("1", 0) for event in of_kind(client.events, "tally"))

    for client in (host, *voters, other):
        await client.events_until(last["seq"])
    assert (shown(host), shown(other), shown(voters[1])) == (2, bare, voter)
    assert of_kind(voters[0].events, "tally")[0]["mine"] == ["1"]
    assert all("mine" not in event for event in of_kind(other.events, "tally"))
    closed = await host.command("poll_close", cmd="h3", poll=poll["id"])
    await other.events_until(closed["seq"])
    assert of_kind(other.events, "poll")[-1]["poll"]["tally"] == {"total": 2, "counts": {"1": 2}}
    assert await refused(voters[0], "poll_vote", poll=poll["id"], ballot=["0"]) == "closed"


async def test_a_poll_ends_at_its_deadline(server: Running) -> None:
    session = await server.session()
    host, _ = await server.join(session, "host", person="host")
    poll = await host.command("poll_make", cmd="h1", kind="rating", text="How?")
    opened = await host.command("poll_open", cmd="h2", poll=poll["id"], for_s=5)
    event = of_kind(await host.events_until(opened["seq"] + 1), "poll")[-1]
    assert (event["act"], event["poll"]["state"], "by" in event) == ("closed", "closed", False)
    assert event["at"] >= event["poll"]["deadline"]


async def test_a_ban_holds_across_tabs_devices_and_reconnects(server: Running) -> None:
    session = await server.session(open=True)
    host, _ = await server.join(session, "host", person="host")
    device = "d" * 20
    tabs = [(await server.join(session, person="troll", device=device))[0] for _ in range(2)]
    await host.command("ban", cmd="h1", person="troll")
    for tab in tabs:
        assert await tab.closed() == 4403
        assert tab.skipped[-1]["code"] == "banned"
    for fields in ({"token": server.token(session, "member", "troll")}, {"device": device}):
        again = await server.connect()
        await again.send(type="join", v=1, session=session, **fields)
        assert await again.closed() == 4403
    await host.command("unban", cmd="h2", person="troll")
    await (await server.connect()).join(session=session, device=device)


async def test_only_the_invited_publish_and_a_role_can_be_given(server: Running) -> None:
    session = await server.session()
    host, _ = await server.join(session, "host", person="host")
    ann, _ = await server.join(session, person="ann")
    await ann.send(type="publish", offer="v=0")
    assert (await ann.expect("error"))["code"] == "forbidden"
    await ann.command("hand_raise", cmd="c1")
    assert await refused(ann, "stage_enter") == "not_invited"
    await host.command("hand_invite", cmd="h1", person="ann")
    entered = await ann.command("stage_enter", cmd="c2")
    await ann.events_until(entered["seq"])
    await ann.send(type="publish", offer="v=0")
    assert (await ann.expect("error"))["code"] == "bad_offer"
    await host.command("set_role", cmd="h2", person="ann", role="moderator")
    assert await ann.closed() == 1012
    _, joined = await server.join(session, person="ann")
    assert joined["you"]["role"] == "moderator"


async def test_who_closes_the_page_leaves_the_stage(server: Running) -> None:
    session = await server.session()
    host, _ = await server.join(session, "host", person="host")
    ann, _ = await server.join(session, person="ann")
    await host.command("hand_invite", cmd="h1", person="ann")
    entered = await ann.command("stage_enter", cmd="c1")
    await ann.events_until(entered["seq"])
    await ann.connection.close()
    event = (await host.events_until(entered["seq"] + 1))[-1]
    assert (event["kind"], event["person"], event["hand"]) == ("hand", "ann", None)


async def test_who_vanishes_gives_the_place_on_stage_back(start: Start) -> None:
    server = await start(stage_hold_s=1.5)
    session = await server.session()
    host, _ = await server.join(session, "host", person="host")
    members = [(await server.join(session, person=person))[0] for person in ("ann", "ben", "cat")]
    for number, person in enumerate(("ann", "ben", "cat")):
        await host.command("hand_invite", cmd=f"h{number}", person=person)
    await host.command("configure", cmd="h3", max_stage=2)
    for member in members[:2]:
        await member.command("stage_enter", cmd="c1")
    assert await refused(members[2], "stage_enter") == "stage_full"
    members[0].connection.transport.abort()
    gone = None
    async with asyncio.timeout(20):
        while not gone:
            await host.read()
            gone = next((e for e in of_kind(host.events, "hand") if e["act"] == "stage_leave"), None)
    assert (gone["person"], gone["hand"]) == ("ann", None)
    await members[2].command("stage_enter", cmd="c2")
    hands = [event["person"] for event in of_kind(host.events, "hand") if event["act"] == "stage_leave"]
    assert hands == ["ann"], "who is there stays"


async def test_reactions_are_counted_together(server: Running) -> None:
    session = await server.session()
    members = [(await server.join(session, person=f"m{n}"))[0] for n in range(3)]
    for client in members:
        for _ in range(3):
            await client.send(type="react", reaction="heart", count=7)
    async with asyncio.timeout(20):
        while not members[0].events or members[0].events[-1]["counts"] != {"heart": 63}:
            await members[0].read()
    assert len(members[0].events) < 9


async def test_a_draw_can_be_verified_by_what_is_published(server: Running) -> None:
    session = await server.session()
    host, _ = await server.join(session, "host", person="host")
    members = [(await server.join(session, person=f"m{n}"))[0] for n in range(3)]
    draw = (await host.command("draw_open", cmd="h1", title="Win", prizes=2))["id"]
    for n, client in enumerate(members):
        last = await client.command("draw_enter", cmd="c1", draw=draw, nonce=f"nonce-{n}")
        assert of_kind(await client.events_until(last["seq"]), "entered")[-1]["mine"] == n + 1
    closed = await host.command("draw_close", cmd="h2", draw=draw)
    drawn = of_kind(await members[0].events_until(closed["seq"] + 1), "draw")[-1]["draw"]
    record = (await server.http.get(f"/draws/{session}/{draw}")).json()
    commitment = of_kind(members[0].events, "draw")[0]["draw"]["commitment"]
    entries = [Ticket(ticket, nonce, "") for ticket, nonce in record["entries"]]
    assert verify(commitment, record["secret"], entries, 2, drawn["tickets"])
    assert [winner["id"] for winner in drawn["winners"]] == [f"m{ticket - 1}" for ticket in drawn["tickets"]]
    assert (await server.http.get(f"/draws/{session}/d999")).status_code == 404
    assert (await server.http.get("/draws/nowhere/d1")).status_code == 404


async def test_the_exported_log_has_the_hash_that_was_published(server: Running) -> None:
    session = await server.session()
    host, _ = await server.join(session, "host", person="host")
    await host.command("ask", cmd="c1", text="=1+1 多少?")
    last = await host.command("vote", cmd="c2", question="q1")
    key = {"X-API-Key": API_KEY}
    exported = (await server.http.get(f"/api/v1/sessions/{session}/log", headers=key)).text
    sha256 = "0" * 64
    for line in exported.splitlines():
        sha256 = hashlib.sha256((sha256 + line).encode()).hexdigest()
    head = (await server.http.get(f"/api/v1/sessions/{session}/log/hash", headers=key)).json()
    assert head == {"seq": last["seq"], "sha256": sha256}
    told = await host.expect("log_hash")
    assert told == {"type": "log_hash", **head}
    table = (await server.http.get(f"/api/v1/sessions/{session}/log?format=csv", headers=key)).text.splitlines()
    assert len(table) == 1 + last["seq"]
    assert (await server.http.get(f"/api/v1/sessions/{session}/log")).status_code == 401


async def test_staff_reads_the_log_with_tokens_of_their_own(server: Running) -> None:
    session, elsewhere = await server.session(), await server.session()
    host, _ = await server.join(session, "host", person="host")
    await server.join(session, person="ann")
    await host.command("ask", cmd="c1", text="多少?")

    async def read(token: str, what: str = "log") -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"}
        return await server.http.get(f"/api/v1/sessions/{session}/{what}", headers=headers)

    def refusal(response: httpx.Response) -> tuple[int, str]:
        assert response.headers["Content-Type"] == "application/problem+json"
        return response.status_code, response.json()["code"]

    by_key = await read(API_KEY)
    for role, person in (("host", "host"), ("moderator", "mod"), ("moderator", None)):
        own = await read(server.token(session, role, person))
        assert own.status_code == 200, own.text
        assert own.text == by_key.text
        assert own.headers["Content-Disposition"] == f'attachment; filename="{session}-log.jsonl"'
        assert own.headers["Cache-Control"] == "no-store"
    assert (await read(server.token(session, "host"), "log/hash")).json()["seq"] == len(by_key.text.splitlines())

    ann, mod = server.token(session, "member", "ann"), server.token(session, "moderator", "mod")
    for what in ("log", "log?format=csv", "log/hash"):
        assert refusal(await read(ann, what)) == (403, "forbidden")
        assert refusal(await read(server.token(session, "member"), what)) == (403, "forbidden")
    assert refusal(await read(server.token(elsewhere, "host", "host"))) == (401, "token_invalid")
    assert refusal(await read(mod[:-4] + "AAAA")) == (401, "token_invalid")
    assert refusal(await read("no-token")) == (401, "api_key_invalid")

    # What a host decides counts from then on: the act itself was told, so the state has it.
    made = await host.command("set_role", cmd="c2", person="ann", role="moderator")
    await host.events_until(made["seq"])
    assert (await read(ann)).status_code == 200
    banned = await host.command("ban", cmd="c3", person="ann")
    await host.events_until(banned["seq"])
    assert refusal(await read(ann)) == (403, "banned")


async def test_order_time_duplicates_and_audit(server: Running) -> None:
    session = await server.session()
    host, _ = await server.join(session, "host", person="host")
    ann, _ = await server.join(session, person="ann")
    one = (await ann.command("ask", cmd="c1", text="这个精华会不会刺激皮肤？"))["id"]
    two = (await ann.command("ask", cmd="c2", text="这款精华刺激皮肤吗"))["id"]
    ack = await host.command("set_place", cmd="h1", question=two, place=1)
    await ann.expect("order", questions=[two, one])
    await ann.send(type="time", t0=12.5)
    answer = await ann.expect("time")
    assert answer["t0"] == 12.5
    assert answer["t1"] <= answer["t2"]
    await host.events_until(ack["seq"])
    await host.send(type="duplicates", question=one)
    found = (await host.expect("duplicates"))["candidates"]
    assert [candidate["question"] for candidate in found] == [two]
    ack = await host.command("answering", cmd="h2", question=two)
    await host.events_until(ack["seq"])
    await host.send(type="audit")
    acts = (await host.expect("audit"))["acts"]
    # Each once, also where an act changes two things.
    assert [(act["act"], act["id"], act["by"]["id"]) for act in acts] == [
        ("answering", two, "host"),
        ("set_place", two, "host"),
    ]
    for kind in ("audit", "duplicates"):
        await ann.send(type=kind, question=one)
        assert (await ann.expect("error"))["code"] == "forbidden"


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"type": "poll_vote", "poll": "p9", "ballot": ["0"]}, "not_found"),
        ({"type": "poll_vote", "poll": "p9", "ballot": []}, "bad_message"),
        ({"type": "poll_vote", "poll": "p9", "ballot": [7]}, "bad_message"),
        ({"type": "draw_enter", "draw": "d9", "nonce": "x y"}, "bad_message"),
        ({"type": "draw_enter", "draw": "d9", "nonce": "x"}, "not_found"),
        ({"type": "ban", "person": "host"}, "forbidden"),
        ({"type": "announcement_show", "announcement": "a1"}, "bad_message"),
        ({"type": "drawn", "draw": "d1"}, "bad_message"),
        ({"type": "react", "reaction": "heart", "count": 1_000_000}, "bad_message"),
        ({"type": "product_add", "title": "x", "link": "javascript:alert(1)"}, "bad_message"),
        ({"type": "stage_leave"}, "not_found"),
        ({"type": "say", "text": "see www.evil.com"}, "link_blocked"),
        ({"type": "mark", "question": "q1", "answer_in": -1, "answer_out": 2**60}, "bad_message"),
        ({"type": "edit", "question": "q9" * 40, "text": "x"}, "bad_message"),
    ],
)
async def test_bad_input_changes_nothing(server: Running, message: Message, code: str) -> None:
    client, _ = await server.join(await server.session())
    await client.send(cmd="c1", **message)
    assert (await client.expect("error"))["code"] == code
    assert (await client.command("hand_raise", cmd="c2"))["seq"] == 1

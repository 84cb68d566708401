"""Joining, asking and voting over the WebSocket."""

import asyncio
import uuid

import pytest

from tests.server.harness import Running, Start


async def test_a_join_link_makes_a_person_who_can_come_back(server: Running) -> None:
    session = await server.session()
    client = await server.connect()
    first = (await client.join(session=session, token=server.token(session, "member"), name="  小  明 ")).joined
    assert first["you"]["role"] == "member"
    assert first["you"]["name"] == "小 明"
    assert first["seq"] == 0
    assert first["snapshot"]["questions"] == []
    assert first["events"] is None

    again = (await (await server.connect()).join(session=session, token=first["token"], name="other")).joined
    assert again["you"] == first["you"], "the name inside the token wins"
    assert again["token"] is None


async def test_an_open_session_needs_no_token(server: Running) -> None:
    session = await server.session(open=True)
    joined = (await (await server.connect()).join(session=session)).joined
    assert joined["you"]["role"] == "member"
    assert joined["token"] is not None


async def test_a_question_reaches_everybody_and_is_acknowledged(server: Running) -> None:
    session = await server.session()
    asker, _ = await server.join(session, person="ann")
    other, _ = await server.join(session, person="bob")
    ack = await asker.command("ask", cmd="c1", text="Does it smell?")
    for client in (asker, other):
        (event,) = await client.events_until(ack["seq"])
        assert (event["kind"], event["act"], event.get("mine")) == (
            "question",
            "ask",
            True if client is asker else None,
        )
        question = event["question"]
        assert question["id"] == ack["id"]
        assert (question["text"], question["author"]) == ("Does it smell?", {"id": "ann", "name": "Guest"})
        assert (question["votes"], question["state"], question["first"]) == (0, "queued", True)


async def test_only_the_voter_is_told_whose_vote_it_is(server: Running) -> None:
    session = await server.session()
    voter, _ = await server.join(session, person="ann")
    same_person, _ = await server.join(session, person="ann")
    other, _ = await server.join(session, person="bob")
    question = (await other.command("ask", cmd="c1", text="?!"))["id"]
    ack = await voter.command("vote", cmd="v1", question=question)
    taken_back = await voter.command("unvote", cmd="v2", question=question)

    for client in (voter, same_person):
        votes = [e for e in await client.events_until(taken_back["seq"]) if e["kind"] == "voted"]
        assert [(vote["votes"], vote["mine"]) for vote in votes] == [(1, True), (0, False)]
    votes = [e for e in await other.events_until(taken_back["seq"]) if e["kind"] == "voted"]
    # A count that a later one overrides may be left out.
    assert [vote["votes"] for vote in votes] in ([1, 0], [0])
    assert all("mine" not in vote for vote in votes)
    assert ack["id"] == question


async def test_two_tabs_of_one_person_agree(server: Running) -> None:
    session = await server.session()
    one, _ = await server.join(session, person="ann")
    question = (await one.command("ask", cmd="c1", text="Why?"))["id"]
    await one.command("vote", cmd="v1", question=question)
    two, joined = await server.join(session, person="ann")
    assert joined["snapshot"]["mine"]["votes"] == [question]
    _, stranger = await server.join(session, person="bob")
    assert stranger["snapshot"]["mine"]["votes"] == []
    await two.command("unvote", cmd="v2", question=question)
    _, joined = await server.join(session, person="ann")
    assert [q["votes"] for q in joined["snapshot"]["questions"]] == [0]
    assert joined["snapshot"]["mine"]["votes"] == []


async def test_roles(server: Running) -> None:
    session = await server.session()
    member, _ = await server.join(session)
    moderator, _ = await server.join(session, "moderator")
    question = (await member.command("ask", cmd="c1", text="Why?"))["id"]
    for message in (
        {"type": "answering", "cmd": "m1", "question": question},
        {"type": "answered", "cmd": "m2", "question": question},
    ):
        await member.send(**message)
        assert (await member.expect("error", cmd=message["cmd"]))["code"] == "forbidden"
    await moderator.send(type="publish", offer="v=0")
    assert (await moderator.expect("error"))["code"] == "forbidden"

    ack = await moderator.command("answering", cmd="m1", question=question)
    last = await moderator.command("answered", cmd="m2", question=question)
    acts = [(event["kind"], event["act"]) for event in await member.events_until(last["seq"])]
    assert acts == [
        ("question", "ask"),
        ("question", "answering"),
        ("now", "answering"),
        ("question", "answered"),
        ("now", "answered"),
    ]
    assert ack["seq"] == last["seq"] - 2


async def test_a_repeated_command_returns_the_first_result(server: Running) -> None:
    session = await server.session()
    client, _ = await server.join(session, person="ann")
    first = await client.command("ask", cmd="c1", text="Why?")
    again, _ = await server.join(session, person="ann")
    assert await again.command("ask", cmd="c1", text="Why?") == first


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"type": "vote", "question": "nothing"}, "not_found"),
        ({"type": "ask", "text": " \t "}, "text_empty"),
        ({"type": "ask", "text": "x" * 501}, "text_too_long"),
    ],
)
async def test_refusals_leave_the_socket_open(server: Running, message: dict[str, str], code: str) -> None:
    client, _ = await server.join(await server.session())
    await client.send(cmd="c1", **message)
    assert (await client.expect("error", cmd="c1"))["code"] == code
    await client.command("ask", cmd="c2", text="still here")


async def test_presence_counts_people_not_sockets(server: Running) -> None:
    session = await server.session()
    ann, first = await server.join(session, person="ann")
    assert first["present"] == 1
    _, second = await server.join(session, person="ann")
    assert second["present"] == 1
    bob, third = await server.join(session, person="bob")
    assert third["present"] == 2
    await ann.expect("presence", present=2)
    await bob.connection.close()
    await ann.expect("presence", present=1)


async def test_a_full_server_says_so(start: Start) -> None:
    server = await start(max_members=1)
    session = await server.session()
    await server.join(session)
    late = await server.connect()
    await late.send(type="join", v=1, session=session, token=server.token(session))
    assert await late.closed() == 1013
    assert late.skipped[-1]["code"] == "busy"


async def test_a_restart_loses_nothing(start: Start) -> None:
    """What was acknowledged is there after a restart, and the member is told what it missed."""
    before = await start()
    session = await before.session()
    client, _ = await before.join(session, person="ann")
    acks = [await client.command("ask", cmd=uuid.uuid4().hex, text=f"question {n}") for n in range(3)]
    await before.stop()
    after = await start()
    token = before.token(session, "member", "ann")
    _, joined = await (await after.connect()).join(session=session, token=token, last_event=acks[0]["seq"])
    assert [event["question"]["text"] for event in joined["events"]] == ["question 1", "question 2"]
    assert joined["seq"] == acks[-1]["seq"]


async def test_sockets_are_closed_with_1012_when_the_server_stops(start: Start) -> None:
    server = await start()
    client, _ = await server.join(await server.session())
    stopping = asyncio.create_task(client.closed())
    await server.stop()
    assert await stopping == 1012

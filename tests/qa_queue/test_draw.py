"""Anybody can verify a draw by what is published."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from qa_queue.draw.model import Draw, Ticket
from qa_queue.draw.tickets import commitment, digest, new_secret, verify, winning_tickets
from qa_queue.model import Actor
from qa_queue.queue import LiveQueue
from store.connection import Store

HOST = Actor("host", "Host", "host")


def entries(count: int) -> list[Ticket]:
    return [Ticket(n, f"nonce{n}", "Name") for n in range(1, count + 1)]


@given(st.integers(0, 40), st.integers(1, 50))
def test_a_result_verifies_and_no_other_does(count: int, prizes: int) -> None:
    secret, drawn = new_secret(), entries(count)
    tickets = winning_tickets(secret, digest(drawn), count, prizes)
    assert len(set(tickets)) == len(tickets) == min(count, prizes)
    assert set(tickets) <= set(range(1, count + 1))
    assert verify(commitment(secret), secret, drawn, prizes, tickets)
    assert not verify(commitment(new_secret()), secret, drawn, prizes, tickets)
    assert not verify(commitment(secret), secret, drawn, prizes, [*tickets, count + 1])
    if count > 1:
        assert not verify(commitment(secret), secret, drawn[1:], prizes, tickets)


def test_every_ticket_is_as_likely() -> None:
    wins = Counter(winning_tickets(f"{n:064x}", digest(entries(4)), 4, 1)[0] for n in range(4000))
    assert all(900 < wins[ticket] < 1100 for ticket in range(1, 5))


async def test_the_secret_is_nowhere_before_it_is_drawn(store: Store, session: str) -> None:
    queue = LiveQueue(store)
    draw = (await queue.run(session, HOST, "h1", "draw_open", title="Win", prizes=2)).id
    assert draw is not None
    for n in range(3):
        await queue.run(session, Actor(f"p{n}", f"P{n}"), "c1", "draw_enter", draw=draw, nonce=f"n{n}")
        await queue.run(session, Actor(f"p{n}", f"P{n}"), "c2", "draw_enter", draw=draw, nonce="other")
    before = (await queue.snapshot(session)).get(Draw, draw)
    assert before is not None
    assert before.secret is None
    await queue.run(session, HOST, "h2", "draw_close", draw=draw)
    await queue.finish_draw(session, draw)
    state = await queue.snapshot(session)
    after = state.get(Draw, draw)
    assert after is not None
    assert after.secret is not None
    published = list(state.facts[f"d/{draw}"].values())
    assert [entry.nonce for entry in sorted(published, key=lambda entry: entry.ticket)] == ["n0", "n1", "n2"]
    assert verify(before.commitment, after.secret, published, 2, after.tickets)
    assert [winner.id for winner in after.winners] == [f"p{ticket - 1}" for ticket in after.tickets]
    log = " ".join(str(event) for event in await queue.events(session, 0, 5))
    assert after.secret not in log

"""The answers by which the page's own writing is tested are those of the server."""

from media.node import MediaNode
from tests.media.make_answers import OFFERS, WRITTEN, text
from tests.media.synthetic import synthetic_answer


def test_the_pages_tests_know_todays_answers() -> None:
    assert WRITTEN.read_text() == text(), "run python -m tests.media.make_answers"


async def test_a_ticket_promises_what_the_server_answers(node: MediaNode) -> None:
    for path in sorted(OFFERS.glob("*.sdp")):
        offer, ticket = path.read_bytes().decode(), node.ticket("r")
        receiving = await node.receive(
            "r", offer=offer, ticket=ticket.ufrag, on_slots=lambda slots: None, on_closed=lambda reason: None
        )
        assert synthetic_answer(offer, ticket) == receiving.answer, path.stem
        receiving.end()

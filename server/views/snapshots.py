"""The whole state as one person sees it."""

from qa_queue.chat.model import Announcement, ChatMessage
from qa_queue.draw.model import Draw
from qa_queue.moderation.model import Block, Member
from qa_queue.polls.model import Poll, Trial
from qa_queue.products.model import Product
from qa_queue.questions.model import Question, Reply
from qa_queue.stage.model import Hand
from qa_queue.state import State
from server.views import entities as view
from signaling import entities as wire

CHAT_LINES = 100


def snapshot(state: State, person: str, order: list[str], *, staff: bool) -> wire.Snapshot:
    """The state for a person; `order`: ids of the queued questions."""
    return wire.Snapshot(
        settings=view.settings(state.settings),
        now=view.now(state.now),
        questions=[
            view.question(question, state, full=staff or question.author.id == person)
            for question in state.all(Question)
            if staff or question.author.id == person or view.is_public(question)
        ],
        replies=[view.reply(reply, full=staff) for reply in state.all(Reply) if staff or not reply.deleted],
        polls=[_poll(poll, state, person, staff) for poll in state.all(Poll) if _sees_poll(poll, staff)],
        reactions=dict(state.counts.get("reactions", {})),  # type: ignore[arg-type]  # known names alone
        hands=[hand for of in sorted(state.all(Hand), key=_by_time) if (hand := view.hand(of))],
        chat=[view.chat(line, full=staff) for line in list(state.all(ChatMessage))[-CHAT_LINES:]],
        announcements=[
            view.announcement(of, full=staff)
            for of in state.all(Announcement)
            if staff or (of.state == "shown" and not of.deleted)
        ],
        products=[view.product(of, state, full=staff) for of in state.all(Product) if staff or not of.deleted],
        draws=[view.draw(draw, state) for draw in state.all(Draw)],
        trials=[view.trial(trial, full=staff) for trial in state.all(Trial) if staff or not trial.deleted],
        mine=_mine(state, person),
        members=[view.member(member) for member in state.all(Member)] if staff else [],
        blocks=[block for of in state.all(Block) if (block := view.block(of))] if staff else [],
        order=order,
    )


def _mine(state: State, person: str) -> wire.Mine:
    return wire.Mine(
        asked=[question.id for question in state.all(Question) if question.author.id == person],
        votes=[question.id for question in state.all(Question) if person in state.facts.get(f"v/{question.id}", {})],
        ballots={poll.id: ballot for poll in state.all(Poll) if (ballot := state.fact(f"b/{poll.id}", person))},
        samples=[product.id for product in state.all(Product) if state.fact(f"s/{product.id}", person)],
        tickets={draw.id: entry.ticket for draw in state.all(Draw) if (entry := state.fact(f"d/{draw.id}", person))},
        member=view.me(state, person),
    )


def _sees_poll(poll: Poll, staff: bool) -> bool:
    return staff or (poll.state != "draft" and not poll.deleted)


def _poll(poll: Poll, state: State, person: str, staff: bool) -> wire.Poll:
    voted = state.fact(f"b/{poll.id}", person) is not None
    tally = staff or (view.shows_tally_to_voters(poll) if voted else view.shows_tally(poll))
    return view.poll(poll, state, full=staff, tally=tally)


def _by_time(hand: Hand) -> int:
    return hand.at

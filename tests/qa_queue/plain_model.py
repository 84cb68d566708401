"""The queue by the words of the protocol, in the plainest way: what random commands are held against."""

from dataclasses import dataclass, field
from typing import Any

from qa_queue.model import Actor
from qa_queue.queue import Ack

Outcome = Ack | str
RANKS = {"member": 1, "moderator": 2, "host": 3}
STAFF = frozenset(
    [
        "approve",
        "decline",
        "set_labels",
        "set_place",
        "write_reply",
        "merge",
        "unmerge",
        "answering",
        "answered",
        "next_up",
        "mark",
        "configure",
        "mute",
        "unmute",
        "ban",
        "unban",
        "block_add",
        "block_remove",
        "delete",
        "undelete",
        "poll_make",
        "poll_open",
        "poll_close",
        "trial_add",
        "hand_invite",
        "announce",
        "announcement_pin",
        "announcement_withdraw",
        "product_add",
        "product_pin",
        "draw_open",
        "draw_close",
        "draw_cancel",
    ]
)
SPEECH = frozenset(["ask", "edit", "say", "hand_raise", "stage_enter"])
PREFIX_KINDS = {"q": "question", "r": "reply", "c": "chat"}


class Refused(Exception):
    """`kept`: whether it is the result of this command id for good."""

    def __init__(self, code: str, *, kept: bool = True) -> None:
        self.code, self.kept = code, kept


@dataclass
class Model:
    people: dict[str, Actor]
    seq: int = 0
    results: dict[tuple[str, str], Outcome] = field(default_factory=dict)
    acts: list[tuple[str, str, str]] = field(default_factory=list)
    things: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    votes: dict[str, dict[str, str]] = field(default_factory=dict)
    ballots: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    interest: set[tuple[str, str, str]] = field(default_factory=set)
    entries: dict[str, list[str]] = field(default_factory=dict)
    rules: dict[str, Any] = field(default_factory=lambda: {"premoderation": False, "asking": True, "anonymous": True})
    now: dict[str, Any] = field(default_factory=lambda: {"question": None, "next": None})
    asked: set[str] = field(default_factory=set)

    def run(self, who: Actor, cmd: str, name: str, args: dict[str, Any]) -> Outcome:
        key = (who.id, cmd)
        if key not in self.results:
            self.who, self.name = who, name
            try:
                self.rank = self._admit()
                id = getattr(self, name)(**args)
                self.results[key] = Ack(self.seq, id)
            except Refused as refusal:
                if not refusal.kept:
                    return refusal.code
                self.results[key] = refusal.code
        return self.results[key]

    # Who may

    def _admit(self) -> int:
        mine = [record for record in self._all("member") if record["person"] == self.who.id]
        role = next((record["role"] for record in reversed(mine) if record["role"]), self.who.role)
        if any(record["banned"] for record in mine) and role != "host":
            raise Refused("banned", kept=False)
        needed = 3 if self.name == "set_role" else 2 if self.name in STAFF else 1
        if RANKS[role] < needed:
            raise Refused("forbidden")
        self.muted = any(record["muted"] for record in mine)
        self.role = role
        if self.name in SPEECH and self.muted:
            raise Refused("muted", kept=False)
        return RANKS[role]

    # Questions

    def ask(self, text: str, anonymous: bool = False, **_: Any) -> str:
        if self.rank < 2 and not self.rules["asking"]:
            raise Refused("closed", kept=False)
        if anonymous and not self.rules["anonymous"]:
            raise Refused("forbidden", kept=False)
        self._screen(text)
        waits = self.rules["premoderation"] and self.rank < 2
        id = self._new("q", "question", text=text, author=self.who.id, anonymous=anonymous)
        self._get("question", id)["state"] = "received" if waits else "queued"
        self._get("question", id)["first"] = self.who.id not in self.asked
        self.asked.add(self.who.id)
        self.votes[id] = {}
        return id

    def edit(self, question: str, text: str) -> str:
        q = self._own(question)
        if q["state"] not in ("received", "queued"):
            raise Refused("wrong_state")
        self._screen(text)
        if q["text"] == text:
            return question
        q["text"] = text
        if self.rules["premoderation"] and self.rank < 2:
            q["state"] = "received"
        return self._changed("question", question)

    def withdraw(self, question: str) -> str:
        q = self._own(question)
        return self._to("withdrawn", q, question, {"received", "queued"})

    def vote(self, question: str) -> str:
        self._open(question)
        if self.who.id not in self.votes[question]:
            self.votes[question][self.who.id] = "1"
            self._event("voted")
        return question

    def unvote(self, question: str) -> str:
        self._open(question)
        if self.votes[question].pop(self.who.id, None):
            self._event("voted")
        return question

    def approve(self, question: str) -> str:
        return self._to("queued", self._there("question", question), question, {"received", "declined"})

    def decline(self, question: str, reason: str) -> str:
        q = self._there("question", question)
        if q["state"] not in ("received", "queued"):
            raise Refused("wrong_state")
        q["state"] = "declined"
        return self._changed("question", question)

    def set_labels(self, question: str, labels: list[str]) -> str:
        self._there("question", question)["labels"] = labels
        return self._changed("question", question)

    def set_place(self, question: str, place: int | None) -> str:
        q = self._there("question", question)
        if q["state"] != "queued":
            raise Refused("wrong_state")
        if q.get("place") == place:
            return question
        q["place"] = place
        return self._changed("question", question)

    def write_reply(self, question: str, text: str) -> str:
        self._there("question", question)
        return self._new("r", "reply", author=self.who.id, text=text)

    def merge(self, question: str, into: str) -> str:
        self._open(into)
        q = self._there("question", question)
        if question == into or q["state"] not in ("queued", "received"):
            raise Refused("wrong_state")
        q.update(was=q["state"], state="merged", into=into)
        for person in self.votes[question]:
            self.votes[into].setdefault(person, question)
        self._event("merged")
        return into

    def unmerge(self, question: str) -> str:
        q = self._there("question", question)
        if q["state"] != "merged" or self._get("question", q["into"])["state"] == "merged":
            raise Refused("wrong_state")
        votes = self.votes[q["into"]]
        self.votes[q["into"]] = {person: origin for person, origin in votes.items() if origin != question}
        q["state"] = q["was"]
        self._event("merged")
        return question

    def answering(self, question: str | None) -> str | None:
        if question is not None:
            self._open(question)
        if question == self.now["question"]:
            return question
        if self.now["question"] is not None:
            self._get("question", self.now["question"])["state"] = "queued"
            self._event("question")
        if question is not None:
            self._get("question", question)["state"] = "answering"
            self._event("question")
        self.now = {"question": question, "next": None if self.now["next"] == question else self.now["next"]}
        self._event("now")
        return question

    def answered(self, question: str) -> str:
        q = self._there("question", question)
        self._to("answered", q, question, {"queued", "answering"})
        if self.now["question"] == question:
            self.now["question"] = None
            self._event("now")
        return question

    def next_up(self, question: str | None) -> str | None:
        if question is not None:
            self._open(question)
        if self.now["next"] != question:
            self.now["next"] = question
            self._event("now")
        return question

    def mark(self, question: str, answer_in: int, answer_out: int) -> str:
        q = self._there("question", question)
        if q["state"] != "answered":
            raise Refused("wrong_state")
        if answer_out < answer_in:
            raise Refused("bad_choice")
        return self._changed("question", question)

    # Moderation

    def configure(self, **changes: Any) -> None:
        if any(self.rules[name] != value for name, value in changes.items()):
            self.rules.update(changes)
            self._event("settings")

    def mute(self, for_s: int | None, **whom: str) -> str:
        record = self._record(**whom)
        record["muted"] = True
        return self._decided(record, off_stage=True)

    def unmute(self, **whom: str) -> str:
        record = self._record(**whom)
        return self._decided(record, muted=False)

    def ban(self, **whom: str) -> str:
        record = self._record(**whom)
        return self._decided(record, off_stage=True, banned=True)

    def unban(self, **whom: str) -> str:
        return self._decided(self._record(**whom), banned=False)

    def set_role(self, person: str, role: str | None) -> str:
        if role == "host":
            raise Refused("forbidden")
        return self._decided(self._record(person=person), role=role)

    def block_add(self, text: str, link: bool) -> str:
        for id, block in self.things.get("block", {}).items():
            if block["text"] == text and not block["removed"]:
                return id
        return self._new("b", "block", text=text, removed=False)

    def block_remove(self, block: str) -> str:
        found = self.things.get("block", {}).get(block)
        if found is None:
            raise Refused("not_found")
        if found["removed"]:
            return block
        found["removed"] = True
        return self._changed("block", block)

    def delete(self, kind: str, id: str) -> str:
        return self._hide(kind, id, True)

    def undelete(self, kind: str, id: str) -> str:
        return self._hide(kind, id, False)

    # Polls

    def poll_make(self, kind: str, options: list[str], correct: int | None, **_: Any) -> str:
        chooses = kind in ("single", "multiple", "ranking", "quiz")
        fits = (len(options) >= 2) == chooses and (chooses or not options) and (kind == "quiz") == (correct is not None)
        if not fits or (correct is not None and correct >= len(options)):
            raise Refused("bad_choice")
        return self._new("p", "poll", kind=kind, options=options, state="draft")

    def poll_open(self, poll: str) -> str:
        p = self._there("poll", poll)
        if p["state"] == "open":
            raise Refused("wrong_state")
        p["state"] = "open"
        return self._changed("poll", poll)

    def poll_close(self, poll: str) -> str:
        p = self.things.get("poll", {}).get(poll)
        if p is None:
            raise Refused("not_found")
        return self._to("closed", p, poll, {"open"}, kind="poll")

    def poll_vote(self, poll: str, ballot: list[str]) -> str:
        p = self._there("poll", poll)
        if p["state"] == "draft":
            raise Refused("not_found")
        if p["state"] != "open":
            raise Refused("closed", kept=False)
        if self.points(p, ballot) is None:
            raise Refused("bad_choice")
        if p["kind"] in ("words", "open"):
            if self.muted:
                raise Refused("muted", kept=False)
            self._screen(*ballot)
        of = self.ballots.setdefault(poll, {})
        if of.get(self.who.id) != ballot:
            of[self.who.id] = ballot
            self._event("tally")
        return poll

    def points(self, poll: dict[str, Any], ballot: list[str]) -> dict[str, int] | None:
        kind, ids = poll["kind"], [str(n) for n in range(len(poll["options"]))]
        if kind == "rating":
            return {ballot[0]: 1} if len(ballot) == 1 and ballot[0] in {"1", "2", "3", "4", "5"} else None
        if kind in ("words", "open"):
            return dict.fromkeys(ballot, 1) if len(ballot) <= (3 if kind == "words" else 1) else None
        if len(set(ballot)) != len(ballot) or not set(ballot) <= set(ids):
            return None
        if kind == "ranking":
            return {id: len(ids) - 1 - n for n, id in enumerate(ballot)} if len(ballot) == len(ids) else None
        return dict.fromkeys(ballot, 1) if kind == "multiple" or len(ballot) == 1 else None

    def tally(self, poll: str) -> dict[str, int]:
        counts: dict[str, int] = {}
        for ballot in self.ballots.get(poll, {}).values():
            for key, value in (self.points(self._get("poll", poll), ballot) or {}).items():
                counts[key] = counts.get(key, 0) + value
        return {key: value for key, value in counts.items() if value}

    def trial_add(self, text: str | None, poll: str | None) -> str:
        if poll is not None:
            p = self._there("poll", poll)
            if p["state"] != "closed":
                raise Refused("wrong_state")
            if text is None and p["options"]:
                counts = self.tally(poll)
                text = max(enumerate(p["options"]), key=lambda item: counts.get(str(item[0]), 0))[1]
        if text is None:
            raise Refused("bad_choice")
        return self._new("n", "trial", text=text)

    # Stage

    def hand_raise(self, voice_only: bool = False) -> str:
        if self._hand(self.who.id) == "down":
            self._move(self.who.id, "raised")
        return self.who.id

    def hand_lower(self, person: str | None) -> str:
        person = self._hand_of(person)
        if self._hand(person) == "stage":
            raise Refused("wrong_state")
        return self._move(person, "down")

    def hand_invite(self, person: str) -> str:
        if person not in self.people:
            raise Refused("not_found")
        if self._hand(person) == "stage":
            raise Refused("wrong_state")
        return person if self._hand(person) == "invited" else self._move(person, "invited")

    def stage_enter(self, voice_only: bool = False) -> str:
        state = self._hand(self.who.id)
        if state == "stage":
            return self.who.id
        if self.rank < 2 and state != "invited":
            raise Refused("not_invited", kept=False)
        if sum(hand["state"] == "stage" for hand in self._all("hand")) >= 1:
            raise Refused("stage_full", kept=False)
        self._move(self.who.id, "stage")
        self.things["hand"][self.who.id]["muted"] = False
        return self.who.id

    def stage_leave(self, person: str | None) -> str:
        return self._move(self._on_stage(person), "down")

    def stage_mute(self, person: str | None, muted: bool) -> str:
        if person is not None and person != self.who.id and not muted:
            raise Refused("forbidden")
        person = self._on_stage(person)
        if self.things["hand"][person]["muted"] == muted:
            return person
        self.things["hand"][person]["muted"] = muted
        return self._changed("hand", person)

    # Chat, announcements, products, draws

    def say(self, text: str) -> str:
        self._screen(text)
        return self._new("c", "chat", text=text, author=self.who.id)

    def announce(self, text: str, pinned: bool = False) -> str:
        return self._new("a", "announcement", state="shown", pinned=pinned)

    def announcement_pin(self, announcement: str, pinned: bool) -> str:
        a = self._there("announcement", announcement)
        if a["pinned"] == pinned:
            return announcement
        a["pinned"] = pinned
        return self._changed("announcement", announcement)

    def announcement_withdraw(self, announcement: str) -> str:
        a = self._there("announcement", announcement)
        if a["state"] == "withdrawn":
            return announcement
        a.update(state="withdrawn", pinned=False)
        return self._changed("announcement", announcement)

    def product_add(self, title: str) -> str:
        return self._new("k", "product", pinned=False)

    def product_pin(self, product: str | None) -> str | None:
        p = None if product is None else self._there("product", product)
        if p is not None and p["pinned"]:
            return product
        for other in self._all("product"):
            if other["pinned"]:
                other["pinned"] = False
                self._event("product")
        if p is not None:
            p["pinned"] = True
            self._event("product")
        return product

    def product_click(self, product: str) -> str:
        return self._interested("click", product)

    def product_sample(self, product: str) -> str:
        return self._interested("sample", product)

    def draw_open(self, title: str, prizes: int) -> str:
        id = self._new("d", "draw", state="open", prizes=prizes)
        self.entries[id] = []
        return id

    def draw_enter(self, draw: str, nonce: str) -> str:
        if self._draw(draw)["state"] != "open":
            raise Refused("closed")
        if self.who.id not in self.entries[draw]:
            self.entries[draw].append(self.who.id)
            self._event("entered")
        return draw

    def draw_close(self, draw: str) -> str:
        return self._end_draw(draw, "closed")

    def draw_cancel(self, draw: str) -> str:
        return self._end_draw(draw, "cancelled")

    # Steps

    def _event(self, kind: str) -> None:
        self.seq += 1
        self.acts.append((kind, self.name, self.who.id))

    def _new(self, prefix: str, kind: str, /, **fields: Any) -> str:
        id = f"{prefix}{self.seq + 1}"
        self.things.setdefault(kind, {})[id] = {"deleted": False, **fields}
        self._event(kind)
        return id

    def _changed(self, kind: str, id: str) -> str:
        self._event(kind)
        return id

    def _all(self, kind: str) -> list[dict[str, Any]]:
        return list(self.things.get(kind, {}).values())

    def _get(self, kind: str, id: str) -> dict[str, Any]:
        return self.things[kind][id]

    def _there(self, kind: str, id: str) -> dict[str, Any]:
        thing = self.things.get(kind, {}).get(id)
        if thing is None or thing["deleted"]:
            raise Refused("not_found")
        return thing

    def _open(self, question: str) -> None:
        state = self._there("question", question)["state"]
        if state == "received":
            raise Refused("wrong_state" if self.rank >= 2 else "not_found")
        if state not in ("queued", "answering"):
            raise Refused("closed")

    def _own(self, question: str) -> dict[str, Any]:
        q = self._there("question", question)
        if q["author"] != self.who.id:
            raise Refused("forbidden")
        return q

    def _to(self, state: str, thing: dict[str, Any], id: str, before: set[str], kind: str = "question") -> str:
        if thing["state"] == state:
            return id
        if thing["state"] not in before:
            raise Refused("wrong_state")
        thing["state"] = state
        return self._changed(kind, id)

    def _screen(self, *texts: str) -> None:
        blocked = [block["text"] for block in self._all("block") if not block["removed"]]
        if self.rank < 2 and any(word in text for word in blocked for text in texts):
            raise Refused("text_blocked")

    def _record(self, person: str | None = None, of: str | None = None) -> dict[str, Any]:
        key = person
        if of is not None:
            written = self.things.get(PREFIX_KINDS.get(of[0], ""), {}).get(of)
            if written is None:
                raise Refused("not_found")
            person = written["author"]
            key = f"via:{of}" if written.get("anonymous") else person
        if person not in self.people:
            raise Refused("not_found")
        if person == self.who.id or self.people[person].role == "host":
            raise Refused("forbidden")
        fresh = {"id": key, "person": person, "muted": False, "banned": False, "role": None}
        return dict(self.things.get("member", {}).get(key or "", fresh))

    def _decided(self, record: dict[str, Any], *, off_stage: bool = False, **changes: Any) -> str:
        known = self.things.get("member", {}).get(record["id"])
        if changes and all(record[name] == value for name, value in changes.items()):
            return str(record["id"])
        record.update(changes)
        self.things.setdefault("member", {})[record["id"]] = record
        self._event("member")
        assert known is None or known["id"] == record["id"]
        if off_stage and record["id"] == record["person"] and self._hand(record["person"]) != "down":
            self._move(record["person"], "down")
        return str(record["id"])

    def _hide(self, kind: str, id: str, to: bool) -> str:
        thing = self.things.get(kind, {}).get(id)
        if thing is None:
            raise Refused("not_found")
        if thing["deleted"] == to:
            return id
        if kind == "question" and thing["state"] == "answering":
            raise Refused("wrong_state")
        thing["deleted"] = to
        self.name = "delete" if to else "undelete"
        return self._changed(kind, id)

    def _hand(self, person: str) -> str:
        return str(self.things.get("hand", {}).get(person, {"state": "down"})["state"])

    def _move(self, person: str, state: str) -> str:
        hand = self.things.setdefault("hand", {}).setdefault(person, {"state": "down", "muted": False})
        if hand["state"] == "down":
            hand["muted"] = False
        hand["state"] = state
        return self._changed("hand", person)

    def _hand_of(self, person: str | None) -> str:
        if person is not None and person != self.who.id and self.rank < 2:
            raise Refused("forbidden")
        person = person or self.who.id
        if self._hand(person) == "down":
            raise Refused("not_found")
        return person

    def _on_stage(self, person: str | None) -> str:
        person = self._hand_of(person)
        if self._hand(person) != "stage":
            raise Refused("wrong_state")
        return person

    def _interested(self, how: str, product: str) -> str:
        self._there("product", product)
        if (how, product, self.who.id) not in self.interest:
            self.interest.add((how, product, self.who.id))
            self._event("clicked")
        return product

    def _draw(self, draw: str) -> dict[str, Any]:
        if draw not in self.things.get("draw", {}):
            raise Refused("not_found")
        return self._get("draw", draw)

    def _end_draw(self, draw: str, state: str) -> str:
        d = self._draw(draw)
        if d["state"] != "open":
            raise Refused("wrong_state")
        d["state"] = state
        return self._changed("draw", draw)

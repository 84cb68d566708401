import { describe, expect, it } from "vitest";
import type { Event } from "../src/client/protocol";
import { CHAT_KEPT } from "../src/client/reducers";
import { applyEvents, applyOrder, EMPTY_STATE, fromSnapshot } from "../src/client/state";
import { events, head, question, snapshot } from "./support";

const two = fromSnapshot(snapshot({ questions: [question("a", { votes: 2 }), question("b")] }), 10);
const after = (from: typeof two, ...list: Event[]) => applyEvents(from, events(from.seq, ...list)).state;

const poll = {
  id: "p",
  kind: "words" as const,
  text: "How was it?",
  options: [],
  max_choices: 1,
  stars: 5,
  results: "live" as const,
  state: "open" as const,
  deadline: null,
  opened_at: 1,
  correct: null,
  total: 0,
  tally: { total: 0, counts: {} },
  deleted: false,
};

describe("session state", () => {
  it("is what the snapshot says, at its position", () => {
    expect(two.seq).toBe(10);
    expect([...two.questions.keys()]).toEqual(["a", "b"]);
  });

  it("puts an entity in the place of the one with the same id, and knows one's own", () => {
    const state = after(two, { kind: "question", ...head(11), question: question("a", { text: "New" }) });
    expect([state.questions.get("a")?.text, state.questions.size, state.seq]).toEqual(["New", 2, 11]);
    const mine = after(state, { kind: "question", ...head(12), question: question("c"), mine: true });
    expect([...mine.mine.asked]).toEqual(["c"]);
  });

  it("takes the count of a vote, and one's own from one's own only", () => {
    const others = after(two, { kind: "voted", ...head(11), question: "a", votes: 3 });
    expect([others.questions.get("a")?.votes, others.mine.votes]).toEqual([3, []]);
    const mine = after(others, { kind: "voted", ...head(12), question: "a", votes: 4, mine: true });
    const again = after(mine, { kind: "voted", ...head(13), question: "a", votes: 5 });
    expect([again.questions.get("a")?.votes, again.mine.votes]).toEqual([5, ["a"]]);
    expect(after(again, { kind: "voted", ...head(14), question: "a", votes: 4, mine: false }).mine.votes).toEqual([]);
  });

  it("gives the votes of a duplicate to the question that it is merged into", () => {
    const merged = question("b", { state: "merged", merged_into: "a" });
    const state = after(two, { kind: "merged", ...head(11), question: merged, into: "a", votes: 7, mine: true });
    expect([state.questions.get("a")?.votes, state.questions.get("b")?.state, state.mine.votes]).toEqual([7, "merged", ["a"]]);
  });

  it("counts ballots by their changes, and drops words that nobody says any more", () => {
    const open = after(two, { kind: "poll", ...head(11), poll });
    const said = after(open, { kind: "tally", ...head(12), poll: "p", total: 1, counts: { soft: 1 }, mine: ["soft"] });
    expect([said.polls.get("p")?.tally?.counts, said.mine.ballots["p"]]).toEqual([{ soft: 1 }, ["soft"]]);
    const changed = after(said, { kind: "tally", ...head(13), poll: "p", total: 1, counts: { soft: 0, warm: 1 } });
    expect([changed.polls.get("p")?.tally?.counts, changed.mine.ballots["p"]]).toEqual([{ warm: 1 }, ["soft"]]);
    const secret = after(open, { kind: "tally", ...head(12), poll: "p", total: 4 });
    expect(secret.polls.get("p")).toMatchObject({ total: 4, tally: poll.tally });
  });

  it("forgets a hand that is lowered", () => {
    const hand = { id: "p1", name: "Ada", state: "raised" as const, at: 1, voice_only: false, muted: false };
    const raised = after(two, { kind: "hand", ...head(11), person: "p1", hand });
    expect(raised.hands.get("p1")).toEqual(hand);
    expect(after(raised, { kind: "hand", ...head(12), person: "p1", hand: null }).hands.size).toBe(0);
  });

  it("keeps the newest lines of the chat", () => {
    const line = (seq: number): Event => ({
      kind: "chat",
      ...head(seq),
      message: { id: `m${seq}`, author: { id: "p", name: "P" }, role: "member", text: "", at: seq, deleted: false },
    });
    const lines = Array.from({ length: CHAT_KEPT + 5 }, (_, i) => line(11 + i));
    const { chat } = after(two, ...lines);
    expect([chat.size, chat.has("m15"), chat.has("m16")]).toEqual([CHAT_KEPT, false, true]);
  });

  it("counts events of a newer server and of unknown questions without changing anything", () => {
    const list = [{ kind: "future" as const, seq: 11, at: 1 }, { kind: "voted" as const, ...head(12), question: "nowhere", votes: 9 }];
    const { state } = applyEvents(two, { after: 10, seq: 12, events: list });
    expect(state).toEqual({ ...two, seq: 12 });
  });

  it("does not change the state it was given", () => {
    const before = structuredClone([...two.questions.values()]);
    after(two, { kind: "voted", ...head(11), question: "a", votes: 99, mine: true });
    expect([...two.questions.values()]).toEqual(before);
  });

  it("takes the order apart from the log", () => {
    expect(applyOrder(two, { type: "order", order: "fair", questions: ["b", "a"] })).toEqual({ ...two, order: ["b", "a"] });
  });
});

describe("order of events", () => {
  const asked = (seq: number): Event => ({ kind: "question", ...head(seq), question: question(`q${seq}`) });

  it("skips what is known already", () => {
    const { state, gap } = applyEvents(two, events(8, asked(9), asked(10), asked(11)));
    expect([gap, state.seq, state.questions.has("q9"), state.questions.has("q11")]).toEqual([false, 11, false, true]);
    expect(applyEvents(state, events(8, asked(9)))).toEqual({ state, gap: false });
  });

  it("applies nothing when something before it is missing", () => {
    expect(applyEvents(two, events(11, asked(12)))).toEqual({ state: two, gap: true });
  });

  it("moves to where the message says, also when what it covers is not shown to this person", () => {
    expect(applyEvents(two, { after: 10, seq: 15, events: [] }).state.seq).toBe(15);
  });

  it("gives the same state however the events are cut into messages", () => {
    const list = [1, 2, 3, 4, 5].map(asked);
    const whole = applyEvents(EMPTY_STATE, events(0, ...list)).state;
    for (let cut = 0; cut <= list.length; cut++) {
      const first = applyEvents(EMPTY_STATE, events(0, ...list.slice(0, cut))).state;
      expect(applyEvents(first, events(first.seq, ...list.slice(cut))).state).toEqual(whole);
    }
  });
});

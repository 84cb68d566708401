import { describe, expect, it } from "vitest";
import type { SessionEvent } from "../src/client/decode";
import { applyEvents, EMPTY_STATE, fromSnapshot } from "../src/client/state";
import { question } from "./support";

const two = fromSnapshot({ questions: [question("a", { votes: 2 }), question("b")], answering: null }, 10);
const stateOf = (events: SessionEvent[], from = two) => applyEvents(from, events).state;
const one = (id: string, state: ReturnType<typeof stateOf>) => state.questions.get(id);

describe("session state", () => {
  it("is what the snapshot says, at its position", () => {
    expect(two.seq).toBe(10);
    expect([...two.questions.keys()]).toEqual(["a", "b"]);
  });

  it("adds a question that is asked", () => {
    const state = stateOf([{ kind: "asked", seq: 11, at: 1, question: question("c") }]);
    expect(one("c", state)?.text).toBe("Text of c");
    expect(state.seq).toBe(11);
  });

  it("takes the count of a vote, and `voted` from one's own only", () => {
    const others = stateOf([{ kind: "voted", seq: 11, at: 1, question: "a", votes: 3 }]);
    expect(one("a", others)).toMatchObject({ votes: 3, voted: false });
    const mine = stateOf([{ kind: "voted", seq: 12, at: 1, question: "a", votes: 4, mine: true }], others);
    expect(one("a", mine)).toMatchObject({ votes: 4, voted: true });
    const othersAgain = stateOf([{ kind: "voted", seq: 13, at: 1, question: "a", votes: 3 }], mine);
    expect(one("a", othersAgain)).toMatchObject({ votes: 3, voted: true });
  });

  it("moves the pointer and puts the question that is left back into the queue", () => {
    const first = stateOf([{ kind: "answering", seq: 11, at: 1, question: "a" }]);
    expect(first.answering).toBe("a");
    expect(one("a", first)?.state).toBe("answering");
    const second = stateOf([{ kind: "answering", seq: 12, at: 1, question: "b" }], first);
    expect([one("a", second)?.state, one("b", second)?.state]).toEqual(["queued", "answering"]);
    const none = stateOf([{ kind: "answering", seq: 13, at: 1, question: null }], second);
    expect([none.answering, one("b", none)?.state]).toEqual([null, "queued"]);
  });

  it("clears the pointer when the question it stands on is answered, and only then", () => {
    const answering = stateOf([{ kind: "answering", seq: 11, at: 1, question: "a" }]);
    const other = stateOf([{ kind: "answered", seq: 12, at: 1, question: "b" }], answering);
    expect([other.answering, one("b", other)?.state]).toEqual(["a", "answered"]);
    const same = stateOf([{ kind: "answered", seq: 13, at: 1, question: "a" }], other);
    expect([same.answering, one("a", same)?.state]).toEqual([null, "answered"]);
    const next = stateOf([{ kind: "answering", seq: 14, at: 1, question: "b" }], same);
    expect(one("a", next)?.state).toBe("answered");
  });

  it("counts events of a newer server and of unknown questions without changing anything", () => {
    const state = stateOf([
      { kind: "future", seq: 11, at: 1 },
      { kind: "voted", seq: 12, at: 1, question: "nowhere", votes: 9 },
    ]);
    expect(state.seq).toBe(12);
    expect(state.questions).toEqual(two.questions);
  });

  it("does not change the state it was given", () => {
    const before = structuredClone([...two.questions.values()]);
    stateOf([{ kind: "voted", seq: 11, at: 1, question: "a", votes: 99, mine: true }]);
    expect([...two.questions.values()]).toEqual(before);
  });
});

describe("order of events", () => {
  const asked = (seq: number): SessionEvent => ({ kind: "asked", seq, at: 1, question: question(`q${seq}`) });

  it("skips what is known already", () => {
    const { state, gap } = applyEvents(two, [asked(9), asked(10), asked(11)]);
    expect([gap, state.seq, state.questions.has("q9"), state.questions.has("q11")]).toEqual([false, 11, false, true]);
  });

  it("stops at a gap and keeps what came before it", () => {
    const { state, gap } = applyEvents(two, [asked(11), asked(13), asked(12)]);
    expect([gap, state.seq, state.questions.has("q11"), state.questions.has("q13")]).toEqual([true, 11, true, false]);
  });

  it("gives the same state however the events are cut into messages", () => {
    const events = [1, 2, 3, 4, 5].map(asked);
    const whole = applyEvents(EMPTY_STATE, events).state;
    for (let cut = 0; cut <= events.length; cut++) {
      const first = applyEvents(EMPTY_STATE, events.slice(0, cut)).state;
      expect(applyEvents(first, events.slice(cut)).state).toEqual(whole);
    }
  });
});

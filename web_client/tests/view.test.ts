import { describe, expect, it } from "vitest";
import { fromSnapshot } from "../src/client/state";
import { viewOf } from "../src/client/view";
import { question, vote } from "./support";

describe("view", () => {
  const state = fromSnapshot(
    {
      questions: [
        question("late", { votes: 1, asked_at: 30 }),
        question("early", { votes: 1, asked_at: 10 }),
        question("twin", { votes: 1, asked_at: 10 }),
        question("top", { votes: 7, asked_at: 40 }),
        question("now", { votes: 2, state: "answering" }),
        question("done", { votes: 9, state: "answered" }),
      ],
      answering: "now",
    },
    1,
  );
  const ids = (questions: readonly { id: string }[]) => questions.map((q) => q.id);

  it("orders by votes, then by age, then by id, whatever the order of arrival", () => {
    expect(ids(viewOf(state, []).queued)).toEqual(["top", "early", "twin", "late"]);
    const reversed = { ...state, questions: new Map([...state.questions].reverse()) };
    expect(viewOf(reversed, [])).toEqual(viewOf(state, []));
  });

  it("shows every question in exactly one place", () => {
    const { queued, answering, answered } = viewOf(state, []);
    expect([...ids(queued), answering?.id, ...ids(answered)].sort()).toEqual([...state.questions.keys()].sort());
  });

  it("orders by one's own vote at once, and ignores votes on what is not there", () => {
    expect(ids(viewOf(state, [vote("c", "late"), vote("d", "nowhere")]).queued)).toEqual(["top", "late", "early", "twin"]);
  });

  it("never shows less than no votes", () => {
    const odd = fromSnapshot({ questions: [question("a", { votes: 0, voted: true })], answering: null }, 1);
    expect(viewOf(odd, [{ type: "unvote", cmd: "c", question: "a" }]).queued[0]?.votes).toBe(0);
  });
});

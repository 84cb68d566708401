import { describe, expect, it } from "vitest";
import { fromSnapshot } from "../src/client/state";
import { viewOf } from "../src/client/view";
import { NOTHING_NOW, question, snapshot, vote } from "./support";

describe("view", () => {
  const state = fromSnapshot(
    snapshot({
      questions: [
        question("late", { votes: 1, asked_at: 30 }),
        question("early", { votes: 1, asked_at: 10 }),
        question("twin", { votes: 1, asked_at: 10 }),
        question("top", { votes: 7, asked_at: 40 }),
        question("now", { votes: 2, state: "answering" }),
        question("done", { votes: 9, state: "answered" }),
      ],
      now: { ...NOTHING_NOW, question: "now" },
      order: ["top", "early", "twin", "late"],
    }),
    1,
  );
  const ids = (questions: readonly { id: string }[]) => questions.map((q) => q.id);

  it("keeps the session's order, whatever the order of arrival; what it does not name yet follows by votes and age", () => {
    expect(ids(viewOf(state, []).queued)).toEqual(["top", "early", "twin", "late"]);
    const reversed = { ...state, questions: new Map([...state.questions].reverse()) };
    expect(viewOf(reversed, [])).toEqual({ ...viewOf(state, []), state: reversed });
    expect(ids(viewOf({ ...state, order: ["late"] }, []).queued)).toEqual(["late", "top", "early", "twin"]);
  });

  it("shows every question in exactly one place", () => {
    const { queued, answering, answered } = viewOf(state, []);
    expect([...ids(queued), answering?.id, ...ids(answered)].sort()).toEqual([...state.questions.keys()].sort());
  });

  it("counts one's own vote at once, and ignores votes on what is not there", () => {
    const late = viewOf(state, [vote("c", "late"), vote("d", "nowhere")]).queued.find((q) => q.id === "late");
    expect(late).toMatchObject({ votes: 2, voted: true });
  });

  it("tells apart what is one's own, and puts aside what is not in the queue", () => {
    const { queued, received, aside, deleted } = viewOf(
      fromSnapshot(
        snapshot({
          questions: [
            question("mine"),
            question("new", { state: "received" }),
            question("no", { state: "declined", reason: "off topic" }),
            question("twin", { state: "merged", merged_into: "mine" }),
            question("gone", { deleted: true }),
            question("back", { state: "withdrawn" }),
          ],
          replies: [{ id: "r", question: "mine", author: { id: "h", name: "Host" }, text: "Yes", at: 1, deleted: false }],
          mine: { asked: ["mine"], votes: [], ballots: {}, samples: [], tickets: {}, member: null },
        }),
        1,
      ),
      [],
    );
    expect(queued).toMatchObject([{ id: "mine", own: true, replies: [{ text: "Yes" }] }]);
    expect([ids(received), ids(aside), ids(deleted)]).toEqual([["new"], ["twin", "no"], ["gone"]]);
  });

  it("never shows less than no votes", () => {
    const odd = fromSnapshot(snapshot({ questions: [question("a")], mine: { asked: [], votes: ["a"], ballots: {}, samples: [], tickets: {}, member: null } }), 1);
    expect(viewOf(odd, [{ type: "unvote", cmd: "c", question: "a" }]).queued[0]?.votes).toBe(0);
  });
});

import { expect, it } from "vitest";
import type { Draw, Poll } from "../src/client";
import { fromSnapshot } from "../src/client/state";
import { happening } from "../src/pages/member/happening";
import { snapshot } from "./support";

const poll = (id: string, state: Poll["state"], opened_at: number, deleted = false) => ({ id, state, opened_at, deleted }) as Poll;
const draw = (id: string, state: Draw["state"]) => ({ id, state }) as Draw;

it("shows what is open, and of what is over the newest poll and draw; no drafts and nothing removed", () => {
  const state = fromSnapshot(
    snapshot({
      polls: [
        poll("old", "closed", 1),
        poll("new", "closed", 2),
        poll("draft", "draft", 0),
        poll("open", "open", 3),
        poll("gone", "open", 4, true),
      ],
      draws: [draw("d1", "drawn"), draw("d2", "drawn"), draw("d3", "cancelled"), draw("d4", "open")],
    }),
    1,
  );
  const { polls, draws, products } = happening(state);
  expect([polls.map((p) => p.id), draws.map((d) => d.id), products]).toEqual([["open", "new"], ["d4", "d2"], []]);
});

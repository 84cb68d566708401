import { describe, expect, it } from "vitest";
import type { Poll } from "../src/client";
import { raised, results, toggled, words } from "../src/ui/ballot";

const poll = (more: Partial<Poll>): Poll => ({
  id: "p",
  kind: "single",
  text: "Which?",
  options: [],
  max_choices: 2,
  stars: 5,
  results: "live",
  state: "open",
  deadline: null,
  opened_at: 1,
  correct: null,
  total: 0,
  tally: null,
  deleted: false,
  ...more,
});

describe("a ballot", () => {
  it("of one choice is the last that was tapped", () => {
    expect(toggled(poll({}), ["a"], "b")).toEqual(["b"]);
    expect(toggled(poll({ kind: "quiz" }), ["a"], "a")).toEqual(["a"]);
  });

  it("of several choices takes back, and gives up the oldest beyond the limit", () => {
    const several = poll({ kind: "multiple", max_choices: 2 });
    expect(toggled(several, ["a", "b"], "a")).toEqual(["b"]);
    expect(toggled(several, ["a", "b"], "c")).toEqual(["b", "c"]);
  });

  it("that ranks moves one place up, and no further than first", () => {
    expect(raised(["a", "b", "c"], "c")).toEqual(["a", "c", "b"]);
    expect(raised(["a", "b"], "a")).toEqual(["a", "b"]);
    expect(raised(["a", "b"], "z")).toEqual(["a", "b"]);
  });

  it.each([
    ["soft  warm, soft", ["soft", "warm"]],
    ["柔软、温暖，清新 滋润", ["柔软", "温暖", "清新"]],
    ["  ", []],
  ])("of words takes %j apart", (text, list) => expect(words(text)).toEqual(list));
});

describe("a result", () => {
  it("names every option, also those without votes, in their order", () => {
    const options = [{ id: "1", text: "Sand" }, { id: "2", text: "Moss" }];
    expect(results(poll({ options }), { "2": 3 }).map((line) => line.count)).toEqual([0, 3]);
  });

  it("of a rating goes from best to worst", () => {
    expect(results(poll({ kind: "rating", stars: 3 }), { "3": 1 }).map((line) => [line.text, line.count])).toEqual([["★★★", 1], ["★★", 0], ["★", 0]]);
  });

  it("of words starts with what was said most", () => {
    expect(results(poll({ kind: "words" }), { warm: 1, soft: 4, fresh: 1 }).map((line) => line.text)).toEqual(["soft", "fresh", "warm"]);
  });
});

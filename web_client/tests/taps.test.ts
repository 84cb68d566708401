import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { React } from "../src/client/protocol";
import { COUNT_MAX, SEND_EVERY_MS, Taps } from "../src/client/taps";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it("sends the first tap at once and gathers the rest, one message a quarter of a second", () => {
  const sent: React[] = [];
  const taps = new Taps((message) => sent.push(message));
  for (let i = 0; i < 3; i++) taps.add("heart");
  taps.add("clap");
  expect(sent).toEqual([{ type: "react", reaction: "heart", count: 1 }]);
  vi.advanceTimersByTime(SEND_EVERY_MS);
  vi.advanceTimersByTime(SEND_EVERY_MS);
  expect(sent.slice(1).map(({ reaction, count }) => [reaction, count])).toEqual([["heart", 2], ["clap", 1]]);
  for (let i = 0; i < 200; i++) taps.add("wow");
  vi.advanceTimersByTime(10 * SEND_EVERY_MS);
  expect(sent.at(-1)?.count).toBe(COUNT_MAX);
  taps.add("wow");
  expect(sent.at(-1)?.count).toBe(1);
  taps.add("wow");
  taps.close();
  const { length } = sent;
  vi.advanceTimersByTime(10 * SEND_EVERY_MS);
  expect(sent).toHaveLength(length);
});

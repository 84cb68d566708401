import { expect, it } from "vitest";
import { ClockOffset } from "../src/client/clock_offset";

it("is a guess first, then what the quickest exchange says", () => {
  const clock = new ClockOffset();
  clock.guess(5_000, 1_000);
  expect(clock.ms).toBe(4_000);
  clock.measured(1_000, 5_100, 5_100, 1_100); // slow on the way there: 100 ms
  expect(clock.ms).toBe(4_050);
  clock.measured(2_000, 6_005, 6_005, 2_010);
  expect(clock.ms).toBe(4_000);
  clock.measured(3_000, 9_000, 9_000, 3_500);
  expect(clock.ms).toBe(4_000);
  clock.guess(1, 1);
  expect(clock.ms).toBe(4_000);
});

it("does not believe an exchange that ended before it began", () => {
  const clock = new ClockOffset();
  clock.measured(2_000, 1, 1, 1_000);
  expect(clock.ms).toBe(0);
});

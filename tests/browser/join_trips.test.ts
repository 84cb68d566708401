/**
 * How many round trips each way of joining takes, and in which order things happen: by the packet log of a link whose delay is long
 * beside what browser and server compute. Nothing is held against a clock.
 */

import { beforeAll, describe, expect, test } from "vitest";
import { measureJoins, type JoinCell } from "./harness/join_bench";

let cells: JoinCell[];

beforeAll(async () => {
  cells = await measureJoins(1, 300);
});

function cell(browser: JoinCell["browser"], mode: JoinCell["mode"]): JoinCell {
  const found = cells.find((candidate) => candidate.browser === browser && candidate.mode === mode);
  expect(found).toMatchObject({ joins: 1, fallback: [], failed: [] });
  return found as JoinCell;
}

const HANDSHAKE = ["down check answered", "down ClientHello", "up ServerHello", "down certificate", "down media"];

describe.each(["chromium", "firefox"] as const)("in %s", (browser) => {
  test("a ticket's picture is two round trips away, and its join travels beside the first check", () => {
    const { crossings, orders, stages } = cell(browser, "ticket");
    expect(crossings).toEqual([4]);
    const [order = []] = orders;
    expect(new Set(order.slice(0, 2))).toEqual(new Set(["up check", "up message"]));
    expect(order.filter((event) => HANDSHAKE.includes(event))).toEqual(HANDSHAKE);
    // Media leave with the server's last flight: the browser's own has not even been sent.
    expect(order.indexOf("down media")).toBeLessThan(indexOrEnd(order, "up finished"));
    expect(stages.answer).toBeLessThan(stages.joined ?? 0);
  });

  test("the ordinary exchange takes one more, for the answer", () => {
    const { crossings, orders } = cell(browser, "ordinary");
    expect(crossings).toEqual([6]);
    const [order = []] = orders;
    expect(order.slice(0, 3)).toEqual(["up message", "down message", "up check"]);
    expect(order.filter((event) => HANDSHAKE.includes(event))).toEqual(HANDSHAKE);
    expect(order.indexOf("down media")).toBeLessThan(indexOrEnd(order, "up finished"));
  });

  test("another session's picture is one round trip away, by the connection that is there", () => {
    const { crossings, orders } = cell(browser, "warm");
    expect(crossings).toEqual([2]);
    expect(orders[0]).toContain("up message");
    expect(orders.flat().filter((event) => /Hello|certificate|finished/.test(event))).toEqual([]);
  });

  test("who comes back from the background has the picture after one round trip, by the connection that is there", () => {
    const { crossings, orders } = cell(browser, "back");
    expect(crossings).toEqual([2]);
    expect(orders.flat().filter((event) => /Hello|certificate|finished/.test(event))).toEqual([]);
  });
});

function indexOrEnd(order: readonly string[], event: string): number {
  const index = order.indexOf(event);
  return index < 0 ? order.length : index;
}

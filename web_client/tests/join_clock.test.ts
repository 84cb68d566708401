import { expect, it } from "vitest";
import { JoinClock } from "../src/client/join_clock";
import type { JoinReport } from "../src/client/protocol";

it("tells each stage once, from the tap, when the first picture is shown", () => {
  const told: JoinReport[] = [];
  const clock = new JoinClock((report) => told.push(report));
  clock.mark("joined", 5);
  clock.start("ordinary", 100);
  clock.goes("ticket");
  clock.mark("offer", 90);
  clock.mark("joined", 140.25);
  clock.mark("joined", 190);
  clock.mark("first_shown", 250);
  clock.mark("first_shown", 260);
  clock.mark("dtls", 270);
  expect(told).toEqual([{ type: "join_report", path: "ticket", stages: { offer: 0, joined: 40.3, first_shown: 150 } }]);
  clock.start("switch", 1000);
  expect(clock.report).toEqual({ type: "join_report", path: "switch", stages: {} });
});

import { describe, expect, it } from "vitest";
import { hostPatience, sameUplink, type UplinkTruth } from "../src/pages/host/uplink";
import { memberPatience, sameTruth, truthOf, type MemberSituation, type MemberTruth, type PictureTruth } from "../src/ui/member_phase";
import { Steady, type Patience } from "../src/ui/steady";
import { watching } from "./watching";

/** What is told when, of values that come at these times; `tick` is called when it is due. */
function play<Value>(steady: Steady<Value>, values: readonly (readonly [at: number, value: Value])[], until: number): [number, Value][] {
  const told: [number, Value][] = [];
  const note = (at: number): void => {
    if (JSON.stringify(told.at(-1)?.[1]) !== JSON.stringify(steady.told)) told.push([at, steady.told]);
  };
  let due: number | null = null;
  for (const [at, value] of [...values, [until, null] as const]) {
    while (due !== null && due < at) {
      const now: number = due;
      due = steady.tick(now);
      note(now);
    }
    if (value === null) break;
    due = steady.offer(value, at);
    note(at);
  }
  return told;
}

describe("a steady value", () => {
  const patient = (): Patience => ({ stand: 100, apart: 1_000 });

  it("is told when it has stood, and not when it has not", () => {
    expect(play(new Steady("a", patient), [[0, "a"], [10, "b"], [109, "a"], [200, "b"]], 2_000)).toEqual([[0, "a"], [300, "b"]]);
  });

  it("changes no oftener than it may, and tells what is true then", () => {
    const told = play(new Steady("a", patient), [[0, "b"], [150, "c"], [300, "a"], [700, "c"]], 5_000);
    expect(told).toEqual([[0, "a"], [100, "b"], [1_100, "c"]]);
  });

  it("takes over at once what says the same", () => {
    const steady = new Steady({ says: 1, with: "x" }, patient, (one, other) => one.says === other.says);
    expect(steady.offer({ says: 1, with: "y" }, 0)).toBeNull();
    expect(steady.told.with).toBe("y");
  });
});

const truth = (change: Partial<MemberSituation> = {}, picture: Partial<PictureTruth> = {}): MemberTruth =>
  truthOf({ ...watching, ...change }, { stalled: false, reduced: null, ...picture });

describe("what a member reads", () => {
  const LIVE = truth();
  const LESS = truth({}, { reduced: "link" });
  const PAUSED = truth({ paused: true }, { reduced: "link" });
  const STALLED = truth({}, { stalled: true, reduced: "link" });
  const LOST = truth({ receive: "reconnecting" });
  const pills = (values: [number, MemberTruth][], until: number) =>
    play(new Steady(LIVE, memberPatience, sameTruth), values, until).map(([at, { pill }]) => [at, pill]);

  it("names the cause of all that is less than live", () => {
    const why = (...of: Parameters<typeof truth>) => truth(...of).why;
    expect(why()).toBeNull();
    expect([why({}, { reduced: "link" }), why({}, { reduced: "host" })]).toEqual(["link", "host"]);
    expect([why({ paused: true }), why({ picture: null, playing: false })]).toEqual(["soundLink", "cameraOff"]);
    const stalled = (reduced: PictureTruth["reduced"]) => why({}, { stalled: true, reduced });
    expect([stalled(null), stalled("link"), stalled("host")]).toEqual(["catchingUpLink", "catchingUpLink", "catchingUpHost"]);
    expect(why({ picture: null, sound: null, paused: true, hostAway: true })).toBe("hostAway");
    expect(why({ receive: "reconnecting" })).toBe("reconnecting");
    expect(why({ status: { name: "reconnecting" } })).toBe("socket");
  });

  it("is not what lasts for a moment", () => {
    expect(pills([[0, LESS], [900, LIVE], [2_000, PAUSED], [3_400, LIVE], [5_000, LOST], [5_400, LIVE]], 20_000)).toEqual([[0, "live"]]);
  });

  it("is what lasts: bad news soon, good news when it holds", () => {
    expect(pills([[0, LESS], [10_000, LIVE]], 20_000)).toEqual([[0, "live"], [1_000, "lessSharp"], [13_000, "live"]]);
    expect(pills([[0, PAUSED], [10_000, LESS]], 20_000)).toEqual([[0, "live"], [1_500, "soundOnly"], [12_000, "lessSharp"]]);
    expect(pills([[0, STALLED], [10_000, LIVE]], 20_000)).toEqual([[0, "catchingUp"], [10_000, "live"]]);
    expect(pills([[0, LOST], [1_000, LIVE]], 20_000)).toEqual([[0, "live"], [500, "reconnecting"], [1_500, "live"]]);
  });

  it("does not flicker on a link that wavers from one second to the next", () => {
    const states = [LESS, PAUSED, STALLED, LIVE, LOST, PAUSED, LESS, STALLED];
    const wavering = Array.from({ length: 600 }, (_, turn): [number, MemberTruth] => [turn * 370, states[(turn * 5) % 8 ^ (turn % 3)] ?? LIVE]);
    const told = pills(wavering, 600 * 370);
    expect(told.length).toBeGreaterThan(20);
    // The first is where it began; of three changes in a row the last one is two seconds behind the first.
    const hasty = told.slice(1).filter(([at], index) => Number(told[index + 3]?.[0]) - Number(at) < 2_000);
    expect(hasty).toEqual([]);
  });

  it("is at once what host or session do", () => {
    const off = truth({ picture: null, playing: false });
    const ended = truth({ picture: null, sound: null });
    expect(pills([[0, off], [100, LIVE], [200, ended], [300, LIVE]], 1_000)).toEqual([
      [0, "soundOnly"],
      [100, "live"],
      [200, "waiting"],
      [300, "live"],
    ]);
  });

  it("stays at reconnecting until a new connection shows something", () => {
    const opening = truth({ playing: false });
    expect(pills([[0, LOST], [2_000, opening], [4_000, LIVE]], 9_000)).toEqual([[0, "live"], [500, "reconnecting"], [4_000, "live"]]);
    expect(pills([[0, LOST], [2_000, opening]], 9_000).at(-1)).toEqual([5_000, "connecting"]);
  });
});

describe("what the host reads", () => {
  const at = (uplink: UplinkTruth["uplink"], status: "live" | "reconnecting" = "live"): UplinkTruth => ({ uplink, status: { name: status } });
  const told = (values: [number, UplinkTruth][]) =>
    play(new Steady(at("live"), hostPatience, sameUplink), values, 20_000).map(([when, { uplink, status }]) => [when, uplink, status.name]);

  it("is no interruption that is over in a moment, and one that lasts, at most one in two seconds", () => {
    expect(told([[0, at("reconnecting")], [400, at("live")]])).toEqual([[0, "live", "live"]]);
    expect(told([[0, at("reconnecting")], [1_000, at("live")], [1_600, at("live", "reconnecting")]])).toEqual([
      [0, "live", "live"],
      [500, "reconnecting", "live"],
      [1_500, "live", "live"],
      [3_500, "live", "reconnecting"],
    ]);
  });

  it("is at once what the host does", () => {
    expect(told([[0, at("off")], [10, at("connecting")], [20, at("live")]]).map(([when]) => when)).toEqual([0, 10, 20]);
  });
});

import { describe, expect, it } from "vitest";
import { AUDIBLE, loudness } from "../src/pages/host/level";
import { hostPill, TroubleWatch, troubleOf, uplinkOf } from "../src/pages/host/uplink";
import { memberLink, parseAddress } from "../src/ui/address";
import { clock } from "../src/ui/duration";
import { memberPhase, pillOf, type MemberSituation, type PictureTruth } from "../src/ui/member_phase";
import { watching } from "./watching";

describe("address of a page", () => {
  it("names the session in the path and tokens in the fragment", () => {
    expect(parseAddress("/s/demo", "#t=a.b-c_d.e")).toEqual({ session: "demo", token: "a.b-c_d.e", memberToken: null });
    expect(parseAddress("/host/x1-y/", "#t=h&m=g")).toEqual({ session: "x1-y", token: "h", memberToken: "g" });
    expect(parseAddress("/s/demo", "")).toEqual({ session: "demo", token: null, memberToken: null });
  });

  it.each(["/", "/s/", "/s/UPPER", "/s/-x", `/s/${"a".repeat(41)}`, "/s/a/b", "/s/%20", "/other/demo"])("%s names no session", (path) => {
    expect(parseAddress(path, "#t=").session).toBeNull();
    expect(parseAddress(path, "#t=").token).toBeNull();
  });

  it("of members is read back as it was made", () => {
    const link = new URL(memberLink("https://live.example", "demo", "tok"));
    expect(parseAddress(link.pathname, link.hash)).toEqual({ session: "demo", token: "tok", memberToken: null });
    expect(memberLink("https://live.example", "demo", null)).toBe("https://live.example/s/demo");
  });
});

describe("what a member is told", () => {
  it.each<[string, Partial<MemberSituation>, string, string]>([
    ["all is well", {}, "live", "live"],
    ["before the join", { joined: false, status: { name: "connecting" }, picture: null, sound: null }, "connecting", "connecting"],
    ["nobody is live yet", { picture: null, sound: null, hadSource: false }, "waiting", "waiting"],
    ["the host has stopped", { picture: null, sound: null }, "ended", "waiting"],
    ["nothing of the host arrives", { picture: null, sound: null, paused: true, hostAway: true }, "hostAway", "reconnecting"],
    ["nothing of a host who begins has arrived", { picture: null, sound: null, hadSource: false, paused: true, hostAway: true }, "waiting", "waiting"],
    ["no frame yet", { playing: false, receive: "connecting" }, "opening", "connecting"],
    ["voice only", { picture: null, playing: false }, "voice", "soundOnly"],
    ["the own connection bears sound alone", { paused: true }, "paused", "soundOnly"],
    ["sound alone, and that broke off", { paused: true, receive: "reconnecting" }, "reconnecting", "reconnecting"],
    ["the picture broke off", { receive: "reconnecting" }, "reconnecting", "reconnecting"],
    ["only the WebSocket is gone: the picture goes on", { status: { name: "reconnecting" } }, "live", "reconnecting"],
    ["the session is closed", { status: { name: "closed", reason: "token_expired" } }, "closed", "closed"],
  ])("%s", (_when, change, phase, pill) => {
    const situation = { ...watching, ...change };
    expect(memberPhase(situation)).toBe(phase);
    expect(pillOf(memberPhase(situation), situation.status, { stalled: false, reduced: null })).toBe(pill);
  });

  it("is that the picture is less sharp, or stands still, while it is shown", () => {
    const says = (truth: PictureTruth) => pillOf("live", watching.status, truth);
    expect(says({ stalled: false, reduced: "link" })).toBe("lessSharp");
    expect(says({ stalled: false, reduced: "host" })).toBe("lessSharp");
    expect(says({ stalled: true, reduced: "link" })).toBe("catchingUp");
    expect(pillOf("opening", watching.status, { stalled: true, reduced: "link" })).toBe("connecting");
  });
});

describe("what the host is told of the uplink", () => {
  const sent = { kind: "video" as const, rid: "f", active: true, bytes: 1, width: 1, height: 1, framesPerSecond: 1, encoder: null };
  const look = (limitedBy: string, remoteLoss: number | null = 0, active = true) =>
    troubleOf({ sending: [{ ...sent, active, limitedBy }], remoteLoss });

  it("is what limits an encoding that somebody watches", () => {
    expect(look("none")).toBe(null);
    expect(look("bandwidth", 0.2)).toBe("weak");
    expect(look("bandwidth", 0, false)).toBe(null);
    expect(look("cpu")).toBe("busy");
    expect(look("cpu", 0.1)).toBe("lossy");
    expect(look("none", null)).toBe(null);
  });

  it("changes when three looks in a row agree", () => {
    const watch = new TroubleWatch();
    const looks = ["weak", "weak", null, "weak", "weak", "weak", "lossy", null, null, null] as const;
    expect(looks.map((trouble) => watch.look(trouble))).toEqual([null, null, null, null, null, "weak", "weak", "weak", "weak", null]);
  });
});

describe("what the host is told", () => {
  it("is the state of the own picture, also while the WebSocket is away", () => {
    expect(uplinkOf({ name: "live", since: 1 }, { name: "reconnecting" })).toBe("live");
    expect(uplinkOf({ name: "off" }, { name: "closed", reason: "token_expired" })).toBe("closed");
  });

  it.each([
    ["live", "live", "live"],
    ["live", "reconnecting", "reconnecting"],
    ["reconnecting", "live", "reconnecting"],
    ["off", "live", "off"],
    ["off", "connecting", "connecting"],
    ["failed", "live", "failed"],
    ["connecting", "live", "connecting"],
  ] as const)("uplink %s and WebSocket %s show as %s", (uplink, status, pill) => {
    expect(hostPill(uplink, { name: status })).toBe(pill);
  });

  it("has a readable duration", () => {
    expect([0, 59_999, 61_000, 3_600_000, 36_061_000, -5].map(clock)).toEqual(["0:00", "0:59", "1:01", "1:00:00", "10:01:01", "0:00"]);
  });

  it("has a level meter that tells silence, speech and full scale apart", () => {
    const tone = (amplitude: number) => Float32Array.from({ length: 1024 }, (_, i) => amplitude * Math.sin(i / 5));
    expect(loudness(new Float32Array(1024))).toBe(0);
    expect(loudness(new Float32Array(0))).toBe(0);
    expect(loudness(tone(0.0005))).toBeLessThan(AUDIBLE);
    expect(loudness(tone(0.05))).toBeGreaterThan(AUDIBLE);
    expect(loudness(tone(1))).toBeGreaterThan(0.9);
    expect(loudness(Float32Array.of(4, -4))).toBe(1);
  });
});

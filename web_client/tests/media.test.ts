import { describe, expect, it } from "vitest";
import { CONNECT_TIMEOUT_MS, DISCONNECTED_GRACE_MS, LOOK_MS, PeerHealth, RELAY_AFTER_MS, RESTART_TIMEOUT_MS } from "../src/client/health";
import { Hearing, MUTE_MS, SENDING_MS, SILENT_MS, UNREPORTED_MS } from "../src/client/hearing";
import { IceRestart } from "../src/client/ice_restart";
import { withSetup } from "../src/client/peer";
import { AUDIO_SLOTS, VIDEO_SLOTS } from "../src/client/protocol";
import { audioOf, isShown, pairUp, sectionKinds, sourceIn } from "../src/client/slots";
import { bitrate, summarise } from "../src/client/stats";

describe("slots", () => {
  it("are offered videos first, then audios", () => {
    expect(sectionKinds()).toEqual(["video", "video", "video", "video", "audio", "audio", "audio", "audio"]);
    expect(sectionKinds(1)).toEqual(["video", "audio"]);
  });

  it("pair each picture with the sound of the same number", () => {
    const pairs = pairUp([...VIDEO_SLOTS, ...AUDIO_SLOTS]);
    for (const [slot, { video, audio }] of pairs) expect([video, audio]).toEqual([slot, audioOf(slot)]);
    expect([...pairs.keys()]).toEqual([...VIDEO_SLOTS]);
    expect(audioOf("stage-1")).toBe("audio-2");
    expect([...pairUp(["v", "a"])]).toEqual([["main", { video: "v", audio: "a" }]]);
  });

  it("tell what is shown", () => {
    const source = { publisher: "h", name: "Host", kind: "camera" as const, publication: "p" };
    const slots = [
      { slot: "main", mid: "0", source },
      { slot: "audio-1", mid: "4", source: null },
    ];
    expect(sourceIn(slots, "main")).toEqual(source);
    expect([sourceIn(slots, "audio-1"), sourceIn(slots, "stage-1"), sourceIn([], "main")]).toEqual([null, null, null]);
    expect([isShown(slots, "p"), isShown(slots, "other")]).toEqual([true, false]);
  });
});

describe("peer health", () => {
  it("is live once connected, and nothing is due then", () => {
    const health = new PeerHealth();
    expect(health.deadline()).toBeNull();
    health.answered(100);
    expect(health.deadline()).toBe(100 + RELAY_AFTER_MS);
    health.observe("connected", "connected", 200);
    expect([health.health, health.deadline()]).toEqual(["live", null]);
  });

  const HEARD = { heard: true, mute: false };
  const SILENCE = { heard: false, mute: false };

  /** Live, then without a way at 1,000 ms; the first look says whether the server is heard. */
  function doubted(said: { heard: boolean; mute: boolean }): PeerHealth {
    const health = new PeerHealth();
    health.observe("connected", "connected", 0);
    health.observe("disconnected", "disconnected", 1_000);
    expect([health.doubted, health.takeRestart(1_000), health.deadline()]).toEqual([true, false, 1_000]);
    expect([health.takeLook(1_000), health.takeLook(1_000), health.deadline()]).toEqual([true, false, null]);
    health.looked(said, 1_000);
    return health;
  }

  it("restarts at once where nothing is heard, waits for ICE to come back, then gives up", () => {
    const health = doubted(SILENCE);
    expect([health.health, health.takeRestart(1_000)]).toEqual(["interrupted", true]);
    health.observe("disconnected", "disconnected", 2_000);
    health.observe("failed", "failed", 2_000);
    expect(health.takeRestart(2_000)).toBe(false);
    health.tick(1_000 + DISCONNECTED_GRACE_MS - 1);
    expect(health.health).toBe("interrupted");
    health.observe("connected", "connected", 2_500);
    expect([health.health, health.doubted, health.deadline()]).toEqual(["live", false, null]);
    health.observe("disconnected", "disconnected", 3_000);
    health.looked(SILENCE, 3_000);
    health.tick(3_000 + DISCONNECTED_GRACE_MS);
    expect([health.health, health.dtlsFailed]).toEqual(["dead", false]);
  });

  it("neither restarts nor gives up while the server is heard, however long, and does both when it is not", () => {
    const health = doubted(HEARD);
    let now = 1_000;
    for (let looks = 0; looks < 100; looks++) {
      expect([health.health, health.takeRestart(now), health.deadline()]).toEqual(["live", false, now + LOOK_MS]);
      now += LOOK_MS;
      health.tick(now);
      expect(health.takeLook(now)).toBe(true);
      health.looked(HEARD, now);
    }
    health.looked(SILENCE, now);
    expect([health.health, health.takeRestart(now), health.takeRestart(now)]).toEqual(["interrupted", true, false]);
    health.tick(now + DISCONNECTED_GRACE_MS);
    expect(health.health).toBe("dead");
  });

  it("is live again when the server is heard again, and restarts anew when it is not", () => {
    const health = doubted(SILENCE);
    expect(health.takeRestart(1_000)).toBe(true);
    health.restarted(1_200);
    health.looked(HEARD, 1_500);
    expect([health.health, health.doubted, health.deadline()]).toEqual(["live", true, 1_500 + LOOK_MS]);
    health.restarted(1_600);
    health.tick(1_600 + RESTART_TIMEOUT_MS);
    expect(health.health).toBe("live");
    health.looked(SILENCE, 8_000);
    expect([health.health, health.takeRestart(8_000)]).toEqual(["interrupted", true]);
  });

  it("restarts once while the server is heard where the browser is mute, and makes no new connection", () => {
    const health = doubted(HEARD);
    for (const now of [3_000, 4_000, 60_000]) {
      health.looked({ heard: true, mute: true }, now);
      expect([health.health, health.takeRestart(now), health.deadline()]).toEqual(["live", now === 3_000, now + LOOK_MS]);
      health.restarted(now);
    }
    health.observe("connected", "connected", 61_000);
    health.observe("disconnected", "disconnected", 70_000);
    health.looked({ heard: true, mute: true }, 70_000);
    expect(health.takeRestart(70_000)).toBe(true);
  });

  it("restarts when ICE fails, for browsers take nothing in then", () => {
    const health = doubted(HEARD);
    health.observe("failed", "disconnected", 9_000);
    expect([health.health, health.takeRestart(9_000), health.takeLook(9_999)]).toEqual(["interrupted", true, false]);
    // Of what came before.
    health.looked(HEARD, 9_010);
    health.restarted(9_100);
    health.observe("failed", "failed", 9_200);
    expect([health.health, health.takeRestart(9_200), health.deadline()]).toEqual(["interrupted", false, 9_100 + RESTART_TIMEOUT_MS]);
    health.tick(9_100 + RESTART_TIMEOUT_MS);
    expect(health.health).toBe("dead");
    health.looked(HEARD, 15_000);
    expect([health.health, health.deadline()]).toEqual(["dead", null]);
  });

  it.each([
    ["failed state", (h: PeerHealth) => h.observe("failed", "connected", 5)],
    ["silence", (h: PeerHealth) => h.tick(CONNECT_TIMEOUT_MS)],
    ["the server's word", (h: PeerHealth) => h.ended()],
  ])("blames DTLS when ICE worked and the connection never did (%s)", (_how, fail) => {
    const health = new PeerHealth();
    health.answered(0);
    health.observe("connecting", "connected", 1);
    fail(health);
    expect([health.health, health.dtlsFailed]).toEqual(["dead", true]);
  });

  it("does not blame DTLS when ICE found no way", () => {
    const health = new PeerHealth();
    health.answered(0);
    health.observe("failed", "failed", 1);
    health.tick(1 + DISCONNECTED_GRACE_MS);
    expect([health.health, health.dtlsFailed]).toEqual(["dead", false]);
  });

  it("gives a restart time once the server has answered it", () => {
    const health = new PeerHealth();
    health.restarted(0);
    expect(health.deadline()).toBeNull();
    health.observe("connected", "connected", 0);
    health.restarted(1);
    expect(health.deadline()).toBeNull();
    health.observe("disconnected", "disconnected", 1_000);
    health.looked(SILENCE, 1_000);
    expect(health.takeRestart(1_000)).toBe(true);
    health.restarted(1_500);
    health.tick(1_000 + DISCONNECTED_GRACE_MS);
    expect(health.health).toBe("interrupted");
    health.tick(1_500 + RESTART_TIMEOUT_MS - 1);
    expect(health.health).toBe("interrupted");
    health.tick(1_500 + RESTART_TIMEOUT_MS);
    expect(health.health).toBe("dead");
  });

  it("asks for relays when no way is found, and not while DTLS is under way", () => {
    const none = new PeerHealth();
    none.answered(0);
    expect(none.takeRestart(RELAY_AFTER_MS - 1)).toBe(false);
    expect([none.takeRestart(RELAY_AFTER_MS), none.takeRestart(RELAY_AFTER_MS)]).toEqual([true, false]);
    none.restarted(RELAY_AFTER_MS + 100);
    expect(none.deadline()).toBe(RELAY_AFTER_MS + 100 + CONNECT_TIMEOUT_MS);

    const failed = new PeerHealth();
    failed.answered(0);
    failed.observe("failed", "failed", 50);
    expect([failed.health, failed.takeRestart(50)]).toEqual(["connecting", true]);
    failed.observe("failed", "failed", 60);
    expect(failed.takeRestart(60)).toBe(false);

    const slow = new PeerHealth();
    slow.answered(0);
    slow.observe("connecting", "connected", 500);
    expect(slow.takeRestart(RELAY_AFTER_MS)).toBe(false);
  });

  it("stays dead", () => {
    const health = new PeerHealth();
    health.ended();
    health.observe("connected", "connected", 1);
    expect(health.health).toBe("dead");
  });
});

describe("hearing the server", () => {
  const NOW = 50_000;
  const sent = (age: number) => [
    { type: "transport", id: "t", timestamp: NOW },
    { type: "candidate-pair", id: "failed", timestamp: NOW, lastPacketSentTimestamp: 0 },
    { type: "candidate-pair", id: "used", timestamp: NOW, lastPacketSentTimestamp: NOW - age },
  ];
  const received = (age: number) => [
    ...sent(0),
    { type: "inbound-rtp", id: "none", timestamp: NOW },
    { type: "inbound-rtp", id: "some", timestamp: NOW, lastPacketReceivedTimestamp: NOW - age },
  ];
  /** What is reported, and how long ago that came. */
  const told = (packetsLost: number, jitter: number, age: number) => [
    { type: "remote-inbound-rtp", id: "unwatched", packetsLost: 0, jitter: 0.5, timestamp: NOW - age },
    { type: "remote-inbound-rtp", id: "r", packetsLost, jitter, timestamp: NOW - age, roundTripTimeMeasurements: -age },
  ];

  it("goes by the last packet of media", () => {
    expect(new Hearing().look(received(SILENT_MS - 1)).heard).toBe(true);
    expect(new Hearing().look(received(SILENT_MS)).heard).toBe(false);
    expect(new Hearing().look(sent(0)).heard).toBe(false);
    expect(new Hearing().look([]).heard).toBe(false);
  });

  it("tells whether the browser sends at all", () => {
    expect(new Hearing().look(sent(MUTE_MS - 1)).mute).toBe(false);
    expect(new Hearing().look(sent(MUTE_MS)).mute).toBe(true);
  });

  it("takes a report for a sign only when it says something new", () => {
    const hearing = new Hearing();
    const heard = (...report: Parameters<typeof told>) => hearing.look([...sent(0), ...told(...report)]).heard;
    expect(heard(3, 0.01, 900)).toBe(true);
    expect(heard(3, 0.01, 900)).toBe(true);
    expect([heard(3, 0.01, 100), heard(3, 0.01, 90)]).toEqual([false, false]);
    expect([heard(3, 0.02, 80), heard(9, 0.02, 70)]).toEqual([true, true]);
  });

  it("takes no report for a sign that is old, or of a browser that has ceased to send", () => {
    const first = (age: number, quiet = 0) => new Hearing().look([...sent(quiet), ...told(3, 0.01, age)]).heard;
    expect([first(UNREPORTED_MS - 1), first(UNREPORTED_MS)]).toEqual([true, false]);
    expect([first(0, SENDING_MS - 1), first(0, SENDING_MS)]).toEqual([true, false]);
  });
});

describe("an ICE restart", () => {
  /** A connection that only counts what is done with it. */
  function connection() {
    const done: string[] = [];
    let offers = 0;
    const fake = {
      getConfiguration: () => ({ iceTransportPolicy: "relay" }),
      setConfiguration: (configuration: RTCConfiguration) => void done.push(JSON.stringify(configuration)),
      createOffer: ({ iceRestart }: RTCOfferOptions) => Promise.resolve({ type: "offer", sdp: `${iceRestart} ${++offers}` }),
      setLocalDescription: ({ sdp }: RTCSessionDescriptionInit) => Promise.resolve(void done.push(`local ${sdp}`)),
      setRemoteDescription: ({ sdp }: RTCSessionDescriptionInit) => Promise.resolve(void done.push(`remote ${sdp}`)),
    };
    return { restart: new IceRestart(fake as unknown as RTCPeerConnection), done };
  }

  it("offers with the relays and keeps the rest of the configuration", async () => {
    const { restart, done } = connection();
    expect(await restart.run([{ urls: ["turn:a"] }], async (offer) => `answer to ${offer}`)).toBe(true);
    expect(done).toEqual([
      JSON.stringify({ iceTransportPolicy: "relay", iceServers: [{ urls: ["turn:a"] }] }),
      "local true 1",
      "remote answer to true 1",
    ]);
  });

  it("is one exchange at a time, and one more for all that was asked meanwhile", async () => {
    const { restart, done } = connection();
    const answers: ((answer: string) => void)[] = [];
    const exchange = () => new Promise<string>((resolve) => answers.push(resolve));
    const first = restart.run([], exchange);
    const others = [restart.run([], exchange), restart.run([], exchange)];
    await expect.poll(() => answers.length).toBe(1);
    answers[0]?.("one");
    await expect.poll(() => answers.length).toBe(2);
    answers[1]?.("two");
    await Promise.all([first, ...others]);
    expect(done).toEqual(["local true 1", "remote one", "local true 2", "remote two"]);
  });

  it("leaves the old session in place when the server does not answer", async () => {
    const { restart, done } = connection();
    expect(await restart.run([], async () => null)).toBe(false);
    expect(done).toEqual(["local true 1"]);
    expect(await restart.run([], async () => "later")).toBe(true);
  });
});

describe("DTLS role", () => {
  it("is asked for in every section", () => {
    const sdp = "m=video\r\na=setup:actpass\r\nm=audio\r\na=setup:actpass\r\n";
    expect(withSetup(sdp, true)).toBe("m=video\r\na=setup:active\r\nm=audio\r\na=setup:active\r\n");
    expect(withSetup(sdp, false)).toBe(sdp);
  });
});

describe("stats", () => {
  it("take what a diagnosis needs from a report, and null where a browser says nothing", () => {
    const stats = summarise(
      [
        { type: "outbound-rtp", kind: "video", rid: "h", bytesSent: 10, frameWidth: 640, frameHeight: 360, framesPerSecond: 30 },
        { type: "outbound-rtp", kind: "audio", bytesSent: 3 },
        { type: "inbound-rtp", kind: "audio", mid: "4", bytesReceived: 5, totalAudioEnergy: 0.5 },
        { type: "candidate-pair", nominated: true, state: "succeeded", currentRoundTripTime: 0.05 },
        { type: "candidate-pair", nominated: false, state: "succeeded", currentRoundTripTime: 9 },
        { type: "remote-inbound-rtp", fractionLost: 0.1 },
        { type: "remote-inbound-rtp", fractionLost: 0.3 },
      ],
      7,
    );
    expect(stats).toMatchObject({ at: 7, rttMs: 50, remoteLoss: 0.3, availableBitrate: null });
    expect(stats.sending.map((s) => [s.kind, s.rid, s.width])).toEqual([["video", "h", 640], ["audio", null, null]]);
    expect(stats.receiving[0]).toMatchObject({ mid: "4", bytes: 5, totalAudioEnergy: 0.5, framesDecoded: 0 });
  });

  it("give rates from two samples, and none when a counter started anew", () => {
    expect(bitrate({ at: 0, bytes: 0 }, { at: 2_000, bytes: 250_000 })).toBe(1_000_000);
    expect(bitrate({ at: 0, bytes: 9 }, { at: 2_000, bytes: 3 })).toBeNull();
    expect(bitrate({ at: 5, bytes: 0 }, { at: 5, bytes: 3 })).toBeNull();
  });
});

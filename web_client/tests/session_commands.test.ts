import { describe, expect, it } from "vitest";
import { OUTBOX_MAX } from "../src/client/outbox";
import { REPLY_TIMEOUT_MS } from "../src/client/session";
import { viewOf } from "../src/client/view";
import { Bench, events, head, joined, question, snapshot, vote } from "./support";

const shown = (bench: Bench) => viewOf(bench.session.state, bench.session.outbox.unseen).queued[0];
const withQuestion = { seq: 1, snapshot: snapshot({ questions: [question("q1", { votes: 4 })] }) };

describe("commands", () => {
  it("wait for the join, then go out in order", () => {
    const bench = new Bench();
    bench.session.start(0);
    bench.session.command(vote("c1"), 0);
    bench.session.command({ type: "ask", cmd: "c2", text: "Why?" }, 0);
    bench.join();
    bench.receive(joined());
    expect(bench.sent()).toEqual([vote("c1"), { type: "ask", cmd: "c2", text: "Why?" }]);
  });

  it("go out again with the same cmd after a reconnect, unless they were acknowledged", () => {
    const bench = new Bench();
    bench.goLive();
    bench.session.command(vote("c1"), 0);
    bench.session.command(vote("c2"), 0);
    expect(bench.sent()).toHaveLength(2);
    bench.receive({ type: "ack", cmd: "c1", seq: 1, id: "q1" });
    bench.session.socketClosed(1006, bench.now);
    bench.fire();
    bench.join();
    bench.receive(joined({ seq: 1 }));
    expect(bench.sent()).toEqual([vote("c2")]);
    bench.receive({ type: "ack", cmd: "c2", seq: 2, id: "q1" });
    expect(bench.session.outbox.unacknowledged).toEqual([]);
  });

  it("of an earlier page load go out again", () => {
    const bench = new Bench({ restored: [vote("old")] });
    bench.session.start(0);
    bench.join();
    bench.receive(joined());
    expect(bench.sent()).toEqual([vote("old")]);
  });

  it("are settled once: by the first acknowledgement or refusal", () => {
    const bench = new Bench();
    bench.goLive();
    bench.session.command(vote("c1"), 0);
    bench.session.command(vote("c2"), 0);
    bench.receive({ type: "ack", cmd: "c1", seq: 1, id: null });
    bench.receive({ type: "ack", cmd: "c1", seq: 1, id: null });
    bench.receive({ type: "error", code: "rate_limited", message: "", cmd: "c2", retry_after_ms: 900 });
    bench.receive({ type: "error", code: "busy", message: "", cmd: "c2" });
    bench.receive({ type: "ack", cmd: "never", seq: 1, id: null });
    expect(bench.take().filter((o) => o.kind === "settled")).toEqual([
      { kind: "settled", command: vote("c1"), id: null, failure: null },
      { kind: "settled", command: vote("c2"), id: null, failure: { code: "rate_limited", retryAfterMs: 900 } },
    ]);
  });

  it("that get no answer show that the socket is dead", () => {
    const bench = new Bench();
    bench.goLive();
    expect(bench.session.deadline()).toBeNull();
    bench.session.command(vote("c1"), (bench.now = 500));
    bench.take();
    expect(bench.fire()).toBe(REPLY_TIMEOUT_MS);
    expect(bench.take().map((o) => o.kind)).toContain("close");
    expect(bench.session.outbox.unacknowledged).toEqual([vote("c1")]);
  });

  it("are refused beyond what one person can do offline", () => {
    const bench = new Bench();
    bench.session.start(0);
    for (let i = 0; i < OUTBOX_MAX; i++) expect(bench.session.command(vote(`c${i}`), 0)).toBe(true);
    expect(bench.session.command(vote("one-more"), 0)).toBe(false);
  });
});

describe("optimistic votes", () => {
  it("show at once and stay without flicker, whichever of ack and event comes first", () => {
    for (const ackFirst of [true, false]) {
      const bench = new Bench();
      bench.goLive(withQuestion);
      bench.session.command(vote("c1"), 0);
      const steps = [
        () => bench.receive({ type: "ack", cmd: "c1", seq: 2, id: "q1" }),
        () => bench.receive(events(1, { kind: "voted", ...head(2), question: "q1", votes: 5, mine: true })),
      ];
      if (!ackFirst) steps.reverse();
      expect(shown(bench)).toMatchObject({ votes: 5, voted: true });
      for (const step of steps) {
        step();
        expect(shown(bench)).toMatchObject({ votes: 5, voted: true });
      }
      expect(bench.session.outbox.unseen).toEqual([]);
    }
  });

  it("are undone by a refusal", () => {
    const bench = new Bench();
    bench.goLive(withQuestion);
    bench.session.command(vote("c1"), 0);
    bench.receive({ type: "error", code: "closed", message: "", cmd: "c1" });
    expect(shown(bench)).toMatchObject({ votes: 4, voted: false });
  });

  it("follow the last of several taps, on top of what others do meanwhile", () => {
    const bench = new Bench();
    bench.goLive(withQuestion);
    bench.session.command(vote("c1"), 0);
    bench.session.command({ type: "unvote", cmd: "c2", question: "q1" }, 0);
    expect(shown(bench)).toMatchObject({ votes: 4, voted: false });
    bench.receive(events(1, { kind: "voted", ...head(2), question: "q1", votes: 9 }));
    expect(shown(bench)).toMatchObject({ votes: 9, voted: false });
  });
});

describe("media requests", () => {
  it("go out one at a time and get their own replies", () => {
    const bench = new Bench();
    bench.goLive();
    bench.session.request(1, { type: "publish", offer: "o" }, 0);
    bench.session.request(2, { type: "unpublish" }, 0);
    expect(bench.sent().map((m) => m["type"])).toEqual(["publish"]);
    bench.receive({ type: "published", publication: "x", answer: "a" });
    const outputs = bench.take();
    expect(outputs[0]).toMatchObject({ kind: "reply", id: 1, result: { ok: true, reply: { publication: "x" } } });
    expect(outputs[1]).toMatchObject({ kind: "send", text: '{"type":"unpublish"}' });
  });

  it("take an error without cmd as theirs, and leave errors of commands alone", () => {
    const bench = new Bench();
    bench.goLive();
    bench.session.command(vote("c1"), 0);
    bench.session.request(1, { type: "publish", offer: "o" }, 0);
    bench.receive({ type: "error", code: "not_found", message: "", cmd: "c1" });
    expect(bench.take().some((o) => o.kind === "reply")).toBe(false);
    bench.receive({ type: "error", code: "forbidden", message: "" });
    expect(bench.take()).toContainEqual({
      kind: "reply",
      id: 1,
      result: { ok: false, failure: { code: "forbidden", retryAfterMs: null } },
    });
  });

  it("fail with the socket, and at once without one", () => {
    const bench = new Bench();
    bench.goLive();
    bench.session.request(1, { type: "publish", offer: "o" }, 0);
    bench.session.request(2, { type: "unpublish" }, 0);
    bench.session.socketClosed(1012, 0);
    bench.session.request(3, { type: "unpublish" }, 0);
    const failed = bench.take().filter((o) => o.kind === "reply");
    expect(failed.map((o) => o.id)).toEqual([1, 2, 3]);
    expect(failed.every((o) => !o.result.ok && o.result.failure.code === "disconnected")).toBe(true);
  });
});

import { describe, expect, it } from "vitest";
import { REPLY_TIMEOUT_MS, SILENCE_MS, STABLE_MS } from "../src/client/session";
import { Bench, events, head, joined, NOTHING_NOW, question, snapshot } from "./support";

describe("join", () => {
  it("waits for both socket and offer, in either order, and is one message", () => {
    for (const socketFirst of [true, false]) {
      const bench = new Bench({ name: "Ada", credentials: { link: "L", personal: null } });
      bench.session.start(0);
      expect(bench.take()).toContainEqual({ kind: "open", attempt: 1 });
      const steps = [() => bench.session.socketOpened(0), () => bench.session.offerReady(1, "sdp", 0)];
      if (!socketFirst) steps.reverse();
      steps[0]?.();
      expect(bench.sent()).toEqual([]);
      steps[1]?.();
      expect(bench.sent()).toEqual([{ type: "join", v: 1, session: "demo", token: "L", name: "Ada", offer: "sdp" }]);
    }
  });

  it("says by which device it comes, where that is kept", () => {
    const bench = new Bench({ device: "d".repeat(16) });
    bench.session.start(0);
    expect(bench.join()).toMatchObject({ device: "d".repeat(16) });
  });

  it("leaves out token, name, offer and position where there are none", () => {
    const bench = new Bench();
    bench.session.start(0);
    expect(bench.join()).toEqual({ type: "join", v: 1, session: "demo" });
  });

  it("ignores the offer of an attempt that is over", () => {
    const bench = new Bench();
    bench.session.start(0);
    bench.session.socketClosed(1006, 0);
    bench.fire();
    bench.session.socketOpened(bench.now);
    bench.session.offerReady(1, "old", bench.now);
    expect(bench.sent()).toEqual([]);
    bench.session.offerReady(2, "new", bench.now);
    expect(bench.sent()[0]).toMatchObject({ offer: "new" });
  });

  it("is connecting, then live, with the snapshot as its state", () => {
    const bench = new Bench();
    bench.session.start(0);
    expect(bench.take()).toContainEqual({ kind: "status", status: { name: "connecting" } });
    bench.session.offerReady(1, null, 0);
    bench.session.socketOpened(0);
    bench.receive(joined({ seq: 7, snapshot: snapshot({ questions: [question("a")], now: { ...NOTHING_NOW, question: "a" } }) }));
    expect(bench.session.status).toEqual({ name: "live" });
    expect([bench.session.state.seq, bench.session.state.now.question]).toEqual([7, "a"]);
    expect(bench.take().map((o) => o.kind)).toEqual(["send", "asked", "status", "joined", "changed"]);
  });

  it("asks for the time behind the join, and hears the answer as a notice", () => {
    const bench = new Bench();
    bench.session.askTime(1);
    bench.session.start(0);
    bench.join();
    bench.take();
    bench.session.askTime(5);
    expect(bench.sent()).toEqual([{ type: "time", t0: 5 }]);
    bench.receive(joined({ seq: 7 }));
    bench.take();
    bench.receive({ type: "time", t0: 5, t1: 6, t2: 7 });
    expect(bench.take()).toEqual([{ kind: "notice", message: { type: "time", t0: 5, t1: 6, t2: 7 } }]);
  });

  it("gives up a socket that does not answer and tries another", () => {
    const bench = new Bench();
    bench.session.start(0);
    bench.join();
    expect(bench.fire()).toBe(REPLY_TIMEOUT_MS);
    expect(bench.take().map((o) => o.kind)).toContain("close");
    bench.fire();
    expect(bench.take()).toContainEqual({ kind: "open", attempt: 2 });
  });
});

describe("reconnect", () => {
  it("says which event it has seen and gets exactly the rest", () => {
    const bench = new Bench();
    bench.goLive({ seq: 3, snapshot: snapshot({ questions: [question("a")] }) });
    bench.session.socketClosed(1006, bench.now);
    expect(bench.session.status).toEqual({ name: "reconnecting" });
    bench.fire();
    expect(bench.join()).toMatchObject({ last_event: 3 });
    bench.receive(joined({ seq: 4, snapshot: null, events: [{ kind: "voted", ...head(4), question: "a", votes: 1 }] }));
    expect(bench.session.state.questions.get("a")?.votes).toBe(1);
    expect(bench.session.status.name).toBe("live");
  });

  it("joins again after a gap, and asks for a snapshot when the missed events do not fit", () => {
    const bench = new Bench();
    bench.goLive({ seq: 3 });
    bench.receive(events(4, { kind: "now", ...head(5), now: NOTHING_NOW }));
    expect(bench.take().map((o) => o.kind)).toContain("close");
    bench.fire();
    expect(bench.join()).toMatchObject({ last_event: 3 });
    bench.receive(joined({ seq: 2, snapshot: null, events: [] }));
    expect(bench.session.status.name).toBe("reconnecting");
    bench.fire();
    expect(bench.join()).not.toHaveProperty("last_event");
  });

  it("backs off from 0.25 s to 8 s with full jitter, and starts anew after a stable time", () => {
    const bench = new Bench({ random: () => 0.999_999 });
    bench.session.start(0);
    const waits = Array.from({ length: 8 }, () => {
      bench.session.socketClosed(1006, bench.now);
      return Math.round(bench.fire());
    });
    expect(waits).toEqual([250, 500, 1000, 2000, 4000, 8000, 8000, 8000]);
    bench.join();
    bench.receive(joined());
    bench.session.socketClosed(1006, (bench.now += STABLE_MS - 1));
    expect(Math.round(bench.fire())).toBe(8000);
    bench.join();
    bench.receive(joined());
    bench.session.socketClosed(1006, (bench.now += STABLE_MS));
    expect(Math.round(bench.fire())).toBe(250);
  });

  it("does not wait when the page is looked at again", () => {
    const bench = new Bench();
    bench.goLive();
    bench.session.socketClosed(1006, bench.now);
    bench.take();
    bench.session.wake(bench.now, false);
    expect(bench.take()).toContainEqual({ kind: "open", attempt: 2 });
  });

  it("leaves a socket that works alone when the page is looked at, unless it was silent for long or the network changed", () => {
    const bench = new Bench();
    bench.goLive();
    bench.session.wake((bench.now += SILENCE_MS), false);
    expect(bench.take()).toEqual([]);
    bench.session.wake((bench.now += 1), false);
    expect(bench.take().map((o) => o.kind)).toEqual(["close", "status", "open"]);
    const other = new Bench();
    other.goLive();
    other.session.wake(1, true);
    expect(other.take().map((o) => o.kind)).toEqual(["close", "status", "open"]);
  });
});

describe("tokens", () => {
  it("keeps the personal token and joins with it from then on", () => {
    const bench = new Bench({ credentials: { link: "L", personal: null } });
    bench.goLive({ token: "P" });
    expect(bench.log).toContainEqual({ kind: "credentials", credentials: { link: "L", personal: "P" } });
    bench.session.socketClosed(1006, bench.now);
    bench.fire();
    expect(bench.join()).toMatchObject({ token: "P" });
  });

  it("goes back to the link once when the personal token is refused, with a new snapshot", () => {
    const bench = new Bench({ credentials: { link: "L", personal: "P" } });
    bench.goLive({ seq: 3 });
    bench.session.socketClosed(4401, bench.now);
    bench.fire();
    const join = bench.join();
    expect(join).toMatchObject({ token: "L" });
    expect(join).not.toHaveProperty("last_event");
    bench.session.socketClosed(4401, bench.now);
    expect(bench.session.status).toEqual({ name: "closed", reason: "token_invalid" });
  });
});

describe("a session that is prepared", () => {
  it("joins with the first word, and with the ticket by which it has answered its offer", () => {
    const bench = new Bench();
    bench.session.prepare(0);
    bench.session.socketOpened(0);
    bench.session.offerReady(1, "sdp", 0);
    expect(bench.sent()).toEqual([]);
    expect(bench.session.deadline()).toBeNull();
    bench.session.start(60_000, "T");
    expect(bench.sent()).toEqual([{ type: "join", v: 1, session: "demo", offer: "sdp", ticket: "T" }]);
  });

  it("joins when all is there, where that takes longer than the visitor", () => {
    const bench = new Bench();
    bench.session.prepare(0);
    bench.session.start(0);
    bench.session.offerReady(1, "sdp", 0, "T");
    bench.session.socketOpened(0);
    expect(bench.sent()).toEqual([{ type: "join", v: 1, session: "demo", offer: "sdp", ticket: "T" }]);
  });

  it("opens another socket when the server does not keep the first one for it", () => {
    const bench = new Bench();
    bench.session.prepare(0);
    bench.session.socketOpened(0);
    bench.session.socketClosed(4408, 10_000);
    bench.fire();
    expect(bench.take()).toContainEqual({ kind: "open", attempt: 2 });
  });
});

describe("a switch", () => {
  const other = { session: "other", credentials: { link: "M", personal: null } };

  it("is one message on the open socket, and ends with the other session's state", () => {
    const bench = new Bench();
    bench.goLive({ seq: 5, snapshot: snapshot({ questions: [question("a")] }) });
    bench.session.switchTo(other, 100);
    expect(bench.sent()).toEqual([{ type: "switch", session: "other", token: "M" }]);
    bench.receive(events(5, { kind: "voted", ...head(6), question: "a", votes: 1 }));
    expect([bench.session.state.seq, bench.session.state.questions.size]).toEqual([0, 0]);
    bench.receive(joined({ seq: 2, session: { id: "other", title: "Other" } }));
    expect([bench.session.status.name, bench.session.state.seq]).toEqual(["live", 2]);
  });

  it("makes the next join go there while there is no socket", () => {
    const bench = new Bench();
    bench.goLive();
    bench.session.socketClosed(1006, 0);
    bench.session.switchTo(other, 0);
    bench.fire();
    expect(bench.join()).toEqual({ type: "join", v: 1, session: "other", token: "M" });
  });

  it("is given up when nobody answers", () => {
    const bench = new Bench();
    bench.goLive();
    bench.session.switchTo(other, 0);
    expect(bench.fire()).toBe(REPLY_TIMEOUT_MS);
  });
});

it("says once that no pictures are wanted, and again after a join", () => {
  const bench = new Bench();
  bench.goLive();
  bench.session.watch(false);
  bench.session.watch(false);
  expect(bench.sent()).toEqual([{ type: "watch", pictures: false }]);
  bench.session.socketClosed(1006, 0);
  bench.fire();
  bench.join();
  bench.receive(joined());
  expect(bench.sent()).toEqual([{ type: "watch", pictures: false }]);
});

it("waits in the server's queue for as long as it hears of it", () => {
  const bench = new Bench();
  bench.session.start(0);
  bench.join();
  bench.now = REPLY_TIMEOUT_MS - 1;
  bench.receive({ type: "waiting", place: 3 });
  expect(bench.take()).toEqual([{ kind: "notice", message: { type: "waiting", place: 3 } }]);
  expect(bench.session.deadline()).toBe(2 * REPLY_TIMEOUT_MS - 1);
  bench.receive(joined());
  expect(bench.session.status).toEqual({ name: "live" });
});

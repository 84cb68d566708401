/** Shared by the tests: wire messages with sensible defaults, and a session driven without I/O. */

import { expect } from "vitest";
import type { Command, Event, Events, Joined, Question, ServerMessage, Snapshot } from "../src/client/protocol";
import { Session } from "../src/client/session";
import type { Output, SessionOptions } from "../src/client/session_io";
import { EMPTY_SNAPSHOT } from "../src/client/state";

export function question(id: string, more: Partial<Question> = {}): Question {
  return {
    id,
    text: `Text of ${id}`,
    author: { id: "p1", name: "Ada" },
    anonymous: false,
    product: null,
    day: null,
    labels: [],
    state: "queued",
    reason: null,
    merged_into: null,
    place: null,
    first: false,
    votes: 0,
    asked_at: 1,
    edited_at: null,
    answer_in: null,
    media_in: null,
    media_out: null,
    answer_out: null,
    deleted: false,
    ...more,
  };
}

export const NOTHING_NOW = EMPTY_SNAPSHOT.now;

export function snapshot(more: Partial<Snapshot> = {}): Snapshot {
  return { ...EMPTY_SNAPSHOT, settings: { ...EMPTY_SNAPSHOT.settings, order: "popular" }, ...more };
}

/** The head of every event. */
export const head = (seq: number, act = "act") => ({ seq, at: 1, act });

/** A message that covers the log after `after` up to its last event. */
export function events(after: number, ...list: Event[]): Events {
  return { type: "events", after, seq: list.at(-1)?.seq ?? after, events: list };
}

export function joined(more: Partial<Joined> = {}): Joined {
  return {
    type: "joined",
    you: { id: "p1", name: "Ada", role: "member" },
    token: null,
    session: { id: "demo", title: "Demo" },
    answer: null,
    media_error: null,
    slots: [],
    seq: 0,
    snapshot: more.events ? null : snapshot(),
    events: null,
    present: 1,
    server_time: 1_000,
    ...more,
  };
}

export const vote = (cmd: string, question = "q1"): Command => ({ type: "vote", cmd, question });

/** A session with a clock of its own; collects what it wants done. */
export class Bench {
  now = 0;
  readonly session: Session;
  readonly log: Output[] = [];

  constructor(options: Partial<SessionOptions> = {}) {
    this.session = new Session({
      session: "demo",
      credentials: { link: null, personal: null },
      random: () => 0.5,
      ...options,
    });
  }

  /** What the last inputs caused, in order. */
  take(): Output[] {
    const outputs = this.session.drain();
    this.log.push(...outputs);
    return outputs;
  }

  /** Messages sent by the last inputs. */
  sent(): Record<string, unknown>[] {
    return this.take().flatMap((o) => (o.kind === "send" ? [JSON.parse(o.text) as Record<string, unknown>] : []));
  }

  receive(message: ServerMessage): void {
    this.session.socketReceived(JSON.stringify(message), this.now);
  }

  /** Moves the clock to the next deadline and lets it fire. Returns how long that took. */
  fire(): number {
    const due = this.session.deadline();
    expect(due).not.toBeNull();
    const waited = (due as number) - this.now;
    this.now = due as number;
    this.session.tick(this.now);
    return waited;
  }

  /** Opens the socket of the attempt that was just started. Returns the join. */
  join(offer: string | null = null): Record<string, unknown> {
    const open = this.take().findLast((output) => output.kind === "open");
    expect(open).toBeDefined();
    this.session.socketOpened(this.now);
    this.session.offerReady((open as { attempt: number }).attempt, offer, this.now);
    return this.sent()[0] as Record<string, unknown>;
  }

  /** From nothing to live. */
  goLive(message: Partial<Joined> = {}): void {
    this.session.start(this.now);
    this.join();
    this.receive(joined(message));
    this.take();
  }
}

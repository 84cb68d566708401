/**
 * Commands that are not on the server's disk yet. They outlive the socket, and through `unacknowledged` the page too;
 * they are sent again with the same `cmd`, so that sending twice changes nothing.
 */

import type { Command } from "./protocol";

/** A person cannot do more than this while offline; the bound keeps a stuck page from growing without end. */
export const OUTBOX_MAX = 200;

interface Entry {
  readonly command: Command;
  /** When it was last sent on the present socket, in ms; null when not. */
  sentAt: number | null;
  /** Position of its event once it is acknowledged. */
  ackedAt: number | null;
}

export class Outbox {
  private readonly entries = new Map<string, Entry>();

  constructor(restored: readonly Command[] = []) {
    for (const command of restored.slice(-OUTBOX_MAX)) this.add(command);
  }

  get full(): boolean {
    return this.entries.size >= OUTBOX_MAX;
  }

  /** What must be kept and sent again, oldest first. */
  get unacknowledged(): Command[] {
    return [...this.entries.values()].filter((e) => e.ackedAt === null).map((e) => e.command);
  }

  /** Commands whose effect the state does not show yet: unacknowledged ones, and acknowledged ones whose event is still on its way. */
  get unseen(): Command[] {
    return [...this.entries.values()].map((e) => e.command);
  }

  /** When the oldest command that waits for its acknowledgement was sent, in ms; null when none waits. */
  get waitingSince(): number | null {
    for (const entry of this.entries.values()) if (entry.ackedAt === null && entry.sentAt !== null) return entry.sentAt;
    return null;
  }

  add(command: Command): void {
    this.entries.set(command.cmd, { command, sentAt: null, ackedAt: null });
  }

  /** Takes what has not been sent on the present socket, oldest first, and marks it as sent. */
  takeUnsent(now: number): Command[] {
    const unsent = [...this.entries.values()].filter((e) => e.sentAt === null && e.ackedAt === null);
    for (const entry of unsent) entry.sentAt = now;
    return unsent.map((e) => e.command);
  }

  /** The socket is gone: everything unacknowledged must be sent again. */
  socketLost(): void {
    for (const entry of this.entries.values()) entry.sentAt = null;
  }

  /** Marks a command as acknowledged. Returns it, or undefined if none waits under that id. */
  acknowledge(cmd: string, seq: number): Command | undefined {
    const entry = this.entries.get(cmd);
    if (entry === undefined || entry.ackedAt !== null) return undefined;
    entry.ackedAt = seq;
    return entry.command;
  }

  /** Forgets a command that was refused. Returns it, or undefined if none waits under that id. */
  refuse(cmd: string): Command | undefined {
    const entry = this.entries.get(cmd);
    if (entry === undefined || entry.ackedAt !== null) return undefined;
    this.entries.delete(cmd);
    return entry.command;
  }

  /** The state has reached `seq`: acknowledged commands up to there are visible in it. */
  reached(seq: number): void {
    for (const [cmd, entry] of this.entries) if (entry.ackedAt !== null && entry.ackedAt <= seq) this.entries.delete(cmd);
  }
}

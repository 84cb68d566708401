/** Gathers reactions: as fast as a person taps, at most four messages a second go out. */

import type { React } from "./protocol";

/** Two kinds in turn still stay within what a socket may send. */
export const SEND_EVERY_MS = 250;
/** Most taps in one message. */
export const COUNT_MAX = 50;

export class Taps {
  private readonly waiting = new Map<React["reaction"], number>();
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly send: (message: React) => void) {}

  add(reaction: React["reaction"]): void {
    this.waiting.set(reaction, Math.min(COUNT_MAX, (this.waiting.get(reaction) ?? 0) + 1));
    if (this.timer === undefined) this.next();
  }

  close(): void {
    clearTimeout(this.timer);
    this.waiting.clear();
  }

  /** The kind that waits longest goes first; the first tap goes at once. */
  private next(): void {
    this.timer = undefined;
    const [first] = this.waiting;
    if (first === undefined) return;
    const [reaction, count] = first;
    this.waiting.delete(reaction);
    this.timer = setTimeout(() => this.next(), SEND_EVERY_MS);
    this.send({ type: "react", reaction, count });
  }
}

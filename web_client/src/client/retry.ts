/** Tries something again later, with backoff: one pending try at a time. */

import { Backoff } from "./backoff";

export class Retry {
  private readonly backoff = new Backoff(Math.random);
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** Calls `attempt` after the next delay, or after `atLeastMs` where that is longer. */
  schedule(attempt: () => void, atLeastMs = 0): void {
    this.cancel();
    this.timer = setTimeout(attempt, Math.max(atLeastMs, this.backoff.next()));
  }

  cancel(): void {
    clearTimeout(this.timer);
  }

  succeeded(): void {
    this.cancel();
    this.backoff.reset();
  }
}

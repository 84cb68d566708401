/** Commands of one part of a page, with the refusal of the last one. */

import type { CommandFailure, Wish } from "../client";
import type { Live } from "./live.svelte";

/** A refusal, and when it came: what counts down to another try needs to know. */
export interface Refused extends CommandFailure {
  readonly at: number;
}

export class Act {
  refused = $state.raw<Refused | null>(null);
  busy = $state(false);

  constructor(private readonly live: Live) {}

  /** Whether the command is on the server's disk; else `refused` says why not. */
  async send(wish: Wish): Promise<boolean> {
    this.refused = null;
    this.busy = true;
    try {
      await this.live.client.send(wish);
      return true;
    } catch (failure) {
      this.refused = refusedNow(failure as CommandFailure);
      return false;
    } finally {
      this.busy = false;
    }
  }
}

export function refusedNow({ code, retryAfterMs }: CommandFailure): Refused {
  return { code, retryAfterMs, at: Date.now() };
}

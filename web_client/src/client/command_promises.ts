/** What the page was promised of its commands: each is stored, or refused with the reason. */

import type { Ack } from "./protocol";
import type { CommandFailure } from "./session_io";

/** The server refused a command. `code` is one of PROTOCOL.md, or `left` when the session is over for this page. */
export class CommandError extends Error {
  constructor(
    readonly code: string,
    readonly retryAfterMs: number | null,
  ) {
    super(code);
  }
}

export class CommandPromises {
  private readonly waiting = new Map<string, { resolve: (id: Ack["id"]) => void; reject: (error: CommandError) => void }>();

  /** One of the two is called when the command of this id is settled. */
  add(cmd: string, resolve: (id: Ack["id"]) => void, reject: (error: CommandError) => void): void {
    this.waiting.set(cmd, { resolve, reject });
  }

  /** One of an earlier load of the page has nobody who waits for it. */
  settle(cmd: string, id: Ack["id"], failure: CommandFailure | null): void {
    const promise = this.waiting.get(cmd);
    this.waiting.delete(cmd);
    if (failure === null) promise?.resolve(id);
    else promise?.reject(new CommandError(failure.code, failure.retryAfterMs));
  }

  /** The session is over for this page: none of them will be heard of again. */
  left(): void {
    for (const cmd of [...this.waiting.keys()]) this.settle(cmd, null, LEFT);
  }
}

export const LEFT: CommandFailure = { code: "left", retryAfterMs: null };

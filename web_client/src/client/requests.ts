/**
 * Requests about media (`publish`, `unpublish`, `receive`, `restart`). Their replies carry no id, so one is on its way at a time;
 * the rest wait. They belong to a socket: when it is lost they fail, and whoever asked decides anew after the next join.
 */

import type {
  ErrorMessage,
  Publish,
  Published,
  Receive,
  Receiving,
  Restart,
  Restarted,
  ServerMessage,
  Unpublish,
  Unpublished,
} from "./protocol";

export type MediaRequest = Publish | Unpublish | Receive | Restart;
export type MediaReply = Published | Unpublished | Receiving | Restarted;
export interface MediaFailure {
  code: string;
  retryAfterMs: number | null;
}
export type MediaResult = { ok: true; reply: MediaReply } | { ok: false; failure: MediaFailure };

const REPLY_OF = { publish: "published", unpublish: "unpublished", receive: "receiving", restart: "restarted" } as const;

interface Waiting {
  readonly id: number;
  readonly message: MediaRequest;
}

export class Requests {
  private readonly queue: Waiting[] = [];
  private current: (Waiting & { sentAt: number }) | null = null;

  /** When the request on its way was sent, in ms; null when there is none. */
  get waitingSince(): number | null {
    return this.current?.sentAt ?? null;
  }

  add(id: number, message: MediaRequest): void {
    this.queue.push({ id, message });
  }

  /** Takes the next request to send, if none is on its way. */
  takeNext(now: number): MediaRequest | null {
    const next = this.current === null ? this.queue.shift() : undefined;
    if (next === undefined) return null;
    this.current = { ...next, sentAt: now };
    return next.message;
  }

  /** Finishes the request that `message` answers. Returns its id and result, or null if it answers none. */
  settle(message: ServerMessage): { id: number; result: MediaResult } | null {
    if (this.current === null) return null;
    const { id, message: request } = this.current;
    const result = resultFrom(message, REPLY_OF[request.type]);
    if (result === null) return null;
    this.current = null;
    return { id, result };
  }

  /** The socket is gone. Returns the ids that will get no reply. */
  socketLost(): number[] {
    const lost = [...(this.current ? [this.current] : []), ...this.queue].map((w) => w.id);
    this.current = null;
    this.queue.length = 0;
    return lost;
  }
}

function resultFrom(message: ServerMessage, expected: MediaReply["type"]): MediaResult | null {
  if (message.type === expected) return { ok: true, reply: message as MediaReply };
  if (message.type === "error" && message.cmd === undefined) return { ok: false, failure: failureFrom(message) };
  return null;
}

function failureFrom(error: ErrorMessage): MediaFailure {
  return { code: error.code, retryAfterMs: error.retry_after_ms ?? null };
}

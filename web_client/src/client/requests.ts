/**
 * Requests: about media, for duplicates, for the audit log. Their replies carry no id, so one is on its way at a time;
 * the rest wait. They belong to a socket: when it is lost they fail, and whoever asked decides anew after the next join.
 */

import type {
  Audit,
  Duplicates,
  ErrorMessage,
  GetTime,
  JoinReport,
  Published,
  React,
  Receiving,
  Request,
  Restarted,
  ServerMessage,
  Switch,
  Unpublished,
  Watch,
} from "./protocol";

/** The others have no reply, or one that comes as something else does. */
export type ServerRequest = Exclude<Request, React | Switch | Watch | JoinReport | GetTime>;
export type ServerReply = Published | Unpublished | Receiving | Restarted | Duplicates | Audit;
export interface RequestFailure {
  code: string;
  retryAfterMs: number | null;
}
export type RequestResult = { ok: true; reply: ServerReply } | { ok: false; failure: RequestFailure };

const REPLY_OF = {
  publish: "published",
  unpublish: "unpublished",
  receive: "receiving",
  restart: "restarted",
  duplicates: "duplicates",
  audit: "audit",
} as const;

interface Waiting {
  readonly id: number;
  readonly message: ServerRequest;
}

export class Requests {
  private readonly queue: Waiting[] = [];
  private current: (Waiting & { sentAt: number }) | null = null;

  /** When the request on its way was sent, in ms; null when there is none. */
  get waitingSince(): number | null {
    return this.current?.sentAt ?? null;
  }

  add(id: number, message: ServerRequest): void {
    this.queue.push({ id, message });
  }

  /** Takes the next request to send, if none is on its way. */
  takeNext(now: number): ServerRequest | null {
    const next = this.current === null ? this.queue.shift() : undefined;
    if (next === undefined) return null;
    this.current = { ...next, sentAt: now };
    return next.message;
  }

  /** Finishes the request that `message` answers. Returns its id and result, or null if it answers none. */
  settle(message: ServerMessage): { id: number; result: RequestResult } | null {
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

function resultFrom(message: ServerMessage, expected: ServerReply["type"]): RequestResult | null {
  if (message.type === expected) return { ok: true, reply: message as ServerReply };
  if (message.type === "error" && message.cmd === undefined) return { ok: false, failure: failureFrom(message) };
  return null;
}

function failureFrom(error: ErrorMessage): RequestFailure {
  return { code: error.code, retryAfterMs: error.retry_after_ms ?? null };
}

/** What a page says when it makes a client: which session, as whom, and what of it the browser keeps. */

import { browserStorage, Keeper } from "./keeper";
import type { Place } from "./session_io";

export interface LiveClientOptions {
  /** Session id. */
  session: string;
  /** The WebSocket; by default `/ws` on the page's own server. */
  url?: string;
  /** Token from the link; left out for open sessions, and on later visits (it is kept). */
  token?: string | null;
  /** Display name, 1–40 characters; a name inside the token wins. */
  name?: string;
  /** Whether to receive media; true by default. */
  receive?: boolean;
  /** Prefix of the storage keys. Pages that are different persons in one browser need different ones. */
  storageKey?: string;
}

/** What keeps tokens and commands of this session, and of nobody else. */
export function keeperOf({ session, storageKey }: Pick<LiveClientOptions, "session" | "storageKey">): Keeper {
  return new Keeper(storageKey ?? `livetrial:${session}`, browserStorage("localStorage"), browserStorage("sessionStorage"));
}

/** The session, and as whom: what the page says and what was kept of earlier visits. */
export function placeOf({ session, name, token }: Pick<LiveClientOptions, "session" | "token" | "name">, keeper: Keeper): Place {
  const device = keeper.device(newId);
  return {
    session,
    ...(device === null ? {} : { device }),
    ...(name === undefined ? {} : { name }),
    credentials: keeper.credentials(token ?? null),
    restored: keeper.commands(),
  };
}

/** The WebSocket of a client. */
export function socketUrl({ url }: Pick<LiveClientOptions, "url">): string {
  return url ?? `${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}/ws`;
}

/** 128 random bits in 32 of the characters that a `cmd` may have. */
export function newId(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** What this browser knows of a draw from when its visitor took part: the page that verifies it need not trust the server for that. */

import { recall, remember } from "./stored";

export interface OwnEntry {
  readonly nonce: string;
  /** As it was told before the draw was closed. */
  readonly commitment: string;
}

const keyOf = (session: string, draw: string): string => `livetrial:draw:${session}:${draw}`;

export function keepEntry(session: string, draw: string, entry: OwnEntry): void {
  remember("localStorage", keyOf(session, draw), JSON.stringify(entry));
}

/** Null where this browser has not taken part, or has forgotten. */
export function keptEntry(session: string, draw: string): OwnEntry | null {
  try {
    const { nonce, commitment } = JSON.parse(recall("localStorage", keyOf(session, draw)) ?? "null") as Record<string, unknown>;
    return typeof nonce === "string" && typeof commitment === "string" ? { nonce, commitment } : null;
  } catch {
    return null;
  }
}

/**
 * From text frames to typed server messages. What passes here is not checked again; what does not pass is dropped and
 * counted by the caller, because one malformed message must not end a session. Unknown fields are ignored, and so are
 * unknown messages and events: the server may be newer.
 */

import type { Event, ServerMessage } from "./protocol";
import { hasFields, isRecord, type Fields } from "./shape";
import { EVENTS, MESSAGES, STRUCTS } from "./shapes";

/** An event of a kind that this version does not know: it changes nothing. */
export interface FutureEvent {
  kind: "future";
  seq: number;
  at: number;
}

export type SessionEvent = Event | FutureEvent;

/** Returns the message, or null where the text is not a well-formed message that this version knows. */
export function decode(text: string): ServerMessage | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isRecord(value)) return null;
  const struct = entry(MESSAGES, value["type"]);
  return struct !== undefined && isStruct(struct, value) ? (value as unknown as ServerMessage) : null;
}

/** Tells events that the reducer knows from those of a newer server. */
export function isKnownEvent(event: SessionEvent): event is Event {
  return entry(EVENTS, event.kind) !== undefined;
}

const FUTURE: Fields = { kind: "string", seq: "int", at: "int" };

function isStruct(name: string, value: unknown): boolean {
  if (!isRecord(value)) return false;
  if (name !== "Event") return hasFields(value, entry(STRUCTS, name) ?? {}, isStruct);
  return hasFields(value, entry(STRUCTS, entry(EVENTS, value["kind"])) ?? FUTURE, isStruct);
}

function entry<T>(table: Readonly<Record<string, T>>, key: unknown): T | undefined {
  return typeof key === "string" && Object.hasOwn(table, key) ? table[key] : undefined;
}

/**
 * From text frames to typed server messages. What passes here is not checked again; what does not pass is dropped and
 * counted by the caller, because one malformed message must not end a session. Unknown fields are ignored, and so are
 * unknown messages and events: the server may be newer.
 */

import type * as wire from "./protocol";

type Guard<T> = (value: unknown) => value is T;
type Fields<T> = { [K in keyof T]-?: Guard<T[K]> };
type MessageType = wire.ServerMessage["type"];
type EventKind = wire.Event["kind"];

/** An event of a kind that this version does not know: it moves the position in the log and changes nothing. */
export interface FutureEvent {
  kind: "future";
  seq: number;
  at: number;
}

export type SessionEvent = wire.Event | FutureEvent;

/** Returns the message, or null where the text is not a well-formed message that this version knows. */
export function decode(text: string): wire.ServerMessage | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isRecord(value) || !hasOwn(messages, value["type"])) return null;
  const type = value["type"] as MessageType;
  return messages[type](value) ? (value as unknown as wire.ServerMessage) : null;
}

/** Tells events that the reducer knows from those of a newer server. */
export function isKnownEvent(event: SessionEvent): event is wire.Event {
  return hasOwn(events, event.kind);
}

const isRecord = (v: unknown): v is Record<string, unknown> => typeof v === "object" && v !== null && !Array.isArray(v);
const hasOwn = (table: object, key: unknown): boolean => typeof key === "string" && Object.hasOwn(table, key);

const text: Guard<string> = (v) => typeof v === "string";
const flag: Guard<boolean> = (v) => typeof v === "boolean";
const count: Guard<number> = (v): v is number => Number.isSafeInteger(v) && (v as number) >= 0;
const nullable =
  <T>(guard: Guard<T>): Guard<T | null> =>
  (v): v is T | null =>
    v === null || guard(v);
const optional =
  <T>(guard: Guard<T>): Guard<T | undefined> =>
  (v): v is T | undefined =>
    v === undefined || guard(v);
const list =
  <T>(guard: Guard<T>): Guard<T[]> =>
  (v): v is T[] =>
    Array.isArray(v) && v.every(guard);
const oneOf =
  <T extends string>(...values: T[]): Guard<T> =>
  (v): v is T =>
    values.includes(v as T);
const object = <T extends object>(fields: Fields<T>): Guard<T> => {
  const entries = Object.entries(fields) as [string, Guard<unknown>][];
  return (v): v is T => isRecord(v) && entries.every(([name, guard]) => guard(v[name]));
};

const question = object<wire.Question>({
  id: text,
  text,
  author: object<wire.Person>({ id: text, name: text }),
  votes: count,
  state: oneOf("queued", "answering", "answered"),
  asked_at: count,
  voted: flag,
});

const events: { [K in EventKind]: Guard<Extract<wire.Event, { kind: K }>> } = {
  asked: object<wire.AskedEvent>({ kind: oneOf("asked"), seq: count, at: count, question }),
  voted: object<wire.VotedEvent>({
    kind: oneOf("voted"),
    seq: count,
    at: count,
    question: text,
    votes: count,
    mine: optional(flag) as Guard<boolean>,
  }),
  answering: object<wire.AnsweringEvent>({ kind: oneOf("answering"), seq: count, at: count, question: nullable(text) }),
  answered: object<wire.AnsweredEvent>({ kind: oneOf("answered"), seq: count, at: count, question: text }),
};

const futureEvent = object<{ kind: string; seq: number; at: number }>({ kind: text, seq: count, at: count });

const event: Guard<wire.Event> = (v): v is wire.Event => {
  if (!isRecord(v)) return false;
  return hasOwn(events, v["kind"]) ? events[v["kind"] as EventKind](v) : futureEvent(v);
};

const sourceKind = oneOf<wire.SourceKind>("camera", "screen", "microphone");

const slots = list(
  object<wire.Slot>({
    slot: text,
    mid: text,
    source: nullable(
      object<wire.Source>({
        publisher: text,
        name: text,
        kind: sourceKind,
        publication: text,
      }),
    ),
  }),
);

const iceServers = list(
  object<wire.IceServer>({
    urls: list(text),
    username: optional(text) as Guard<string>,
    credential: optional(text) as Guard<string>,
  }),
);

const messages: { [K in MessageType]: Guard<Extract<wire.ServerMessage, { type: K }>> } = {
  joined: object<wire.Joined>({
    type: oneOf("joined"),
    you: object<wire.You>({ id: text, name: text, role: oneOf("host", "moderator", "member") }),
    token: nullable(text),
    session: object<wire.SessionInfo>({ id: text, title: text }),
    answer: nullable(text),
    media_error: nullable(object<wire.ErrorInfo>({ code: text, message: text })),
    ice_servers: optional(iceServers) as Guard<wire.IceServer[]>,
    slots,
    seq: count,
    snapshot: nullable(object<wire.Snapshot>({ questions: list(question), answering: nullable(text) })),
    events: nullable(list(event)),
    present: count,
    server_time: count,
  }),
  waiting: object<wire.Waiting>({ type: oneOf("waiting"), place: count }),
  receiving: object<wire.Receiving>({ type: oneOf("receiving"), answer: text, slots }),
  published: object<wire.Published>({ type: oneOf("published"), publication: text, answer: text }),
  restarted: object<wire.Restarted>({ type: oneOf("restarted"), connection: oneOf("receive", "publish"), answer: text }),
  unpublished: object<wire.Unpublished>({ type: oneOf("unpublished") }),
  ack: object<wire.Ack>({ type: oneOf("ack"), cmd: text, seq: count, question: nullable(text) }),
  events: object<wire.Events>({ type: oneOf("events"), events: list(event) }),
  presence: object<wire.Presence>({ type: oneOf("presence"), present: count }),
  slots: object<wire.Slots>({ type: oneOf("slots"), slots }),
  encodings: object<wire.Encodings>({
    type: oneOf("encodings"),
    publication: text,
    kind: sourceKind,
    active: list(text),
  }),
  speakers: object<wire.Speakers>({ type: oneOf("speakers"), speakers: list(text) }),
  media_closed: object<wire.MediaClosed>({
    type: oneOf("media_closed"),
    connection: oneOf("receive", "publish"),
    reason: text,
  }),
  error: object<wire.ErrorMessage>({
    type: oneOf("error"),
    code: text,
    message: text,
    cmd: optional(text) as Guard<string>,
    retry_after_ms: optional(count) as Guard<number>,
  }),
};

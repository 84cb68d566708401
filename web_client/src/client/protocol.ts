/**
 * The wire protocol, version 1, as types: `signaling/PROTOCOL.md` in TypeScript, in the same order.
 * Names are those on the wire. Times are milliseconds since 1970 by the server's clock.
 */

export const PROTOCOL_VERSION = 1;
export const QUESTION_MAX_CHARS = 500;
export const NAME_MAX_CHARS = 40;

// ---- What messages are made of -------------------------------------------------------------------------------------

export type Role = "host" | "moderator" | "member";
export type QuestionState = "queued" | "answering" | "answered";
export type SourceKind = "camera" | "screen" | "microphone";

/** The sections of a receiving offer, in the order of the offer: videos first, then audios. */
export const VIDEO_SLOTS = ["main", "stage-1", "stage-2", "stage-3"] as const;
export const AUDIO_SLOTS = ["audio-1", "audio-2", "audio-3", "audio-4"] as const;
export type VideoSlot = (typeof VIDEO_SLOTS)[number];
export type AudioSlot = (typeof AUDIO_SLOTS)[number];

export interface Person {
  id: string;
  name: string;
}

export interface You extends Person {
  role: Role;
}

export interface SessionInfo {
  id: string;
  title: string;
}

export interface Question {
  id: string;
  text: string;
  author: Person;
  votes: number;
  state: QuestionState;
  asked_at: number;
  /** Whether the person who reads this has voted. */
  voted: boolean;
}

/** The whole state of a session at one position of the log. */
export interface Snapshot {
  questions: Question[];
  answering: string | null;
}

export interface Source {
  publisher: string;
  name: string;
  kind: SourceKind;
  publication: string;
}

export interface Slot {
  slot: string;
  mid: string;
  source: Source | null;
}

export interface ErrorInfo {
  code: string;
  message: string;
}

/** As `RTCConfiguration.iceServers` takes it. */
export interface IceServer {
  urls: string[];
  username?: string;
  credential?: string;
}

// ---- Client to server ----------------------------------------------------------------------------------------------

export interface Join {
  type: "join";
  v: typeof PROTOCOL_VERSION;
  session: string;
  token?: string;
  name?: string;
  offer?: string;
  last_event?: number;
}

export interface Receive {
  type: "receive";
  offer: string;
}

export interface Publish {
  type: "publish";
  offer: string;
}

/** Begins ICE anew on a connection that stays. */
export interface Restart {
  type: "restart";
  connection: "receive" | "publish";
  offer: string;
}

export interface Unpublish {
  type: "unpublish";
}

/** `cmd` makes a command safe to send twice: 1–40 characters of `[A-Za-z0-9_-]`, unique for each thing a person does. */
export type Command =
  | { type: "ask"; cmd: string; text: string }
  | { type: "vote"; cmd: string; question: string }
  | { type: "unvote"; cmd: string; question: string }
  | { type: "answering"; cmd: string; question: string | null }
  | { type: "answered"; cmd: string; question: string };

export type ClientMessage = Join | Receive | Publish | Restart | Unpublish | Command;

// ---- Events of the session log -------------------------------------------------------------------------------------

export interface AskedEvent {
  kind: "asked";
  seq: number;
  at: number;
  question: Question;
}

export interface VotedEvent {
  kind: "voted";
  seq: number;
  at: number;
  question: string;
  votes: number;
  /** Present only for the person whose vote it is. */
  mine?: boolean;
}

export interface AnsweringEvent {
  kind: "answering";
  seq: number;
  at: number;
  question: string | null;
}

export interface AnsweredEvent {
  kind: "answered";
  seq: number;
  at: number;
  question: string;
}

export type Event = AskedEvent | VotedEvent | AnsweringEvent | AnsweredEvent;

// ---- Server to client ----------------------------------------------------------------------------------------------

/** Exactly one of `snapshot` and `events` is not null. */
export interface Joined {
  type: "joined";
  you: You;
  token: string | null;
  session: SessionInfo;
  answer: string | null;
  media_error: ErrorInfo | null;
  /** Left out by servers that know none. */
  ice_servers?: IceServer[];
  slots: Slot[];
  seq: number;
  snapshot: Snapshot | null;
  events: Event[] | null;
  present: number;
  server_time: number;
}

export interface Receiving {
  type: "receiving";
  answer: string;
  slots: Slot[];
}

export interface Published {
  type: "published";
  publication: string;
  answer: string;
}

export interface Restarted {
  type: "restarted";
  connection: "receive" | "publish";
  answer: string;
}

export interface Unpublished {
  type: "unpublished";
}

/** The command is on disk. */
export interface Ack {
  type: "ack";
  cmd: string;
  seq: number;
  question: string | null;
}

export interface Events {
  type: "events";
  events: Event[];
}

export interface Presence {
  type: "presence";
  present: number;
}

export interface Slots {
  type: "slots";
  slots: Slot[];
}

/** The encodings of a simulcast that somebody watches, by rid and lowest first: the publisher turns the others off. */
export interface Encodings {
  type: "encodings";
  publication: string;
  kind: SourceKind;
  active: string[];
}

/** Ids of the people who speak, always the whole list. */
export interface Speakers {
  type: "speakers";
  speakers: string[];
}

export interface MediaClosed {
  type: "media_closed";
  connection: "receive" | "publish";
  reason: string;
}

/** `message` is English, for logs; pages translate by `code`. */
export interface ErrorMessage {
  type: "error";
  code: string;
  message: string;
  cmd?: string;
  retry_after_ms?: number;
}

export type ServerMessage =
  | Joined
  | Receiving
  | Published
  | Restarted
  | Unpublished
  | Ack
  | Events
  | Presence
  | Slots
  | Encodings
  | Speakers
  | MediaClosed
  | ErrorMessage;

// ---- Errors and close codes ----------------------------------------------------------------------------------------

export const ERROR_CODES = [
  "bad_message",
  "bad_offer",
  "unsupported_media",
  "forbidden",
  "not_found",
  "closed",
  "text_empty",
  "text_too_long",
  "wrong_state",
  "bad_choice",
  "text_blocked",
  "link_blocked",
  "muted",
  "not_invited",
  "stage_full",
  "too_many",
  "banned",
  "rate_limited",
  "busy",
  "token_expired",
  "token_invalid",
  "session_unknown",
] as const;
export type ErrorCode = (typeof ERROR_CODES)[number];

export const CLOSE_CODES = {
  goingAway: 1001,
  networkLost: 1006,
  tooLong: 1009,
  internalError: 1011,
  restart: 1012,
  protocolBroken: 4400,
  tokenRefused: 4401,
  banned: 4403,
  sessionUnknown: 4404,
  joinTimeout: 4408,
  tooSlow: 4413,
} as const;

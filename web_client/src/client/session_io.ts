/** What goes into a `Session` and what comes out of it. */

import type { ClosedReason } from "./closing";
import type { Ack, Command, Encodings, ErrorMessage, Joined, LogHash, MediaClosed, Presence, Quality, Slots, Speakers, TimeIs, Waiting } from "./protocol";
import type { RequestResult } from "./requests";

export type Status =
  | { readonly name: "connecting" }
  | { readonly name: "live" }
  | { readonly name: "reconnecting" }
  | { readonly name: "closed"; readonly reason: ClosedReason };

/** `link` came with the address of the page; `personal` was given by the server and names this person. */
export interface Credentials {
  readonly link: string | null;
  readonly personal: string | null;
}

export interface CommandFailure {
  readonly code: string;
  readonly retryAfterMs: number | null;
}

export type Output =
  /** Open a socket, and beside it make the offer for the join: `offerReady(attempt, …)`. */
  | { kind: "open"; attempt: number }
  | { kind: "send"; text: string }
  /** Give up the socket; nothing more is wanted from it. */
  | { kind: "close" }
  | { kind: "status"; status: Status }
  /** The message that joins or switches has gone out. */
  | { kind: "asked" }
  | { kind: "joined"; message: Joined }
  /** The state or the outbox is not what it was. */
  | { kind: "changed" }
  /** A command is on disk (`failure` is null, `id` is what it made or was about) or refused. */
  | { kind: "settled"; command: Command; id: Ack["id"]; failure: CommandFailure | null }
  | { kind: "reply"; id: number; result: RequestResult }
  | { kind: "notice"; message: Presence | Quality | Slots | Encodings | Speakers | MediaClosed | LogHash | Waiting | TimeIs | ErrorMessage }
  /** Store these for the next page load. */
  | { kind: "credentials"; credentials: Credentials };

/** Which session, and as whom. */
export interface Place {
  session: string;
  name?: string;
  /** Made once by this browser: a ban holds for it too. */
  device?: string;
  credentials: Credentials;
  /** Unacknowledged commands of an earlier page load. */
  restored?: readonly Command[];
}

export interface SessionOptions extends Place {
  random: () => number;
}


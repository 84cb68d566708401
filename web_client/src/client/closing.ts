/** What a closed socket means for the session: the table "Close codes" of PROTOCOL.md in one function. */

import { CLOSE_CODES } from "./protocol";

export type ClosedReason =
  /** The page left by itself. */
  | "left"
  | "message_too_long"
  | "protocol_broken"
  | "token_expired"
  | "token_invalid"
  | "banned"
  | "session_unknown";

/** `lastError` is the code of the last `error` message before the socket closed. */
export function afterClose(code: number, lastError: string | null): "reconnect" | ClosedReason {
  switch (code) {
    case CLOSE_CODES.tooLong:
      return "message_too_long";
    case CLOSE_CODES.protocolBroken:
      return "protocol_broken";
    case CLOSE_CODES.tokenRefused:
      return lastError === "token_expired" ? "token_expired" : "token_invalid";
    case CLOSE_CODES.banned:
      return "banned";
    case CLOSE_CODES.sessionUnknown:
      return "session_unknown";
    default:
      // Everything else is trouble on the way (1001, 1006, 1011, 1012, 4408, 4413, and codes that proxies make up).
      return "reconnect";
  }
}

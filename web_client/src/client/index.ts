export { afterClose, type ClosedReason } from "./closing";
export { CommandError } from "./command_promises";
export { LiveClient, type LiveClientEvents, type Wish } from "./live_client";
export type { LiveClientOptions } from "./live_options";
export type * from "./protocol";
export {
  ANNOUNCEMENT_MAX_CHARS,
  AUDIO_SLOTS,
  CHAT_MAX_CHARS,
  ERROR_CODES,
  FOR_GOOD,
  NAME_MAX_CHARS,
  PROTOCOL_VERSION,
  QUESTION_MAX_CHARS,
  REACTIONS,
  REPLY_MAX_CHARS,
  VIDEO_SLOTS,
} from "./protocol";
export { CAMERA_ENCODINGS } from "./encodings";
export { type PublishOptions, type PublishState, type PublishTracks } from "./publish";
export type { ReceiveState } from "./receive";
export type { CommandFailure, Status } from "./session_io";
export { audioOf, sourceIn } from "./slots";
export { bitrate, type ConnectionStats } from "./stats";
export type { SessionState } from "./state";
export { inOwnOrder, OWN_ORDERS, type OwnOrder } from "./own_order";
export { EMPTY_VIEW, type ShownQuestion, type View } from "./view";

/** The wire protocol, version 1: the types that are made of `signaling/messages.py`, and the constants of PROTOCOL.md. */

import type { Command, Error as ServerError } from "./wire";

export type * from "./wire";
export { ERROR_CODES } from "./wire";
/** `message` is English, for logs; pages translate by `code`. */
export type ErrorMessage = ServerError;

export const PROTOCOL_VERSION = 1;
export const QUESTION_MAX_CHARS = 500;
export const REPLY_MAX_CHARS = 500;
export const CHAT_MAX_CHARS = 300;
export const ANNOUNCEMENT_MAX_CHARS = 500;
export const NAME_MAX_CHARS = 40;
/** `muted_until` of who is muted for good. */
export const FOR_GOOD = 9_999_999_999_999;

/** The sections of a receiving offer, in the order of the offer: videos first, then audios. */
export const VIDEO_SLOTS = ["main", "stage-1", "stage-2", "stage-3"] as const;
export const AUDIO_SLOTS = ["audio-1", "audio-2", "audio-3", "audio-4"] as const;
export type VideoSlot = (typeof VIDEO_SLOTS)[number];
export type AudioSlot = (typeof AUDIO_SLOTS)[number];

export const REACTIONS = ["heart", "clap", "laugh", "wow", "like", "fire"] as const;

const KNOWN_COMMANDS: Record<Command["type"], true> = {
  ask: true, edit: true, withdraw: true, vote: true, unvote: true, approve: true, decline: true, set_labels: true,
  set_place: true, write_reply: true, merge: true, unmerge: true, answering: true, answered: true, next_up: true,
  mark: true, configure: true, mute: true, unmute: true, ban: true, unban: true, set_role: true, block_add: true,
  block_remove: true, delete: true, undelete: true, poll_make: true, poll_open: true, poll_close: true, poll_vote: true,
  trial_add: true, hand_raise: true, hand_lower: true, hand_invite: true, stage_enter: true, stage_leave: true,
  stage_mute: true, say: true, announce: true, announcement_pin: true, announcement_withdraw: true, product_add: true,
  product_pin: true, product_click: true, product_sample: true, draw_open: true, draw_enter: true, draw_close: true,
  draw_cancel: true,
};
export const COMMAND_TYPES: ReadonlySet<unknown> = new Set(Object.keys(KNOWN_COMMANDS));

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

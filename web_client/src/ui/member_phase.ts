/** What the picture shows in place of a picture: one word for where a member stands. */

import type { ReceiveState, Source, Status } from "../client";

export type MemberPhase = "connecting" | "waiting" | "opening" | "live" | "voice" | "paused" | "reconnecting" | "ended" | "closed";

export interface MemberSituation {
  status: Status;
  receive: ReceiveState;
  /** What the main slot and its sound show. */
  picture: Source | null;
  sound: Source | null;
  /** A frame of the present source has been shown. */
  playing: boolean;
  /** The server sends nothing of the picture, because this connection bears no more than its sound. */
  paused: boolean;
  /** There was a source before. */
  hadSource: boolean;
  /** The page has joined at least once. */
  joined: boolean;
}

export function memberPhase(now: MemberSituation): MemberPhase {
  if (now.status.name === "closed") return "closed";
  if (!now.joined) return "connecting";
  if (now.picture === null && now.sound === null) return idlePhase(now);
  if (now.receive === "reconnecting") return "reconnecting";
  if (now.picture === null) return now.receive === "live" ? "voice" : "opening";
  if (now.paused && now.receive === "live") return "paused";
  return now.playing ? "live" : "opening";
}

export type MemberPill = "connecting" | "waiting" | "live" | "catchingUp" | "lessSharp" | "soundOnly" | "reconnecting" | "closed";

/** What the status pill says; a lost WebSocket counts there even while the picture still runs. */
export function pillOf(phase: MemberPhase, status: Status, picture: PictureTruth): MemberPill {
  if (status.name === "reconnecting") return "reconnecting";
  if (phase === "ended") return "waiting";
  if (phase === "opening") return "connecting";
  if (phase === "voice" || phase === "paused") return "soundOnly";
  if (phase !== "live") return phase;
  if (picture.stalled) return "catchingUp";
  return picture.reduced === null ? "live" : "lessSharp";
}

/** What is true of a picture that is shown. */
export interface PictureTruth {
  /** No new frame has come for a while. */
  stalled: boolean;
  /** Whose connection bears no better picture; null: it is the best that there is. */
  reduced: "link" | "host" | null;
}

function idlePhase(now: MemberSituation): MemberPhase {
  if (now.status.name === "reconnecting") return "reconnecting";
  return now.hadSource ? "ended" : "waiting";
}

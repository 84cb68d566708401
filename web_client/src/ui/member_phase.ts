/** What the picture shows in place of a picture: one word for where a member stands. */

import type { ReceiveState, Source, Status } from "../client";

export type MemberPhase = "connecting" | "waiting" | "opening" | "live" | "voice" | "reconnecting" | "ended" | "closed";

export interface MemberSituation {
  status: Status;
  receive: ReceiveState;
  /** What the main slot and its sound show. */
  picture: Source | null;
  sound: Source | null;
  /** A frame of the present source has been shown. */
  playing: boolean;
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
  return now.playing ? "live" : "opening";
}

/** What the status pill says; a lost WebSocket counts there even while the picture still runs. */
export function pillOf(phase: MemberPhase, status: Status): "connecting" | "waiting" | "live" | "reconnecting" | "closed" {
  if (status.name === "reconnecting") return "reconnecting";
  if (phase === "ended") return "waiting";
  if (phase === "opening") return "connecting";
  return phase === "voice" ? "live" : phase;
}

function idlePhase(now: MemberSituation): MemberPhase {
  if (now.status.name === "reconnecting") return "reconnecting";
  return now.hadSource ? "ended" : "waiting";
}

/** What the picture shows in place of a picture: one word for where a member stands. */

import type { ReceiveState, Source, Status } from "../client";
import type { Patience } from "./steady";

export type MemberPhase = "connecting" | "waiting" | "opening" | "live" | "voice" | "paused" | "reconnecting" | "hostAway" | "ended" | "closed";

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
  /** The host is there, and nothing arrives of what the host sends. */
  hostAway: boolean;
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
  if (phase === "hostAway") return "reconnecting";
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

/** Why the picture is not all that it could be, and what helps, as the texts name it. */
export type Why = "link" | "host" | "soundLink" | "cameraOff" | "catchingUpLink" | "catchingUpHost" | "hostAway" | "reconnecting" | "socket";

/** What a member is told at one time. */
export interface MemberTruth {
  readonly phase: MemberPhase;
  readonly pill: MemberPill;
  readonly why: Why | null;
}

export function truthOf(now: MemberSituation, picture: PictureTruth): MemberTruth {
  const phase = memberPhase(now);
  const pill = pillOf(phase, now.status, picture);
  return { phase, pill, why: whyOf(phase, pill, picture) };
}

export const sameTruth = (one: MemberTruth, other: MemberTruth): boolean =>
  one.phase === other.phase && one.pill === other.pill && one.why === other.why;

/** A second change that comes sooner is not read but seen flickering. */
const APART_MS = 2_000;

/** How `Steady` tells members: bad news at once or nearly, good news when it lasts, and what somebody did at once. */
export function memberPatience(from: MemberTruth, to: MemberTruth): Patience {
  if (from.phase === "reconnecting" && to.phase === "opening") return { stand: 3_000, apart: 0 }; // until the first picture
  if (to.phase === "hostAway") return { stand: 500, apart: 0 }; // or the host has just begun
  if (SUDDEN.has(from.phase) || SUDDEN.has(to.phase)) return { stand: 0, apart: 0 };
  if (from.pill === "reconnecting") return { stand: 500, apart: 0 };
  return { stand: standOf(from, to), apart: APART_MS };
}

/** Of what the page, the host or the session does, not the network. */
const SUDDEN: ReadonlySet<MemberPhase> = new Set(["connecting", "waiting", "opening", "voice", "hostAway", "ended", "closed"]);

function standOf(from: MemberTruth, to: MemberTruth): number {
  if (to.pill === "reconnecting") return 500;
  if (to.pill === "soundOnly") return 1_500; // shorter pauses do not cover the picture
  if (from.pill === "soundOnly") return 2_000;
  if (to.pill === "lessSharp" && from.pill === "live") return 1_000;
  return to.pill === "live" && from.pill === "lessSharp" ? 3_000 : 0;
}

function whyOf(phase: MemberPhase, pill: MemberPill, { reduced }: PictureTruth): Why | null {
  switch (pill) {
    case "catchingUp":
      // What does not reach the server for so long it does not show: where it is not the host's, it is lost on the way here.
      return reduced === "host" ? "catchingUpHost" : "catchingUpLink";
    case "lessSharp":
      return reduced;
    case "soundOnly":
      return phase === "paused" ? "soundLink" : "cameraOff";
    case "reconnecting":
      if (phase === "hostAway") return "hostAway";
      return phase === "live" || phase === "voice" || phase === "paused" ? "socket" : "reconnecting";
    default:
      return null;
  }
}

function idlePhase(now: MemberSituation): MemberPhase {
  if (now.status.name === "reconnecting") return "reconnecting";
  if (!now.hadSource) return "waiting";
  return now.hostAway ? "hostAway" : "ended";
}

/** What the host is told about the own picture: the truth about the uplink in one word. */

import type { ConnectionStats, PublishState, Status } from "../../client";
import type { Patience } from "../../ui/steady";

export type Uplink = "off" | "connecting" | "live" | "reconnecting" | "failed" | "closed";

/** A publication lives on without the WebSocket as long as its own connection does. */
export function uplinkOf(publish: PublishState, status: Status): Uplink {
  return status.name === "closed" ? "closed" : publish.name;
}

/** What the status pill says. Without the WebSocket nobody knows whether the picture still arrives, so it does not say live. */
export function hostPill(uplink: Uplink, status: Status): Uplink {
  if (uplink === "live" && status.name !== "live") return "reconnecting";
  const idle = uplink === "off" || uplink === "failed";
  return idle && (status.name === "connecting" || status.name === "reconnecting") ? status.name : uplink;
}

/** What the host is told of the own picture's way at one time. */
export interface UplinkTruth {
  readonly uplink: Uplink;
  readonly status: Status;
}

export const sameUplink = (one: UplinkTruth, other: UplinkTruth): boolean => one.uplink === other.uplink && one.status.name === other.status.name;

/** How `Steady` tells it: an interruption that is over in a moment is not told, and what somebody did at once. */
export function hostPatience(from: UplinkTruth, to: UplinkTruth): Patience {
  const [before, now] = [hostPill(from.uplink, from.status), hostPill(to.uplink, to.status)];
  if (now === "reconnecting" && before === "live") return { stand: 500, apart: 2_000 };
  return { stand: before === "reconnecting" && now === "live" ? 500 : 0, apart: 0 };
}

/** What keeps members from the best picture: too little room, loss, or a device that is too slow. */
export type Trouble = "weak" | "lossy" | "busy";

/** Between two looks at the own connection. */
export const LOOK_MS = 2_000;

/** So many looks in a row must say the same: a browser that has just begun to send calls every uplink too slow for some seconds. */
const LOOKS = 3;

/** A share of packets lost that is heard and seen. */
const MUCH_LOSS = 0.05;

/**
 * What one look says. Only encodings that are active count, and those are the ones that somebody watches: what limits them,
 * members see.
 */
export function troubleOf({ sending, remoteLoss }: Pick<ConnectionStats, "sending" | "remoteLoss">): Trouble | null {
  const limits = sending.filter(({ kind, active }) => kind === "video" && active).map(({ limitedBy }) => limitedBy);
  if (limits.includes("bandwidth")) return "weak";
  if ((remoteLoss ?? 0) > MUCH_LOSS) return "lossy";
  return limits.includes("cpu") ? "busy" : null;
}

/** Follows looks: what is told changes when `LOOKS` of them in a row agree on something else. */
export class TroubleWatch {
  told: Trouble | null = null;
  private seen: Trouble | null = null;
  private times = 0;

  look(trouble: Trouble | null): Trouble | null {
    this.times = trouble === this.seen ? this.times + 1 : 1;
    this.seen = trouble;
    if (this.times >= LOOKS) this.told = trouble;
    return this.told;
  }
}

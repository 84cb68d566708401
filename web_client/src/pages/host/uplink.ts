/** What the host is told about the own picture: the truth about the uplink in one word. */

import type { PublishState, Status } from "../../client";

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

/** A duration in ms as `m:ss` or `h:mm:ss`. */
export function clock(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (n: number): string => String(n).padStart(2, "0");
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

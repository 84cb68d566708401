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

/** A member who watches, and all is well. */

import type { Source } from "../src/client";
import type { MemberSituation } from "../src/ui/member_phase";

const source: Source = { publisher: "h", name: "Host", kind: "camera", publication: "p" };

export const watching: MemberSituation = {
  status: { name: "live" },
  receive: "live",
  picture: source,
  sound: source,
  playing: true,
  paused: false,
  hostAway: false,
  hadSource: true,
  joined: true,
};

/** A `LiveClient` as reactive state for components. */

import { EMPTY_VIEW, LiveClient, type LiveClientOptions, type Slot, type VideoSlot } from "../client";

export class Live {
  readonly client: LiveClient;
  status = $state.raw<LiveClient["status"]>({ name: "connecting" });
  view = $state.raw<LiveClient["view"]>(EMPTY_VIEW);
  you = $state.raw<LiveClient["you"]>(null);
  info = $state.raw<LiveClient["info"]>(null);
  slots = $state.raw<readonly Slot[]>([]);
  quality = $state.raw<LiveClient["quality"]>({ type: "quality", picture: "full", cause: null });
  speakers = $state.raw<readonly string[]>([]);
  present = $state(0);
  /** Place in the queue of those who join; null when there is none. */
  waiting = $state<number | null>(null);
  receive = $state<LiveClient["receiver"]["state"]>("off");
  publish = $state.raw<LiveClient["publisher"]["state"]>({ name: "off" });
  /** The running hash over the log that was told last. */
  logHash = $state.raw<{ readonly seq: number; readonly sha256: string } | null>(null);
  streams = $state.raw<ReadonlyMap<VideoSlot, MediaStream>>(new Map());

  /** Connects at once, and leaves when the page goes. `window.livetrial.client` is there for diagnoses and tests. */
  constructor(options: LiveClientOptions) {
    const client = new LiveClient(options);
    this.client = client;
    client.on("status", (status) => (this.status = status));
    client.on("view", (view) => (this.view = view));
    client.on("joined", ({ you, session }) => ([this.you, this.info] = [you, session]));
    client.on("slots", (slots) => (this.slots = slots));
    client.on("quality", (quality) => (this.quality = quality));
    client.on("speakers", (speakers) => (this.speakers = speakers));
    client.on("waiting", (waiting) => (this.waiting = waiting));
    client.on("logHash", (hash) => (this.logHash = hash));
    client.on("present", (present) => (this.present = present));
    client.on("publish", (publish) => (this.publish = publish));
    client.on("receive", (receive) => ([this.receive, this.streams] = [receive, client.streams]));
    window.livetrial = { client };
    client.connect();
  }
}

declare global {
  interface Window {
    livetrial?: { readonly client: LiveClient };
  }
}

/** The host's controls as one object: devices, going live, muting, and what keeps a live page awake and open. */

import { untrack } from "svelte";
import type { Live } from "../../ui/live.svelte";
import { Devices } from "./devices.svelte";
import { uplinkOf } from "./uplink";

export class Studio {
  readonly devices: Devices;
  muted = $state(false);
  hidden = $state(false);
  /** The microphone was heard at least once. */
  heard = $state(false);
  readonly uplink = $derived.by(() => uplinkOf(this.live.publish, this.live.status));
  readonly onAir = $derived(this.uplink === "connecting" || this.uplink === "live" || this.uplink === "reconnecting");
  readonly isHost = $derived.by(() => this.live.you?.role === "host");
  readonly maySteer = $derived.by(() => this.live.you?.role === "host" || this.live.you?.role === "moderator");
  readonly ready = $derived.by(
    () =>
      this.isHost &&
      this.live.status.name === "live" &&
      (this.devices.tracks.audio !== null || this.devices.tracks.video !== null),
  );

  constructor(private readonly live: Live) {
    this.devices = new Devices((kind, track) => void live.client.publisher.replace(kind, track));
  }

  /** Call while a component is set up: muting follows the switches, and a live page stays awake and asks before it closes. */
  attach(): void {
    $effect(() => {
      if (this.devices.tracks.audio) this.devices.tracks.audio.enabled = !this.muted;
      if (this.devices.tracks.video) this.devices.tracks.video.enabled = !this.hidden;
    });
    $effect(() => {
      if (!this.onAir) return;
      const stay = (event: BeforeUnloadEvent): void => event.preventDefault();
      addEventListener("beforeunload", stay);
      const release = keepAwake();
      return () => {
        removeEventListener("beforeunload", stay);
        release();
      };
    });
    // A moderator is not on camera, and is not asked for one.
    $effect(() => {
      if (this.isHost) untrack(() => void this.devices.open());
    });
  }

  goLive(): void {
    void this.live.client.publish(this.devices.tracks);
  }

  stop(): void {
    void this.live.client.unpublish();
  }
}

/** Keeps the screen on while the page is in front; returns what ends that. */
function keepAwake(): () => void {
  let lock: WakeLockSentinel | null = null;
  let wanted = true;
  const take = async (): Promise<void> => {
    if (document.visibilityState !== "visible" || !navigator.wakeLock) return;
    // Refused on low battery; the host can go on all the same.
    const taken = await navigator.wakeLock.request("screen").catch(() => null);
    if (wanted) lock = taken;
    else void taken?.release();
  };
  document.addEventListener("visibilitychange", take);
  void take();
  return () => {
    wanted = false;
    document.removeEventListener("visibilitychange", take);
    void lock?.release();
  };
}

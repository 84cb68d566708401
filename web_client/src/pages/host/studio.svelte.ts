/** The host's controls as one object: devices, going live, muting, and what keeps a live page awake and open. */

import { untrack } from "svelte";
import type { Live } from "../../ui/live.svelte";
import { Devices } from "./devices.svelte";
import { LOOK_MS, type Trouble, TroubleWatch, troubleOf, uplinkOf } from "./uplink";

export class Studio {
  readonly devices: Devices;
  muted = $state(false);
  hidden = $state(false);
  /** What keeps members from the best picture while it is sent. */
  trouble = $state<Trouble | null>(null);
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

  private cameraSent = true;

  constructor(private readonly live: Live) {
    this.devices = new Devices((kind, track) => {
      void live.client.publisher.replace(kind, kind === "video" && !this.cameraSent ? null : track);
    });
  }

  /** Call while a component is set up: muting follows the switches, and a live page stays awake and asks before it closes. */
  attach(): void {
    $effect(() => {
      if (this.devices.tracks.audio) this.devices.tracks.audio.enabled = !this.muted;
      if (this.devices.tracks.video) this.devices.tracks.video.enabled = !this.hidden;
    });
    // A hidden camera sends nothing, so that members are told that it is paused instead of shown black.
    $effect(() => {
      const shown = !this.hidden;
      if (this.uplink !== "live" || shown === this.cameraSent) return;
      this.cameraSent = shown;
      void this.live.client.publisher.replace("video", shown ? this.devices.tracks.video : null);
    });
    $effect(() => (this.uplink === "live" ? this.lookAtUplink() : undefined));
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

  private lookAtUplink(): () => void {
    const watch = new TroubleWatch();
    const look = async (): Promise<void> => {
      const { publish } = await this.live.client.stats();
      if (publish !== null) this.trouble = watch.look(troubleOf(publish));
    };
    const timer = setInterval(() => void look(), LOOK_MS);
    return () => {
      clearInterval(timer);
      this.trouble = null;
    };
  }

  goLive(): void {
    this.cameraSent = true;
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

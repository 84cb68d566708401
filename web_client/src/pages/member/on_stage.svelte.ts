/** Being on stage: the way from a raised hand to one's own picture, and back. */

import type { CommandFailure } from "../../client";
import { refusedNow, type Refused } from "../../ui/act.svelte";
import type { Live } from "../../ui/live.svelte";
import { Devices } from "../host/devices.svelte";

export class OnStage {
  refused = $state.raw<Refused | null>(null);
  starting = $state(false);
  readonly devices: Devices;
  readonly hand = $derived.by(() => this.live.view.state.hands.get(this.live.you?.id ?? "") ?? null);
  readonly publishing = $derived.by(() => this.live.publish.name !== "off");

  constructor(private readonly live: Live) {
    this.devices = new Devices((kind, track) => void live.client.publisher.replace(kind, track));
  }

  /** Call while a component is set up: the microphone follows the mute, and who is not on stage any more is not sent. */
  attach(): void {
    $effect(() => {
      const { audio } = this.devices.tracks;
      if (audio) audio.enabled = !(this.hand?.muted ?? false);
    });
    $effect(() => {
      if (this.hand?.state !== "stage" && this.publishing && !this.starting) this.stop();
    });
    $effect(() => () => this.stop());
  }

  raise(): Promise<void> {
    return this.carry(() => this.live.client.send({ type: "hand_raise" }));
  }

  lower(): Promise<void> {
    return this.carry(() => this.live.client.send({ type: "hand_lower" }));
  }

  /** Devices first: who may not use them is not on stage in silence. */
  async enter(voiceOnly: boolean): Promise<void> {
    this.starting = true;
    await this.carry(async () => {
      await this.devices.open(voiceOnly ? ["audio"] : ["audio", "video"]);
      if (this.devices.state !== "ready") return;
      if (this.hand?.state !== "stage") await this.live.client.send({ type: "stage_enter", voice_only: this.devices.tracks.video === null });
      await this.live.client.publish(this.devices.tracks);
    });
    this.starting = false;
  }

  setMuted(muted: boolean): Promise<void> {
    return this.carry(() => this.live.client.send({ type: "stage_mute", muted }));
  }

  async leave(): Promise<void> {
    await this.carry(() => this.live.client.send({ type: "stage_leave" }));
    this.stop();
  }

  private stop(): void {
    if (this.live.publish.name !== "off") void this.live.client.unpublish();
    this.devices.close();
  }

  private async carry(act: () => Promise<unknown>): Promise<void> {
    this.refused = null;
    try {
      await act();
    } catch (failure) {
      this.refused = refusedNow(failure as CommandFailure);
      if (this.hand?.state !== "stage") this.devices.close();
    }
  }
}

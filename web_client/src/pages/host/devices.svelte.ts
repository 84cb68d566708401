/** Camera and microphone of the host: opening, choosing, losing and finding them again. */

import type { DeviceTrouble } from "../../i18n/messages";
import { recall, remember } from "../../ui/stored";

export type Kind = "audio" | "video";
type DeviceState = "asking" | "ready" | "trouble";

const INPUT: Record<Kind, MediaDeviceKind> = { audio: "audioinput", video: "videoinput" };
const CONSTRAINTS: Record<Kind, MediaTrackConstraints> = {
  video: { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30, max: 30 } },
  audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
};

export class Devices {
  state = $state<DeviceState>("asking");
  trouble = $state<DeviceTrouble | null>(null);
  list = $state.raw<readonly MediaDeviceInfo[]>([]);
  tracks = $state.raw<Record<Kind, MediaStreamTrack | null>>({ audio: null, video: null });

  private kinds: readonly Kind[] = ["video", "audio"];

  /** `onTrack` hears of every change of a track, so that what is live changes with it. */
  constructor(private readonly onTrack: (kind: Kind, track: MediaStreamTrack | null) => void) {
    navigator.mediaDevices?.addEventListener("devicechange", () => void this.devicesChanged());
  }

  /** The inputs of one kind. Labels are empty until there is permission. */
  inputs(kind: Kind): readonly MediaDeviceInfo[] {
    return this.list.filter((device) => device.kind === INPUT[kind] && device.deviceId !== "");
  }

  /** Id of the device in use; empty when there is none. */
  chosen(kind: Kind): string {
    return this.tracks[kind]?.getSettings().deviceId ?? "";
  }

  /** Opens camera and microphone, or the one of them that there is or is wanted. */
  async open(kinds: readonly Kind[] = ["video", "audio"]): Promise<void> {
    this.kinds = kinds;
    this.state = "asking";
    this.trouble = null;
    const failure = await this.openBoth();
    await this.refresh();
    if (this.tracks.audio === null && this.tracks.video === null) {
      this.trouble = failure ?? "none";
      this.state = "trouble";
    } else {
      this.state = "ready";
    }
  }

  async choose(kind: Kind, deviceId: string): Promise<void> {
    remember("localStorage", storageKey(kind), deviceId);
    try {
      const media = await navigator.mediaDevices.getUserMedia({
        [kind]: { ...CONSTRAINTS[kind], deviceId: { exact: deviceId } },
      });
      this.adopt(kind, media.getTracks()[0] ?? null);
      this.trouble = null;
    } catch (error) {
      this.trouble = troubleOf(error);
    }
    await this.refresh();
  }

  /** Lets go of the devices; `open` takes them again. */
  close(): void {
    for (const track of Object.values(this.tracks)) track?.stop();
    this.tracks = { audio: null, video: null };
  }

  private async openBoth(): Promise<DeviceTrouble | null> {
    if (!navigator.mediaDevices) return "insecure";
    try {
      this.adoptAll(await navigator.mediaDevices.getUserMedia(Object.fromEntries(this.kinds.map((kind) => [kind, wanted(kind)]))));
      return null;
    } catch (error) {
      const trouble = troubleOf(error);
      // One missing, busy or blocked device fails the pair; take the other one alone. What was denied is not asked for again.
      await Promise.all(this.kinds.map((kind) => this.openAlone(kind, trouble)));
      return trouble;
    }
  }

  private async openAlone(kind: Kind, trouble: DeviceTrouble): Promise<void> {
    if (trouble === "denied" && !(await isGranted(kind))) return;
    try {
      this.adoptAll(await navigator.mediaDevices.getUserMedia({ [kind]: wanted(kind) }));
    } catch {
      // The failure of the pair says what there is to say.
    }
  }

  private adoptAll(media: MediaStream): void {
    for (const track of media.getTracks()) this.adopt(track.kind as Kind, track);
  }

  private adopt(kind: Kind, track: MediaStreamTrack | null): void {
    const before = this.tracks[kind];
    if (track && before) track.enabled = before.enabled;
    this.tracks = { ...this.tracks, [kind]: track };
    track?.addEventListener("ended", () => void this.lost(kind, track));
    this.onTrack(kind, track);
    before?.stop();
  }

  /** Unplugged, or taken by the system: go on with another device of the kind, and say so when there is none. */
  private async lost(kind: Kind, track: MediaStreamTrack): Promise<void> {
    if (this.tracks[kind] !== track) return;
    this.adopt(kind, null);
    await this.openAlone(kind, "unplugged");
    if (this.tracks[kind] === null) this.trouble = "unplugged";
    await this.refresh();
  }

  private async devicesChanged(): Promise<void> {
    await this.refresh();
    if (this.state === "trouble" && this.trouble === "none") await this.open();
    else if (this.trouble === "unplugged") await this.reopenMissing();
  }

  private async reopenMissing(): Promise<void> {
    for (const kind of this.kinds) if (this.tracks[kind] === null) await this.openAlone(kind, "unplugged");
    if (this.kinds.every((kind) => this.tracks[kind])) this.trouble = null;
  }

  private async refresh(): Promise<void> {
    this.list = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
  }
}

const storageKey = (kind: Kind): string => `livetrial:device:${kind}`;

/** The device of last time where it is still there. */
function wanted(kind: Kind): MediaTrackConstraints {
  const deviceId = recall("localStorage", storageKey(kind));
  return deviceId === null ? CONSTRAINTS[kind] : { ...CONSTRAINTS[kind], deviceId: { ideal: deviceId } };
}

async function isGranted(kind: Kind): Promise<boolean> {
  try {
    const name = (kind === "audio" ? "microphone" : "camera") as PermissionName;
    return (await navigator.permissions.query({ name })).state === "granted";
  } catch {
    return false; // not every browser can be asked
  }
}

/** Media Capture and Streams, section 10.2: the names of the exceptions of getUserMedia. */
function troubleOf(error: unknown): DeviceTrouble {
  const name = error instanceof DOMException ? error.name : "";
  if (name === "NotAllowedError" || name === "SecurityError") return "denied";
  if (name === "NotFoundError" || name === "OverconstrainedError") return "none";
  return "busy";
}

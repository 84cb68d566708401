/** Slots: which sections are offered, what belongs together, and what is in it. */

import { AUDIO_SLOTS, VIDEO_SLOTS, type AudioSlot, type Slot, type Source, type VideoSlot } from "./protocol";

/** The kinds of the offered sections, in the order of the offer. */
export function sectionKinds(pairs: number = VIDEO_SLOTS.length): ("video" | "audio")[] {
  return [...VIDEO_SLOTS.slice(0, pairs).map(() => "video" as const), ...AUDIO_SLOTS.slice(0, pairs).map(() => "audio" as const)];
}

/** The sound that belongs to a picture: `main` has `audio-1`, `stage-1` has `audio-2`, and so on. */
export function audioOf(video: VideoSlot): AudioSlot {
  return AUDIO_SLOTS[VIDEO_SLOTS.indexOf(video)] as AudioSlot;
}

/** Groups things made in the order of the offer (tracks, receivers) into pairs by video slot. */
export function pairUp<T>(sections: readonly T[]): Map<VideoSlot, { video: T; audio: T }> {
  const pairs = Math.min(VIDEO_SLOTS.length, Math.floor(sections.length / 2));
  return new Map(
    VIDEO_SLOTS.slice(0, pairs).map((slot, i) => [slot, { video: sections[i] as T, audio: sections[pairs + i] as T }]),
  );
}

/** What `slot` shows; null for nothing, also where the server names no such slot. */
export function sourceIn(slots: readonly Slot[], slot: VideoSlot | AudioSlot): Source | null {
  return slots.find((s) => s.slot === slot)?.source ?? null;
}

/** Whether a publication is shown anywhere. */
export function isShown(slots: readonly Slot[], publication: string): boolean {
  return slots.some((s) => s.source?.publication === publication);
}

/** What a member hears, by `getStats`. */

import { expect } from "vitest";
import type { LivePage } from "./live_page";

const SAMPLES_A_SECOND = 48_000;

const heard = (member: LivePage) =>
  member.page.evaluate(async () => {
    const stats = [...((await window.livetrial.client.receiver.connection?.getStats())?.values() ?? [])];
    const sound = stats.filter((entry) => entry.type === "inbound-rtp" && entry.kind === "audio" && entry.totalSamplesReceived > 0);
    const sum = (of: (entry: { totalSamplesReceived: number; concealedSamples: number }) => number) => sound.reduce((all, entry) => all + of(entry), 0);
    return { samples: sum((entry) => entry.totalSamplesReceived), concealed: sum((entry) => entry.concealedSamples) };
  });

/** Share of the next `seconds` of sound that has to be made up for what was lost. */
export async function concealedShare(member: LivePage, seconds: number): Promise<number> {
  const before = await heard(member);
  let after = before;
  const played = async () => (after = await heard(member)).samples - before.samples;
  await expect.poll(played, { timeout: 30_000, interval: 250 }).toBeGreaterThan(seconds * SAMPLES_A_SECOND);
  return (after.concealed - before.concealed) / (after.samples - before.samples);
}

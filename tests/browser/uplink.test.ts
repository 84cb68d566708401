/** The host's uplink: random loss does not collapse the picture, a narrow way does reduce it, and both are said where they are felt. */

import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { LivePage } from "./harness/live_page";
import { Relayed } from "./harness/relayed";

const LOSS = 0.15;

let world: Relayed;

beforeAll(async () => {
  world = await Relayed.start();
});

afterEach(async () => {
  world.relay.limitUp({});
  await world.closePages();
});

afterAll(() => world?.stop());

/** What the host's browser has sent of video: octets, and pictures of its busiest encoding. */
async function sent(): Promise<{ bytes: number; frames: number }> {
  const stats = [...((await window.livetrial.client.publisher.connection?.getStats())?.values() ?? [])];
  const video = stats.filter((entry) => entry.type === "outbound-rtp" && entry.kind === "video");
  return { bytes: video.reduce((all, entry) => all + entry.bytesSent, 0), frames: Math.max(0, ...video.map((entry) => entry.framesEncoded)) };
}

/** Bits of video that a host sends with each of the next so many pictures. */
async function bitsAPicture(host: LivePage, pictures: number): Promise<number> {
  const before = await host.page.evaluate(sent);
  await host.page.waitForFunction(
    async (frames) => {
      const stats = [...((await window.livetrial.client.publisher.connection?.getStats())?.values() ?? [])];
      return stats.some((entry) => entry.type === "outbound-rtp" && entry.kind === "video" && entry.framesEncoded >= frames);
    },
    { polling: 100 },
    before.frames + pictures,
  );
  const after = await host.page.evaluate(sent);
  return ((after.bytes - before.bytes) * 8) / (after.frames - before.frames);
}

test("random loss leaves the host's picture as it was, and the host is told of it", async () => {
  const session = await world.server.createSession();
  const host = await world.open(session.links.host, { width: 1280, height: 800 });
  const member = await world.open(session.links.member, { width: 1280, height: 800 });
  await host.click("go-live");
  await member.until(() => document.querySelector<HTMLVideoElement>('[data-testid="main-video"]')?.videoWidth === 1280, null);
  await member.untilMoving(8);
  world.relay.limitUp({ loss: LOSS });
  await bitsAPicture(host, 180);
  // 1 Mbit/s at 30 pictures a second; a browser that is told of all losses sends 0.57 at 10 % and 0.05 at 20 %.
  expect(await bitsAPicture(host, 180)).toBeGreaterThan(1_000_000 / 30);
  await host.until(() => document.querySelector<HTMLElement>('[data-testid="uplink"]')?.dataset["trouble"] === "lossy", null);
  await host.untilText("uplink", "Your connection loses data");
  await member.untilMoving(8);
  expect(await world.server.metric("livetrial_plane_feedback_losses_kept_back_total")).toBeGreaterThan(0);
  world.relay.limitUp({});
  await host.untilText("uplink", "You are live");
});

test("a narrow uplink with loss is congestion: the host sends less, and both sides are told whose connection is weak", async () => {
  const session = await world.server.createSession();
  const host = await world.open(session.links.host, { width: 1280, height: 800 });
  const member = await world.open(session.links.member, { width: 1280, height: 800 });
  await host.click("go-live");
  await member.until(() => document.querySelector<HTMLVideoElement>('[data-testid="main-video"]')?.videoWidth === 1280, null);
  world.relay.limitUp({ bitsPerSecond: 700_000, loss: 0.02 });
  await host.untilText("uplink", "Your connection is too slow");
  await member.untilText("why", "The host's connection is weak, not yours.");
  expect(await bitsAPicture(host, 90)).toBeLessThan(700_000 / 30);
  await member.untilMoving(4);
});

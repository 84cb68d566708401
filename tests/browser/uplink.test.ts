/** The host's uplink: random loss does not collapse the picture, a narrow way does reduce it, and both are said where they are felt. */

import type { Browser } from "puppeteer-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { chromium } from "./harness/browsers";
import { LivePage } from "./harness/live_page";
import { Server } from "./harness/server";
import { BEHIND_RELAY, UdpRelay } from "./harness/udp_relay";

const LOSS = Number(process.env["UPLINK_LOSS"] ?? 0.15);

let server: Server;
let relay: UdpRelay;
let browser: Browser;

beforeAll(async () => {
  [server, browser] = await Promise.all([Server.start({ settings: BEHIND_RELAY }), chromium({ cameraHeight: 720 })]);
  relay = await UdpRelay.start(server.mediaPort);
});

afterAll(async () => {
  await browser?.close();
  await server?.stop();
  relay?.close();
});

/** What the host's browser has sent of video, and when by its own clock. */
function sent(): Promise<{ bytes: number; at: number; frames: number; target: number; available: number }> {
  return (async () => {
    const stats = [...((await window.livetrial.client.publisher.connection?.getStats())?.values() ?? [])];
    const video = stats.filter((entry) => entry.type === "outbound-rtp" && entry.kind === "video");
    const pair = stats.find((entry) => entry.type === "candidate-pair" && entry.nominated);
    const sum = (of: string) => video.reduce((all, entry) => all + ((entry[of] as number) ?? 0), 0);
    const best = video.find((entry) => entry.rid === "f");
    return { bytes: sum("bytesSent"), at: performance.now(), frames: best?.framesEncoded ?? 0, target: best?.targetBitrate ?? 0, available: pair?.availableOutgoingBitrate ?? 0 };
  })();
}

/** Bit/s of video that a host sends while a member is told of so many seconds of sound. */
async function rateDuring(host: LivePage, seconds: number): Promise<number> {
  const before = await host.page.evaluate(sent);
  await host.page.waitForFunction((until) => performance.now() >= until, { polling: 200 }, before.at + seconds * 1000);
  const after = await host.page.evaluate(sent);
  if (process.env["UPLINK_REPORT"]) console.log({ before, after, bps: ((after.bytes - before.bytes) * 8000) / (after.at - before.at) });
  return ((after.bytes - before.bytes) * 8000) / (after.at - before.at);
}

test("random loss leaves the host's picture as it was, and the host is told of it", async () => {
  const session = await server.createSession();
  const host = await LivePage.open(browser, session.links.host, { width: 1280, height: 800 });
  const member = await LivePage.open(browser, session.links.member, { width: 1280, height: 800 });
  await host.click("go-live");
  await member.until(() => document.querySelector<HTMLVideoElement>('[data-testid="main-video"]')?.videoWidth === 1280, null);
  await member.untilMoving(8);
  relay.limitUp({ loss: LOSS });
  await rateDuring(host, 6);
  expect(await rateDuring(host, 6)).toBeGreaterThan(1_000_000);
  await host.until(() => document.querySelector<HTMLElement>('[data-testid="uplink"]')?.dataset["trouble"] === "lossy", null);
  await host.untilText("uplink", "Your connection loses data");
  await member.untilMoving(8);
  expect(await server.metric("livetrial_plane_feedback_losses_kept_back_total")).toBeGreaterThan(0);
  relay.limitUp({});
  await host.untilText("uplink", "You are live");
});

test("a narrow uplink with loss is congestion: the host sends less, and both sides are told whose connection is weak", async () => {
  const session = await server.createSession();
  const host = await LivePage.open(browser, session.links.host, { width: 1280, height: 800 });
  const member = await LivePage.open(browser, session.links.member, { width: 1280, height: 800 });
  await host.click("go-live");
  await member.until(() => document.querySelector<HTMLVideoElement>('[data-testid="main-video"]')?.videoWidth === 1280, null);
  relay.limitUp({ bitsPerSecond: 700_000, loss: 0.02 });
  await host.untilText("uplink", "Your connection is too slow");
  await member.untilText("why", "The host's connection is weak.");
  expect(await rateDuring(host, 3)).toBeLessThan(700_000);
  await member.untilMoving(4);
});

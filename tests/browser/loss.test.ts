/** A member whose link loses most of what is sent hears on all the same, and one whose link loses nothing is sent nothing twice. */

import type { Browser } from "puppeteer-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { chromium } from "./harness/browsers";
import { LivePage } from "./harness/live_page";
import { Server } from "./harness/server";
import { BEHIND_RELAY, UdpRelay } from "./harness/udp_relay";

let server: Server;
let relay: UdpRelay;
let browser: Browser;

beforeAll(async () => {
  const settings = { ...BEHIND_RELAY, LIVETRIAL_ADAPTATION: "true" };
  [server, browser] = await Promise.all([Server.start({ settings }), chromium()]);
  relay = await UdpRelay.start(server.mediaPort);
});

afterAll(async () => {
  await browser?.close();
  await server?.stop();
  relay?.close();
});

const copiesSent = (): Promise<number> => server.metric("livetrial_plane_copies_sent_total");

/** What the member's audio is made of so far. */
const heard = (member: LivePage) =>
  member.page.evaluate(async () => {
    const stats = [...((await window.livetrial.client.receiver.connection?.getStats())?.values() ?? [])];
    const audio = stats.find((s) => s.type === "inbound-rtp" && s.kind === "audio" && s.packetsReceived > 0);
    const { totalSamplesReceived, concealedSamples, silentConcealedSamples, jitterBufferDelay, jitterBufferEmittedCount } = audio;
    return { samples: totalSamplesReceived, concealed: concealedSamples, silent: silentConcealedSamples, delay: jitterBufferDelay, emitted: jitterBufferEmittedCount };
  });

/** Share of the sound of the next `seconds` that had to be made up, and how long it waited in the jitter buffer. */
async function listen(member: LivePage, seconds: number) {
  const before = await heard(member);
  let after = before;
  const spoken = async () => (after = await heard(member)).samples - before.samples;
  await expect.poll(spoken, { timeout: 4000 * seconds, interval: 250 }).toBeGreaterThan(48_000 * seconds);
  return {
    concealed: (after.concealed - before.concealed) / (after.samples - before.samples),
    delayMs: (1000 * (after.delay - before.delay)) / (after.emitted - before.emitted),
  };
}

test("sound goes on while six of ten packets are lost, and costs nothing where none are", async () => {
  const session = await server.createSession();
  const host = await LivePage.open(browser, session.links.host, { width: 1280, height: 800 });
  await host.click("go-live");
  const member = await LivePage.open(browser, session.links.member);
  await member.untilMoving();
  await member.click("tap-for-sound");
  await member.untilSound();
  await listen(member, 3);
  expect(await copiesSent()).toBe(0);
  relay.lose(0.6);
  await expect.poll(copiesSent, { timeout: 5000, interval: 100 }).toBeGreaterThan(200);
  const { concealed, delayMs } = await listen(member, 8);
  console.log(`concealed ${(100 * concealed).toFixed(2)} %, jitter buffer ${delayMs.toFixed(0)} ms`);
  expect(concealed).toBeLessThan(0.03);
  expect(delayMs).toBeLessThan(250);
});

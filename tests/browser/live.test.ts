/** A host goes live from the browser; members see and hear, in Chromium and in Firefox. */

import type { Browser } from "puppeteer-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { chromium, firefox } from "./harness/browsers";
import { LivePage } from "./harness/live_page";
import { Server, type SessionLinks } from "./harness/server";

let server: Server;
let hostBrowser: Browser;
let memberBrowser: Browser;

beforeAll(async () => {
  [server, hostBrowser, memberBrowser] = await Promise.all([Server.start(), chromium(), firefox()]);
});

afterAll(async () => {
  await Promise.all([hostBrowser?.close(), memberBrowser?.close()]);
  await server?.stop();
});

async function goLive(session: SessionLinks): Promise<LivePage> {
  const host = await LivePage.open(hostBrowser, session.links.host, { width: 1280, height: 800 });
  await host.click("go-live");
  await host.page.waitForSelector('[data-testid="stop-live"]', { visible: true });
  return host;
}

describe("a live session", () => {
  test("two members, one in each browser, get moving pictures and sound that only the host encodes", async () => {
    const session = await server.createSession();
    const early = await LivePage.open(hostBrowser, session.links.member);
    const host = await goLive(session);
    const late = await LivePage.open(memberBrowser, session.links.member);
    for (const member of [early, late]) {
      const frames = await member.untilMoving(8);
      expect(new Set(frames).size).toBeGreaterThan(4);
      await member.click("tap-for-sound");
      await member.untilSound();
    }
    await host.shot("host-live");
    await early.shot("member-live");
    await late.shot("member-live-firefox");

    // What came in went out: the audio and one encoding of the video, to each of two members.
    const received = await server.metric("livetrial_plane_rtp_received_total");
    const sent = await server.metric("livetrial_plane_rtp_sent_total");
    expect(sent).toBeGreaterThan(0.5 * received);
    expect(sent).toBeLessThanOrEqual(2 * received);
    expect(await server.metric("livetrial_plane_dropped_unauthenticated_total")).toBe(0);
    expect(await server.metric("livetrial_plane_udp_dropped_would_block_total")).toBe(0);
    expect(await encoders(early)).toBe(0);
    expect(await encoders(late)).toBe(0);
    expect(await encoders(host)).toBeGreaterThanOrEqual(2);

    await host.click("stop-live");
    await early.until(() => !testHelpers.playing(), null);
    await Promise.all([host, early, late].map((page) => page.close()));
  });

  test("a host who stops and goes live again is seen again without a reload", async () => {
    const session = await server.createSession();
    const member = await LivePage.open(hostBrowser, session.links.member);
    const host = await goLive(session);
    await member.untilMoving();
    await host.click("stop-live");
    await member.until(() => !testHelpers.playing(), null);
    await host.click("go-live");
    await member.untilMoving();
    await Promise.all([host, member].map((page) => page.close()));
  });

  test("the demo shows life at once, in both browsers", async () => {
    const demo = await Server.start({ demo: true });
    try {
      for (const browser of [hostBrowser, memberBrowser]) {
        const member = await LivePage.open(browser, `${demo.url}/s/demo`);
        await member.untilMoving(8);
        await member.click("tap-for-sound");
        await member.untilSound();
        await member.shot(`demo-${browser === hostBrowser ? "chromium" : "firefox"}`);
        await member.close();
      }
    } finally {
      await demo.stop();
    }
  });
});

/** How many streams the page encodes and sends. */
async function encoders(page: LivePage): Promise<number> {
  return page.page.evaluate(async () => {
    const connections = [window.livetrial.client.receiver.connection, window.livetrial.client.publisher.connection];
    const reports = await Promise.all(connections.map((connection) => connection?.getStats()));
    return reports.flatMap((report) => [...(report?.values() ?? [])]).filter((s) => s.type === "outbound-rtp" && s.packetsSent > 0).length;
  });
}

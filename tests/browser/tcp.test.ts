/** Without UDP, host and members come by TCP to the same port number. */

import type { Browser } from "puppeteer-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { chromium, firefox } from "./harness/browsers";
import { LivePage } from "./harness/live_page";
import { Server } from "./harness/server";

let chrome: Browser;
let fox: Browser;

beforeAll(async () => {
  [chrome, fox] = await Promise.all([chromium(), firefox()]);
});

afterAll(async () => {
  await Promise.all([chrome?.close(), fox?.close()]);
});

describe("media by TCP", () => {
  test("a server that announces TCP alone is seen and heard, and published to", async () => {
    const server = await Server.start({ settings: { LIVETRIAL_MEDIA_UDP: "false" } });
    try {
      const session = await server.createSession();
      const host = await LivePage.open(chrome, session.links.host, { width: 1280, height: 800 });
      await host.click("go-live");
      for (const browser of [chrome, fox]) {
        const member = await LivePage.open(browser, session.links.member);
        await member.untilMoving(8);
        await member.click("tap-for-sound");
        await member.untilSound();
        expect(await protocols(member, "receiver")).toEqual(["tcp"]);
      }
      expect(await protocols(host, "publisher")).toEqual(["tcp"]);
      expect(await server.metric("livetrial_plane_udp_datagrams_received_total")).toBe(0);
      expect(await server.metric("livetrial_plane_tcp_connections")).toBeGreaterThanOrEqual(3);
      for (const amiss of ["framing_errors", "dropped_full", "refused"]) {
        expect(await server.metric(`livetrial_plane_tcp_${amiss}_total`), amiss).toBe(0);
      }
    } finally {
      await server.stop();
    }
  });

  test("where both are announced, UDP is used", async () => {
    const server = await Server.start();
    try {
      const session = await server.createSession();
      const host = await LivePage.open(chrome, session.links.host, { width: 1280, height: 800 });
      await host.click("go-live");
      const member = await LivePage.open(chrome, session.links.member);
      await member.untilMoving();
      expect(await protocols(member, "receiver")).toEqual(["udp"]);
      expect(await protocols(host, "publisher")).toEqual(["udp"]);
    } finally {
      await server.stop();
    }
  });
});

/** Protocols of the candidate pairs in use, as the browser tells them. */
async function protocols(page: LivePage, side: "receiver" | "publisher"): Promise<string[]> {
  return page.page.evaluate(async (side) => {
    const stats = await window.livetrial.client[side].connection?.getStats();
    const all = [...(stats?.values() ?? [])];
    const pairs = all.filter((s) => s.type === "candidate-pair" && s.nominated && s.bytesReceived > 0);
    return pairs.map((pair) => stats?.get(pair.localCandidateId).protocol as string);
  }, side);
}

/** A 720p camera is received in three encodings, and members get the best that arrives. */

import type { Browser } from "puppeteer-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { chromium } from "./harness/browsers";
import { LivePage } from "./harness/live_page";
import { Server } from "./harness/server";

let server: Server;
let browser: Browser;

beforeAll(async () => {
  [server, browser] = await Promise.all([Server.start(), chromium({ cameraHeight: 720 })]);
});

afterAll(async () => {
  await browser?.close();
  await server?.stop();
});

test("three encodings come in, the largest goes out", async () => {
  const session = await server.createSession();
  const host = await LivePage.open(browser, session.links.host, { width: 1280, height: 800 });
  const member = await LivePage.open(browser, session.links.member, { width: 1280, height: 800 });
  await host.click("go-live");
  await member.until(() => document.querySelector<HTMLVideoElement>('[data-testid="main-video"]')?.videoWidth === 1280, null);
  await member.untilMoving();
  const rids = await host.page.evaluate(async () => {
    const stats = await window.livetrial.client.publisher.connection?.getStats();
    const sent = [...(stats?.values() ?? [])].filter((s) => s.type === "outbound-rtp" && s.kind === "video" && s.framesEncoded > 0);
    return sent.map((s) => s.rid).sort();
  });
  expect(rids).toEqual(["f", "h", "q"]);
  expect(await server.metric("livetrial_plane_switches_total")).toBeGreaterThanOrEqual(1);
  await member.shot("simulcast-720");
});

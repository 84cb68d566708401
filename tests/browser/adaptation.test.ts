/** A member whose link narrows gets a smaller picture instead of a frozen one, and the large one again when it widens. */

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
  [server, browser] = await Promise.all([Server.start({ settings }), chromium({ cameraHeight: 720 })]);
  relay = await UdpRelay.start(server.mediaPort);
});

afterAll(async () => {
  await browser?.close();
  await server?.stop();
  relay?.close();
});

/** Wait until the member's main picture is `width` pixels wide. */
const untilWide = (member: LivePage, width: number): Promise<void> =>
  member.until((width) => document.querySelector<HTMLVideoElement>('[data-testid="main-video"]')?.videoWidth === width, width);

test("the picture follows the link down and up", async () => {
  const session = await server.createSession();
  const host = await LivePage.open(browser, session.links.host, { width: 1280, height: 800 });
  const member = await LivePage.open(browser, session.links.member, { width: 1280, height: 800 });
  await host.click("go-live");
  await untilWide(member, 1280);
  relay.narrow(800_000);
  await untilWide(member, 640);
  await member.untilMoving(8);
  relay.narrow(null);
  await untilWide(member, 1280);
  expect(await server.metric("livetrial_plane_feedback_received_total")).toBeGreaterThan(0);
});

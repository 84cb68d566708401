/** Encodings better than what anybody watches are not encoded, and are back when somebody comes; what is below them stays. */

import type { Browser } from "puppeteer-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { chromium } from "./harness/browsers";
import { LivePage } from "./harness/live_page";
import { Server } from "./harness/server";

const SIZE = { width: 1280, height: 800 };

let server: Server;
let browser: Browser;

beforeAll(async () => {
  [server, browser] = await Promise.all([Server.start(), chromium({ cameraHeight: 720 })]);
});

afterAll(async () => {
  await browser?.close();
  await server?.stop();
});

const untilActive = (host: LivePage, rids: string[]) =>
  host.until((rids) => testHelpers.activeEncodings().join() === rids.join(), rids);

/** Frames that each encoding encodes while this one encodes so many. */
async function framesDuring(host: LivePage, rid: string, frames: number): Promise<Record<string, number>> {
  const before = await host.page.evaluate(() => testHelpers.framesEncoded());
  const reached = async ({ rid, frames }: { rid: string; frames: number }) =>
    ((await testHelpers.framesEncoded())[rid] ?? 0) >= frames;
  await host.page.waitForFunction(reached, { polling: 100 }, { rid, frames: (before[rid] ?? 0) + frames });
  const after = await host.page.evaluate(() => testHelpers.framesEncoded());
  return Object.fromEntries(Object.entries(after).map(([key, count]) => [key, count - (before[key] ?? 0)]));
}

test("the host encodes what is watched, and the least while nobody watches", async () => {
  const session = await server.createSession();
  const host = await LivePage.open(browser, session.links.host, SIZE);
  await host.click("go-live");
  await untilActive(host, ["q"]);
  // What was in the encoder when the others were turned off is out of it after some pictures.
  await framesDuring(host, "q", 10);
  const alone = await framesDuring(host, "q", 60);
  expect([alone["h"], alone["f"]]).toEqual([0, 0]);

  const member = await LivePage.open(browser, session.links.member, SIZE);
  await member.until(() => document.querySelector<HTMLVideoElement>('[data-testid="main-video"]')?.videoWidth === 1280, null);
  await member.untilMoving();
  // Whose link narrows has what is below at once.
  await untilActive(host, ["q", "h", "f"]);
  const watched = await framesDuring(host, "f", 60);
  expect(Math.min(watched["q"] ?? 0, watched["h"] ?? 0)).toBeGreaterThan(30);
  await member.untilMoving();

  await member.close();
  await untilActive(host, ["q"]);
});

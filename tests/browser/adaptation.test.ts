/** A member whose link narrows gets a smaller picture instead of a frozen one, and the large one again when it widens. */

import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { LivePage } from "./harness/live_page";
import { Relayed } from "./harness/relayed";
import { concealedShare } from "./harness/sound";

let world: Relayed;

beforeAll(async () => {
  world = await Relayed.start();
});

afterEach(async () => {
  world.relay.narrow(null);
  await world.closePages();
});

afterAll(() => world?.stop());

/** Wait until the member's main picture is `width` pixels wide. */
const untilWide = (member: LivePage, width: number): Promise<void> =>
  member.until((width) => document.querySelector<HTMLVideoElement>('[data-testid="main-video"]')?.videoWidth === width, width);

/** Wait until the page says so, and begins to say why like this. */
const untilSaid = (member: LivePage, state: string, why: string | null): Promise<void> =>
  member.until(
    ({ state, why }) =>
      document.querySelector<HTMLElement>('[data-testid="status"]')?.dataset["state"] === state &&
      (document.querySelector('[data-testid="why"]')?.textContent?.startsWith(why ?? "") ?? null) === (why === null ? null : true),
    { state, why },
  );

/** Of so many seconds of sound, one of the next four times, next to nothing is made up: what the way had taken before goes first. */
async function expectUnbrokenSoon(member: LivePage, seconds: number): Promise<void> {
  const shares: number[] = [];
  while (shares.length < 4 && !shares.some((share) => share < 0.01)) shares.push(await concealedShare(member, seconds));
  expect(Math.min(...shares), `of ${seconds} s each ${shares.join(", ")} were made up`).toBeLessThan(0.01);
}

test("the picture follows the link down and up", async () => {
  const session = await world.server.createSession();
  const host = await world.open(session.links.host, { width: 1280, height: 800 });
  const member = await world.open(session.links.member, { width: 1280, height: 800 });
  await host.click("go-live");
  await untilWide(member, 1280);
  await untilSaid(member, "live", null);
  world.relay.narrow(800_000);
  await untilWide(member, 640);
  await untilSaid(member, "lessSharp", "Your connection is slow.");
  await member.untilMoving(8);
  world.relay.narrow(null);
  await untilWide(member, 1280);
  await untilSaid(member, "live", null);
  expect(await world.server.metric("livetrial_plane_feedback_received_total")).toBeGreaterThan(0);
});

test("where only sound fits it goes on, and the page says why there is no picture, in both languages", async () => {
  const session = await world.server.createSession();
  const host = await world.open(session.links.host, { width: 1280, height: 800 });
  const member = await world.open(session.links.member, { width: 390, height: 844 });
  await host.click("go-live");
  await untilWide(member, 1280);
  world.relay.narrow(100_000);
  await untilSaid(member, "soundOnly", "Your connection is slow.");
  await member.shot("sound-only-en");
  await expectUnbrokenSoon(member, 5);
  await member.click("lang");
  await untilSaid(member, "soundOnly", "你的网络较慢");
  await member.shot("sound-only-zh");
  expect(await world.server.metric('livetrial_viewers{quality="sound"}')).toBe(1);
  world.relay.narrow(null);
  await untilSaid(member, "live", null);
  await member.untilMoving(8);
});

test("a host who hides the camera is said to have, and comes back", async () => {
  const session = await world.server.createSession();
  const host = await world.open(session.links.host, { width: 1280, height: 800 });
  const member = await world.open(session.links.member, { width: 390, height: 844 });
  await host.click("go-live");
  await untilWide(member, 1280);
  await host.click("hide-camera");
  await untilSaid(member, "soundOnly", "The host's camera is off.");
  await host.click("hide-camera");
  await untilSaid(member, "live", null);
  await member.untilMoving(8);
});

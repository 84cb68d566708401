/** What pages say over a weak link, on a phone: what, why and what helps, in both languages, and steadily. */

import type { Browser } from "puppeteer-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { firefox } from "./harness/browsers";
import { LivePage } from "./harness/live_page";
import { Relayed } from "./harness/relayed";
import { isStun, seeded } from "./harness/udp_relay";

const PHONE = { width: 390, height: 844 };

let world: Relayed;
let fox: Browser;
let host: LivePage;

beforeAll(async () => {
  [world, fox] = await Promise.all([Relayed.start(360), firefox()]);
});

afterEach(async () => {
  world.relay.loses = () => false;
  world.relay.limitUp({});
  await world.closePages();
});

afterAll(async () => {
  await Promise.all([fox?.close(), world?.stop()]);
});

/** A member on a phone who sees a host. */
async function watching(browser?: Browser): Promise<LivePage> {
  const session = await world.server.createSession();
  host = await world.open(session.links.host, PHONE);
  await host.click("go-live");
  const member = browser ? await LivePage.open(browser, session.links.member, PHONE) : await world.open(session.links.member, PHONE);
  await member.untilDecoding(30);
  await member.untilStatus("live");
  await member.forgetTold();
  return member;
}

/** What stands below the pill, and on the picture, in English and Chinese; a picture of each is kept. */
async function says(page: LivePage, name: string, part: string): Promise<[english: string, chinese: string]> {
  const read = () => page.page.evaluate((part) => document.querySelector(`[data-testid="${part}"]`)?.textContent?.trim().replace(/\s+/g, " ") ?? "", part);
  const english = await read();
  await page.shot(`${name}-en`);
  await page.click("lang");
  const chinese = await read();
  await page.shot(`${name}-zh`);
  await page.click("lang");
  return [english, chinese];
}

/** Pictures are in large datagrams, sound and reports in small ones. */
const isPicture = (datagram: Buffer): boolean => !isStun(datagram) && datagram.length > 400;

test("a picture that stands still is said to go on in a moment", async () => {
  const member = await watching();
  world.relay.loses = isPicture;
  await member.untilStatus("catchingUp");
  const [english, chinese] = await says(member, "catching-up", "why");
  expect([english, chinese]).toEqual(["Your connection does not keep up. The picture goes on in a moment.", "你的网络暂时跟不上，画面马上继续。"]);
  world.relay.loses = () => false;
  await member.untilStatus("live");
  expect(await member.hastiest()).toBeGreaterThanOrEqual(2_000);
});

test("an interruption is said to be one, that nothing is lost, and what to look at", async () => {
  const member = await watching();
  const hosts = await host.iceUfrag("publisher");
  world.relay.loses = (_datagram, ufrag) => ufrag !== hosts;
  await member.untilStatus("reconnecting");
  const why = await says(member, "interrupted", "why");
  expect(why).toEqual(["If this takes long, check your Wi-Fi or mobile data.", "如果持续较久，请检查 Wi-Fi 或移动网络。"]);
  await member.untilText("poster", "Nothing you sent is lost.");
  world.relay.loses = () => false;
  await member.untilStatus("reconnecting", true);
  await member.untilDecoding(10);
  expect((await member.told()).slice(0, 3)).toEqual(["live", "catchingUp", "reconnecting"]);
  expect(await member.told()).not.toContain("connecting");
});

test("a host whose way is cut is told, and what to do, and members that it is the host's", async () => {
  const member = await watching();
  const members = await member.iceUfrag("receiver");
  world.relay.limitUp({ bitsPerSecond: 1e9, loss: (ufrag) => (ufrag === members ? 0 : 1) });
  await host.untilStatus("reconnecting");
  const [english, chinese] = await says(host, "host-interrupted", "uplink");
  expect(english).toMatch(/^Reconnecting your picture… Your connection was interrupted, .*check your network if it takes long\.$/);
  expect(chinese).toMatch(/^正在重新连接画面… 你的网络中断了，.*请检查网络。$/);
  await member.untilStatus("reconnecting");
  expect(await says(member, "host-away", "why")).toEqual(["The host's connection is interrupted, not yours.", "主播的网络中断了，不是你的问题。"]);
  world.relay.limitUp({});
  await host.untilStatus("live");
  await member.untilStatus("live");
});

test.each(["chromium", "firefox"])("in %s media go on over one connection while six of ten packets are lost both ways, and nothing else is said", async (name) => {
  const member = await watching(name === "firefox" ? fox : undefined);
  const hosts = await host.iceUfrag("publisher");
  const random = seeded(3);
  world.relay.loses = (_datagram, ufrag) => ufrag !== hosts && random() < 0.6;
  world.relay.limitUp({ bitsPerSecond: 1e9, loss: (ufrag) => (ufrag === hosts ? 0 : 0.6) });
  // Some ten a second: for as long as ICE takes to doubt the way.
  await member.untilDecoding(100);
  const told = await member.told();
  console.log(`${name}: ${told.join(", ")}`);
  expect(await member.hastiest()).toBeGreaterThanOrEqual(2_000);
  for (const untrue of ["connecting", "reconnecting"]) expect(told).not.toContain(untrue);
  expect((await member.page.evaluate(() => testHelpers.opened())).connections).toBe(1);
  if (name === "firefox") await member.close();
});

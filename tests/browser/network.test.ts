/** The network changes under a session: pictures go on over the same connection, the same socket, the same peer. */

import type { Browser } from "puppeteer-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { chromium, firefox } from "./harness/browsers";
import { LivePage } from "./harness/live_page";
import { Server, type SessionLinks } from "./harness/server";
import { BEHIND_RELAY, isStun, UdpRelay } from "./harness/udp_relay";

const browsers: { chromium?: Browser; firefox?: Browser } = {};
let server: Server;
let relay: UdpRelay;
let session: SessionLinks;
const opened: LivePage[] = [];

beforeAll(async () => {
  [browsers.chromium, browsers.firefox] = await Promise.all([chromium(), firefox({ camera: true })]);
});

afterAll(async () => {
  await Promise.all([browsers.chromium?.close(), browsers.firefox?.close()]);
});

beforeEach(() => serve());

afterEach(async () => {
  await Promise.all(opened.splice(0).map((page) => page.close()));
  await stopServing();
});

async function serve(settings: Record<string, string> = {}): Promise<void> {
  server = await Server.start({ settings: { ...BEHIND_RELAY, ...settings } });
  relay = await UdpRelay.start(server.mediaPort);
  session = await server.createSession();
}

async function stopServing(): Promise<void> {
  relay.close();
  await server.stop();
}

const browser = (name: "chromium" | "firefox"): Browser => {
  const found = browsers[name];
  if (!found) throw new Error(`${name} did not start`);
  return found;
};

/** A host who is live and a member who sees it. */
async function watched(host: Browser, member: Browser): Promise<{ host: LivePage; member: LivePage }> {
  const pages = {
    host: await LivePage.open(host, session.links.host, { width: 1280, height: 800 }),
    member: await LivePage.open(member, session.links.member),
  };
  opened.push(pages.host, pages.member);
  await pages.host.click("go-live");
  await pages.member.untilDecoding(30);
  return pages;
}

/** Nobody has joined or connected anew. */
async function expectSameConnections(pages: { host: LivePage; member: LivePage }): Promise<void> {
  for (const page of [pages.host, pages.member]) {
    expect(await page.page.evaluate(() => testHelpers.opened())).toEqual({ connections: 1, sockets: 1 });
  }
  expect(await server.metric("livetrial_plane_peers")).toBe(2);
}

/** One more ICE restart than before, by `who`, and all goes on. */
async function expectRestarted(pages: { host: LivePage; member: LivePage }, who: "host" | "member", before: number): Promise<void> {
  await server.untilMetric("livetrial_plane_ice_restarts_total", before + 1);
  await pages.member.untilDecoding(30);
  await pages[who].untilStatus("live");
  await expectSameConnections(pages);
}

describe.each(["chromium", "firefox"] as const)("%s", (name) => {
  test("watches on when its path moves to another address", async () => {
    const pages = await watched(browser("chromium"), browser(name));
    const moves = await server.metric("livetrial_plane_address_moves_total");
    relay.move();
    await pages.member.untilDecoding(60);
    expect(await server.metric("livetrial_plane_address_moves_total")).toBeGreaterThan(moves);
    await expectSameConnections(pages);
  });

  test("publishes on when its path moves to another address", async () => {
    const pages = await watched(browser(name), browser("chromium"));
    const before = await server.metric("livetrial_plane_rtp_received_total");
    relay.move();
    await pages.member.untilDecoding(60);
    expect(await server.metric("livetrial_plane_rtp_received_total")).toBeGreaterThan(before);
    await expectSameConnections(pages);
  });

  test("restarts ICE by call, watching and publishing, and the picture does not stop", async () => {
    const pages = await watched(browser(name), browser(name));
    for (const [page, end, connection] of [
      [pages.member, "receiver", "receive"],
      [pages.host, "publisher", "publish"],
    ] as const) {
      const restarts = await server.metric("livetrial_plane_ice_restarts_total");
      const before = await page.iceUfrag(end);
      await page.page.evaluate((connection) => window.livetrial.client.restart(connection), connection);
      expect(await page.iceUfrag(end)).not.toBe(before);
      await server.untilMetric("livetrial_plane_ice_restarts_total", restarts + 1);
      await pages.member.untilDecoding(60);
    }
    await expectSameConnections(pages);
  });

  // Chromium sends nothing any more while its checks are not answered, and Firefox goes on for 30 s.
  const fallsMute = name === "chromium";

  test("watches on over the same connection while ICE's checks alone are not answered, and restarts when media cease too", async () => {
    // How sharp the picture is, is a matter of this machine, and nothing of what is told here.
    await stopServing();
    await serve({ LIVETRIAL_ADAPTATION: "false" });
    const { host, member } = await watched(browser("chromium"), browser(name));
    const restarts = await server.metric("livetrial_plane_ice_restarts_total");
    const hosts = await host.iceUfrag("publisher");
    const used = [await member.iceUfrag("receiver")];
    await member.untilStatus("live");
    await member.forgetTold();
    relay.loses = (datagram, ufrag) => ufrag !== hosts && isStun(datagram);
    await member.untilIce("receiver", "disconnected");
    // Longer than a restart was given before a new connection was begun, and less than it takes Chromium's ICE to fail.
    await member.untilDecoding(30 * 7);
    used.push(await member.iceUfrag("receiver"));
    expect(used[0] !== used[1]).toBe(fallsMute);
    expect(await member.told()).toEqual(["live"]);
    await expectSameConnections({ host, member });
    relay.loses = (_datagram, ufrag) => used.includes(ufrag);
    await expectRestarted({ host, member }, "member", restarts);
  });

  test("publishes on over the same connection while ICE's checks alone are not answered, and restarts when nothing is sent or heard", async () => {
    const { host, member } = await watched(browser(name), browser("chromium"));
    const restarts = await server.metric("livetrial_plane_ice_restarts_total");
    const used = [await host.iceUfrag("publisher")];
    await host.forgetTold();
    relay.loses = (datagram, ufrag) => used.includes(ufrag) && isStun(datagram);
    await host.untilIce("publisher", "disconnected");
    if (!fallsMute) {
      await member.untilDecoding(30 * 4);
      expect(await host.iceUfrag("publisher")).toBe(used[0]);
      expect(await host.told()).toEqual(["live"]);
      relay.loses = (_datagram, ufrag) => used.includes(ufrag);
    }
    await expectRestarted({ host, member }, "host", restarts);
  });

  test("finds another way by itself when its own is cut", async () => {
    const pages = await watched(browser("chromium"), browser(name));
    const restarts = await server.metric("livetrial_plane_ice_restarts_total");
    relay.cutAll();
    await pages.member.untilDecoding(60);
    expect(await server.metric("livetrial_plane_ice_restarts_total")).toBeGreaterThan(restarts);
    await expectSameConnections(pages);
  });
});

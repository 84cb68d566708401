/** The network changes under a session: pictures go on over the same connection, the same socket, the same peer. */

import type { Browser } from "puppeteer-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { chromium, firefox } from "./harness/browsers";
import { LivePage } from "./harness/live_page";
import { Server, type SessionLinks } from "./harness/server";
import { BEHIND_RELAY, isStun, UdpRelay } from "./harness/udp_relay";

const browsers: { chromium?: Browser; firefox?: Browser } = {};

beforeAll(async () => {
  [browsers.chromium, browsers.firefox] = await Promise.all([chromium(), firefox({ camera: true })]);
});

afterAll(async () => {
  await Promise.all([browsers.chromium?.close(), browsers.firefox?.close()]);
});

const browser = (name: "chromium" | "firefox"): Browser => {
  const found = browsers[name];
  if (!found) throw new Error(`${name} did not start`);
  return found;
};

interface Watched {
  host: LivePage;
  member: LivePage;
}

/** A session whose media come through a relay, and who is in it. */
class Way {
  private readonly opened: LivePage[] = [];

  private constructor(
    readonly server: Server,
    readonly relay: UdpRelay,
    private readonly session: SessionLinks,
  ) {}

  static async start(settings: Record<string, string> = {}): Promise<Way> {
    const server = await Server.start({ settings: { ...BEHIND_RELAY, ...settings } });
    return new Way(server, await UdpRelay.start(server.mediaPort), await server.createSession());
  }

  async stop(): Promise<void> {
    await Promise.all(this.opened.map((page) => page.close()));
    this.relay.close();
    await this.server.stop();
  }

  /** A host who is live and a member who sees it. */
  async watched(host: Browser, member: Browser): Promise<Watched> {
    const pages = {
      host: await LivePage.open(host, this.session.links.host, { width: 1280, height: 800 }),
      member: await LivePage.open(member, this.session.links.member),
    };
    this.opened.push(pages.host, pages.member);
    await pages.host.click("go-live");
    await pages.member.untilDecoding(30);
    return pages;
  }

  restarts(): Promise<number> {
    return this.server.metric("livetrial_plane_ice_restarts_total");
  }

  /** Nobody has joined or connected anew. */
  async expectSameConnections(pages: Watched): Promise<void> {
    for (const page of [pages.host, pages.member]) {
      expect(await page.page.evaluate(() => testHelpers.opened())).toEqual({ connections: 1, sockets: 1 });
    }
    expect(await this.server.metric("livetrial_plane_peers")).toBe(2);
  }

  /** One more ICE restart than before, by `who`, and all goes on. */
  async expectRestarted(pages: Watched, who: "host" | "member", before: number): Promise<void> {
    await this.server.untilMetric("livetrial_plane_ice_restarts_total", before + 1);
    await pages.member.untilDecoding(30);
    await pages[who].untilStatus("live");
    await this.expectSameConnections(pages);
  }
}

// Most of the time goes by waiting for ICE: one browser's tests beside the other's.
describe.concurrent.each(["chromium", "firefox"] as const)("%s", (name) => {
  let way: Way;

  beforeEach(async () => {
    way = await Way.start();
  });

  afterEach(() => way.stop());

  test.sequential("watches on when its path moves to another address", async () => {
    const pages = await way.watched(browser("chromium"), browser(name));
    const moves = await way.server.metric("livetrial_plane_address_moves_total");
    way.relay.move();
    await pages.member.untilDecoding(60);
    expect(await way.server.metric("livetrial_plane_address_moves_total")).toBeGreaterThan(moves);
    await way.expectSameConnections(pages);
  });

  test.sequential("publishes on when its path moves to another address", async () => {
    const pages = await way.watched(browser(name), browser("chromium"));
    const before = await way.server.metric("livetrial_plane_rtp_received_total");
    way.relay.move();
    await pages.member.untilDecoding(60);
    expect(await way.server.metric("livetrial_plane_rtp_received_total")).toBeGreaterThan(before);
    await way.expectSameConnections(pages);
  });

  test.sequential("restarts ICE by call, watching and publishing, and the picture does not stop", async () => {
    const pages = await way.watched(browser(name), browser(name));
    for (const [page, end, connection] of [
      [pages.member, "receiver", "receive"],
      [pages.host, "publisher", "publish"],
    ] as const) {
      const restarts = await way.restarts();
      const before = await page.iceUfrag(end);
      await page.page.evaluate((connection) => window.livetrial.client.restart(connection), connection);
      expect(await page.iceUfrag(end)).not.toBe(before);
      await way.server.untilMetric("livetrial_plane_ice_restarts_total", restarts + 1);
      await pages.member.untilDecoding(60);
    }
    await way.expectSameConnections(pages);
  });

  // Chromium sends nothing any more while its checks are not answered, and Firefox goes on for 30 s.
  const fallsMute = name === "chromium";

  test.sequential("watches on over the same connection while ICE's checks alone are not answered, and restarts when media cease too", async () => {
    // How sharp the picture is, is a matter of this machine, and nothing of what is told here.
    await way.stop();
    way = await Way.start({ LIVETRIAL_ADAPTATION: "false" });
    const { host, member } = await way.watched(browser("chromium"), browser(name));
    const restarts = await way.restarts();
    const hosts = await host.iceUfrag("publisher");
    const used = [await member.iceUfrag("receiver")];
    await member.untilStatus("live");
    await member.forgetTold();
    way.relay.loses = (datagram, ufrag) => ufrag !== hosts && isStun(datagram);
    await member.untilIce("receiver", "disconnected");
    // Longer than a restart was given before a new connection was begun, and less than it takes Chromium's ICE to fail.
    await member.untilDecoding(30 * 7);
    used.push(await member.iceUfrag("receiver"));
    expect(used[0] !== used[1]).toBe(fallsMute);
    expect(await member.told()).toEqual(["live"]);
    await way.expectSameConnections({ host, member });
    way.relay.loses = (_datagram, ufrag) => used.includes(ufrag);
    await way.expectRestarted({ host, member }, "member", restarts);
  });

  test.sequential("publishes on over the same connection while ICE's checks alone are not answered, and restarts when nothing is sent or heard", async () => {
    const { host, member } = await way.watched(browser(name), browser("chromium"));
    const restarts = await way.restarts();
    const used = [await host.iceUfrag("publisher")];
    await host.forgetTold();
    way.relay.loses = (datagram, ufrag) => used.includes(ufrag) && isStun(datagram);
    await host.untilIce("publisher", "disconnected");
    if (!fallsMute) {
      await member.untilDecoding(30 * 4);
      expect(await host.iceUfrag("publisher")).toBe(used[0]);
      expect(await host.told()).toEqual(["live"]);
      way.relay.loses = (_datagram, ufrag) => used.includes(ufrag);
    }
    await way.expectRestarted({ host, member }, "host", restarts);
  });

  test.sequential("finds another way by itself when its own is cut", async () => {
    const pages = await way.watched(browser("chromium"), browser(name));
    const restarts = await way.restarts();
    way.relay.cutAll();
    await pages.member.untilDecoding(60);
    expect(await way.restarts()).toBeGreaterThan(restarts);
    await way.expectSameConnections(pages);
  });
});

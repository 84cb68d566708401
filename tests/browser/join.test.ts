/** How members get in: by the ticket of their page, and by the ordinary exchange where that is no good. */

import type { Browser, Page } from "puppeteer-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { chromium, firefox } from "./harness/browsers";
import { LivePage } from "./harness/live_page";
import { Server } from "./harness/server";
import { BEHIND_RELAY, UdpRelay } from "./harness/udp_relay";

let server: Server;
let relay: UdpRelay;
let browsers: Record<"chromium" | "firefox", Browser>;

beforeAll(async () => {
  const [started, one, other] = await Promise.all([Server.start({ demo: true, settings: BEHIND_RELAY }), chromium(), firefox()]);
  server = started;
  relay = await UdpRelay.start(server.mediaPort);
  // The demo's picture is encoded once, which takes a while on a busy machine.
  while ((await server.metric("livetrial_plane_rtp_received_total")) === 0) await new Promise((later) => setTimeout(later, 200));
  browsers = { chromium: one, firefox: other };
});

afterAll(async () => {
  await Promise.all(Object.values(browsers ?? {}).map((browser) => browser.close()));
  relay?.close();
  await server?.stop();
});

/** The member's page of the demo; `change` makes another ticket of the page's. */
async function open(browser: Browser, change: string | null): Promise<LivePage> {
  const before = async (page: Page): Promise<void> => {
    await page.evaluateOnNewDocument(countConnections);
    if (change !== null) await page.evaluateOnNewDocument(changeTicket, change);
  };
  return LivePage.open(browser, `${server.url}/s/demo`, { before });
}

/** Runs in the page. */
function countConnections(): void {
  const Original = RTCPeerConnection;
  const counted = { connections: 0 };
  Object.assign(window, { counted });
  window.RTCPeerConnection = class extends Original {
    constructor(configuration?: RTCConfiguration) {
      super(configuration);
      counted.connections += 1;
    }
  };
}

/** Runs in the page: changes what the page finds in it. */
function changeTicket(field: string): void {
  const find = document.getElementById.bind(document);
  document.getElementById = (id: string) => {
    const element = find(id);
    if (id === "livetrial-ticket" && element) {
      const ticket = JSON.parse(element.textContent ?? "");
      // The last digit: of a MAC, or of a password.
      ticket[field] = ticket[field].slice(0, -1) + (ticket[field].endsWith("0") ? "1" : "0");
      element.textContent = JSON.stringify(ticket);
    }
    return element;
  };
}

const connections = (page: LivePage): Promise<number> =>
  page.page.evaluate(() => (window as unknown as { counted: { connections: number } }).counted.connections);

describe.each(["chromium", "firefox"] as const)("in %s", (name) => {
  test("the page's ticket brings the picture by its only connection", async () => {
    const page = await open(browsers[name], null);
    await page.untilMoving();
    expect(await connections(page)).toBe(1);
    // The order of events, not their times: the page had its answer before the server gave one.
    const { path, stages } = await page.page.evaluate(() => window.livetrial.client.joinReport);
    expect(path).toBe("ticket");
    expect(stages.answer).toBeLessThan(stages.joined ?? 0);
    expect(stages.answer).toBeLessThan(stages.ice ?? 0);
    expect(stages.ice).toBeLessThanOrEqual(stages.first_shown ?? 0);
    // A person finds the same in the page, in both languages.
    await page.page.click('[data-testid="technical"] summary');
    const told = await page.page.$$eval('[data-testid="join-stage"]', (rows) => rows.map((row) => (row as HTMLElement).dataset.stage));
    expect(new Set(told)).toEqual(new Set(Object.keys(stages)));
    const times = told.map((stage) => stages[stage as keyof typeof stages] ?? NaN);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    const heading = () => page.page.$eval('[data-testid="technical"] summary', (summary) => summary.textContent ?? "");
    const headings = [await heading()];
    await page.click("lang");
    headings.push(await heading());
    expect(headings.sort()).toEqual(["Technical details of the picture", "画面的技术详情"]);
    await page.shot(`technical-${name}`);
    await page.close();
  });

  test.each(["ufrag", "pwd"])("a page whose ticket has a wrong %s gets the picture by the ordinary exchange", async (field) => {
    const before = await server.metric("livetrial_plane_tickets_taken_total");
    const page = await open(browsers[name], field);
    await page.untilMoving();
    expect(await connections(page)).toBe(2);
    expect(await server.metric("livetrial_plane_tickets_taken_total")).toBe(before);
    await page.close();
  });
});

describe("where the server's flights are lost", () => {
  afterEach(() => {
    relay.loses = () => false;
  });

  test.each([
    ["chromium", "ClientHello"],
    ["chromium", "certificate"],
    ["firefox", "ClientHello"],
    ["firefox", "certificate"],
  ] as const)("%s gets the picture by its only connection though the first %s does not arrive", async (name, flight) => {
    const first = { ClientHello: 1, certificate: 11 }[flight];
    let seen = 0;
    // The first whole flight is lost, of as many datagrams as it has; what comes again later passes.
    relay.loses = (datagram) => handshakeType(datagram) === first && ++seen <= 2;
    const page = await open(browsers[name], null);
    await page.untilMoving();
    expect(seen).toBeGreaterThan(2);
    expect(await connections(page)).toBe(1);
    expect(await page.page.evaluate(() => window.livetrial.client.joinReport.path)).toBe("ticket");
    await page.close();
  });

  /** Of an unencrypted handshake record (RFC 6347); null for anything else. */
  function handshakeType(datagram: Buffer): number | null {
    return datagram[0] === 22 && datagram.readUInt16BE(3) === 0 ? (datagram[13] ?? null) : null;
  }
});

test("a ticket is in each load of the page, never the same, and nothing keeps it", async () => {
  const loads = await Promise.all([1, 2].map(() => fetch(`${server.url}/s/demo`)));
  expect(loads.map((load) => load.headers.get("cache-control"))).toEqual(["no-store", "no-store"]);
  const ufrags = (await Promise.all(loads.map((load) => load.text()))).map((text) => /"ufrag":"(\w+)"/.exec(text)?.[1]);
  expect(new Set(ufrags).size).toBe(2);
  expect(ufrags.every((ufrag) => ufrag?.length === 66)).toBe(true);
});

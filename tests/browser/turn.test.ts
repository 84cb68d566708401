/** Where no way to the server works but a relay, the page finds it by itself; where one works, no relay is asked for. */

import type { Browser } from "puppeteer-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { chromium, firefox } from "./harness/browsers";
import { Coturn } from "./harness/coturn";
import { LivePage } from "./harness/live_page";
import { Server, type SessionLinks } from "./harness/server";

let coturn: Coturn;
let server: Server;
let chrome: Browser;
let fox: Browser;
let session: SessionLinks;
let host: LivePage;

beforeAll(async () => {
  coturn = await Coturn.start();
  [server, chrome, fox] = await Promise.all([Server.start({ settings: coturn.settings }), chromium(), firefox()]);
  session = await server.createSession();
  host = await LivePage.open(chrome, session.links.host, { width: 1280, height: 800 });
  await host.click("go-live");
});

afterAll(async () => {
  await Promise.all([chrome?.close(), fox?.close()]);
  await server?.stop();
  await coturn?.stop();
});

/** The kinds of this page's own candidates that a way in use goes out from. */
function kindsInUse(page: LivePage): Promise<string[]> {
  return page.page.evaluate(async () => {
    const stats = await window.livetrial.client.receiver.connection?.getStats();
    const pairs = [...(stats?.values() ?? [])].filter((s) => s.type === "candidate-pair" && s.nominated && s.bytesReceived > 0);
    return pairs.map((pair) => stats?.get(pair.localCandidateId).candidateType as string);
  });
}

test.each(["chromium", "firefox"])("a member in %s who reaches the server by a relay alone sees the host", async (name) => {
  const member = await LivePage.open(name === "chromium" ? chrome : fox, session.links.member, { relayOnly: true });
  await member.untilMoving(8);
  expect(await kindsInUse(member)).toEqual(["relay"]);
  // The page's ticket leads nowhere here, and is given up for one ordinary connection, which the relay is added to.
  expect(await member.page.evaluate(() => testHelpers.opened())).toEqual({ connections: 2, sockets: 1 });
  await member.close();
});

test("a member whose own way works gathers no relay", async () => {
  const member = await LivePage.open(chrome, session.links.member);
  await member.untilMoving(8);
  const relays = await member.page.evaluate(async () => {
    const stats = await window.livetrial.client.receiver.connection?.getStats();
    return [...(stats?.values() ?? [])].filter((s) => s.type === "local-candidate" && s.candidateType === "relay").length;
  });
  expect(relays).toBe(0);
  expect(await kindsInUse(member)).not.toContain("relay");
  expect(server.log).not.toMatch(/credential|secret of the browser/);
});

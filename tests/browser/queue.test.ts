/** Questions and votes agree on all pages, and survive a server that is killed; so do pictures. */

import type { Browser } from "puppeteer-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { chromium, firefox } from "./harness/browsers";
import { LivePage } from "./harness/live_page";
import { Server } from "./harness/server";

let server: Server;
let chrome: Browser;
let fox: Browser;

beforeAll(async () => {
  [server, chrome, fox] = await Promise.all([Server.start(), chromium(), firefox()]);
});

afterAll(async () => {
  await Promise.all([chrome?.close(), fox?.close()]);
  await server?.stop();
});

const FIRST = "Does it run small?";
const SECOND = "适合敏感肌吗？";
const WHILE_DOWN = "Was this lost?";

test("three pages agree, and a kill -9 of the server loses nothing that was acknowledged", async () => {
  const session = await server.createSession();
  const host = await LivePage.open(chrome, session.links.host, { width: 1280, height: 800 });
  await host.click("go-live");
  const ana = await LivePage.open(chrome, session.links.member);
  const bo = await LivePage.open(fox, session.links.member);
  const pages = [host, ana, bo];

  await ana.ask(FIRST);
  await bo.ask(SECOND);
  for (const voter of [ana, bo]) await voter.clickIn(SECOND, "vote");
  await ana.clickIn(FIRST, "vote");
  await untilAll(pages, FIRST, 1, "queued");
  await untilAll(pages, SECOND, 2, "queued");
  await ana.clickIn(FIRST, "vote");
  await untilAll(pages, FIRST, 0, "queued");
  await host.clickIn(SECOND, "answer-now");
  await untilAll(pages, SECOND, 2, "answering");
  for (const page of pages) {
    await page.until((text) => document.querySelector('[data-testid="now-answering"]')?.textContent?.includes(text) ?? false, SECOND);
  }
  await host.click("mark-answered");
  await untilAll(pages, SECOND, 2, "answered");
  await Promise.all([host.shot("queue-host"), ana.shot("queue-member"), bo.shot("queue-member-firefox")]);
  const before = await sequences(pages);

  await Promise.all([ana.untilMoving(), bo.untilMoving()]);
  await server.kill("SIGKILL");
  await ana.until(() => document.querySelector('[data-testid="status"]')?.getAttribute("data-state") === "reconnecting", null);
  await ana.shot("member-reconnecting");
  await bo.ask(WHILE_DOWN);
  await server.launch();

  await untilAll(pages, FIRST, 0, "queued");
  await untilAll(pages, SECOND, 2, "answered");
  await untilAll(pages, WHILE_DOWN, 0, "queued");
  await ana.clickIn(WHILE_DOWN, "vote");
  await untilAll(pages, WHILE_DOWN, 1, "queued");
  // The order of the queue is fair unless a moderator chose another: this is not its author's first question, the other is.
  for (const page of pages) await page.until((text) => testHelpers.rows().findIndex((row) => row.text === text) === 1, WHILE_DOWN);
  expect(await sequences(pages)).toEqual(before.map((seq) => seq + 2));
  const lists = await Promise.all(pages.map((page) => page.questions()));
  expect(lists[1]).toEqual(lists[2]);
  expect(new Set(lists.map((list) => list.length))).toEqual(new Set([3]));
  await Promise.all([ana.untilMoving(), bo.untilMoving()]);

  // A page that comes anew sees the same.
  const late = await LivePage.open(chrome, session.links.member);
  await late.untilQuestion(WHILE_DOWN, 1, "queued");
  expect((await late.questions()).map(({ text, votes, state }) => ({ text, votes, state }))).toEqual(lists[1]);
  await late.untilMoving();
});

async function untilAll(pages: LivePage[], question: string, votes: number, state: string): Promise<void> {
  for (const page of pages) await page.untilQuestion(question, votes, state);
}

function sequences(pages: LivePage[]): Promise<number[]> {
  return Promise.all(pages.map((page) => page.page.evaluate(() => window.livetrial.client.seq)));
}

/** A whole session as people live it: questions, a poll, a draw, a hand that comes on stage, a ban. */

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
const RUDE = "Buy elsewhere, it is cheap junk";
const OFF_TOPIC = "What is for lunch?";
const EDITED = "Does it run small or large?";
const HIDDEN = "适合敏感肌吗？";

test("host, moderator and three members go through a session", async () => {
  const session = await server.createSession();
  const host = await LivePage.open(chrome, session.links.host, { width: 390, height: 844 });
  const moderator = await LivePage.open(chrome, session.links.moderator, { width: 390, height: 844 });
  const ana = await LivePage.open(chrome, session.links.member);
  const bo = await LivePage.open(fox, session.links.member);
  const cy = await LivePage.open(chrome, session.links.member);
  const members = [ana, bo, cy];
  await host.click("go-live");
  await Promise.all(members.map((page) => page.untilMoving(3)));

  // Questions wait for the moderator, who lets some in; authors edit, and read why not.
  await moderator.click("tab-settings");
  await moderator.click("set-premoderation");
  await ana.until(() => window.livetrial.client.view.state.settings.premoderation, null);
  await ana.ask(FIRST);
  await ana.untilQuestion(FIRST, 0, "received");
  await ana.submitIn(FIRST, "own-more", "edit-form", EDITED);
  await ana.untilQuestion(EDITED, 0, "received");
  await cy.ask(OFF_TOPIC);
  await bo.click("ask-anonymous");
  await bo.ask(HIDDEN);
  await moderator.click("tab-questions");
  await moderator.untilQuestion(HIDDEN, 0, "received");
  await moderator.clickIn(HIDDEN, "approve");
  await moderator.clickIn(EDITED, "approve");
  await moderator.submitIn(OFF_TOPIC, "question-more", "decline-form", "Not about the product");
  await cy.until((text) => testHelpers.rowOf(text)?.textContent?.includes("Not about the product") ?? false, OFF_TOPIC);
  for (const page of members) await page.untilQuestion(HIDDEN, 0, "queued");
  const author = await moderator.page.evaluate((text) => window.livetrial.client.view.queued.find((question) => question.text === text)?.author, HIDDEN);
  expect(author).toBeNull();
  await cy.clickIn(HIDDEN, "vote");
  await moderator.submitIn(HIDDEN, "question-more", "reply-form", "Yes, it is tested.");
  await ana.until((text) => testHelpers.rowOf(text)?.textContent?.includes("Yes, it is tested.") ?? false, HIDDEN);
  await host.clickIn(HIDDEN, "answer-now");
  for (const page of members) await page.untilQuestion(HIDDEN, 1, "answering");
  await host.click("mark-answered");
  for (const page of members) await page.untilQuestion(HIDDEN, 1, "answered");

  await Promise.all([moderator.shot("session-moderator-questions"), ana.shot("session-member-questions"), host.shot("session-host")]);

  // A poll with live results.
  await host.click("tab-polls");
  await host.click("poll-new");
  await host.type("poll-question", "Which colour next?");
  await host.type("poll-options", "Sand\nMoss");
  await host.click("poll-make");
  await host.click("poll-open-60");
  for (const page of members) {
    await page.click("poll-option");
    await page.click("poll-vote");
  }
  for (const page of [...members, host]) await page.untilText("poll-total", "3");
  await Promise.all([host.shot("session-host-poll"), ana.shot("session-member-poll")]);
  await host.click("poll-close");
  for (const page of members) await page.until(() => document.querySelector('[data-testid="poll"]')?.getAttribute("data-state") === "closed", null);

  // Reactions are counted on every page.
  for (let i = 0; i < 5; i++) await bo.click("react-heart");
  await ana.until(() => document.querySelector('[data-testid="react-heart"]')?.getAttribute("data-count") === "5", null);

  // A draw that anybody can verify.
  await host.click("tab-draws");
  await host.click("draw-new");
  await host.type("draw-title", "One year of cream");
  await host.click("draw-open");
  for (const page of members) await page.click("draw-enter");
  for (const page of members) await page.page.waitForSelector('[data-testid="draw-ticket"]');
  await host.click("draw-close");
  for (const page of members) await page.page.waitForSelector('[data-testid="draw-winners"]');
  const verify = await ana.page.$eval('[data-testid="draw-verify"]', (link) => (link as HTMLAnchorElement).href);
  const drawn = (await (await fetch(verify)).json()) as { tickets: number[]; entries: unknown[]; secret: string };
  expect([drawn.tickets.length, drawn.entries.length, drawn.secret.length]).toEqual([1, 3, 64]);

  // A raised hand comes on stage, and is seen in both browsers and by the host.
  await ana.click("hand-raise");
  await moderator.click("tab-stage");
  await moderator.click("hand-invite");
  await ana.click("stage-camera");
  await ana.page.waitForSelector('[data-testid="on-stage"]');
  for (const page of [bo, cy, host]) await page.untilStagePicture();
  await Promise.all([moderator.shot("session-moderator-stage"), ana.shot("session-on-stage"), bo.shot("session-member-stage"), host.shot("session-host-stage")]);
  await moderator.click("stage-remove");
  await ana.page.waitForSelector('[data-testid="hand-raise"]');
  await bo.until(() => document.querySelector('[data-testid="stage-tile"]') === null, null);

  // A ban holds after a reload.
  await cy.ask(RUDE);
  await moderator.click("tab-questions");
  await moderator.untilQuestion(RUDE, 0, "received");
  await moderator.clickIn(RUDE, "ban");
  await moderator.clickIn(RUDE, "ban-sure");
  await cy.until(() => document.querySelector('[data-testid="status"]')?.getAttribute("data-state") === "closed", null);
  await cy.page.reload();
  await cy.until(() => document.querySelector('[data-testid="status"]')?.getAttribute("data-state") === "closed", null);
  await cy.shot("session-banned");
  await moderator.clickIn(RUDE, "delete");
  await ana.until((text) => testHelpers.rowOf(text) === undefined, RUDE);
  await moderator.shot("session-moderator");
});

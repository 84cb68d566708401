/** What people say and choose beside the picture, and what staff does about it: every part where its users see it. */

import type { Browser } from "puppeteer-core";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { chromium, firefox } from "./harness/browsers";
import type { LivePage } from "./harness/live_page";
import { openPanel } from "./harness/panel";
import { Server } from "./harness/server";

let server: Server;
let chrome: Browser;
let fox: Browser;
let host: LivePage;
let moderator: LivePage;
let ana: LivePage;
let bo: LivePage;

beforeAll(async () => {
  [server, chrome, fox] = await Promise.all([Server.start(), chromium(), firefox()]);
});

beforeEach(async () => {
  await Promise.all([host, moderator, ana, bo].map((page) => page?.close()));
  ({ host, moderator, ana, bo } = await openPanel(server, chrome, fox));
});

afterAll(async () => {
  await Promise.all([chrome?.close(), fox?.close()]);
  await server?.stop();
});

const TEXTURE = "Is the texture light enough for summer?";
const SAME = "Is the texture light enough for the summer?";
const PRICE = "What does the refill cost?";

test("a question says what it is about, is labelled, merged and taken apart again, and two tabs of a person agree", async () => {
  await moderator.click("tab-products");
  await moderator.click("product-new");
  await moderator.type("product-title", "Sun cream");
  await moderator.click("product-add");
  await ana.click("ask-about");
  await ana.until(() => document.querySelector('[data-testid="ask-product"]') !== null, null);
  const product = await ana.page.$eval('[data-testid="ask-product"]', (list) => (list as HTMLSelectElement).options[1]?.value ?? "");
  await ana.select("ask-product", product);
  await ana.type("ask-day", "3");
  await ana.ask(TEXTURE);
  await bo.untilRow(TEXTURE, "Sun cream");
  await bo.untilRow(TEXTURE, "Day 3");
  await bo.ask(SAME);
  await ana.untilQuestion(SAME, 0, "queued");
  await ana.clickIn(SAME, "vote");

  const second = await ana.secondTab();
  await second.untilQuestion(SAME, 1, "queued");
  const pressed = () => second.page.evaluate((text) => testHelpers.rowOf(text)?.querySelector('[data-testid="vote"]')?.getAttribute("aria-pressed"), SAME);
  expect(await pressed()).toBe("true");
  await second.clickIn(TEXTURE, "vote");
  await ana.until((text) => testHelpers.rowOf(text)?.querySelector('[data-testid="vote"]')?.getAttribute("aria-pressed") === "true", TEXTURE);
  // A tab behind another is not drawn, so nothing in it could be clicked.
  await second.page.close();

  await moderator.click("tab-questions");
  await moderator.clickIn(SAME, "question-more");
  await moderator.clickIn(SAME, "merge");
  await moderator.page.waitForSelector('[data-testid="candidate"]');
  await moderator.clickIn(SAME, "merge-into");
  // The same person voted for both, and counts once.
  await bo.untilQuestion(TEXTURE, 1, "queued");
  await bo.until((text) => testHelpers.rowOf(text)?.dataset.state !== "queued", SAME);
  await moderator.click("aside");
  await moderator.clickIn(SAME, "unmerge");
  await ana.untilQuestion(SAME, 1, "queued");

  await ana.ask(PRICE);
  await moderator.untilQuestion(PRICE, 0, "queued");
  await moderator.clickIn(PRICE, "question-more");
  await moderator.fillIn(PRICE, '[data-testid="labels"]', "price, 补充装");
  await moderator.clickIn(PRICE, "labels-save");
  for (const page of [ana, bo]) await page.untilRow(PRICE, "补充装");
  await bo.click("label-filter");
  await bo.until(() => testHelpers.rows().length === 1, null);
  expect((await bo.questions()).map((row) => row.text)).toEqual([PRICE]);
  await ana.select("own-order", "newest");
  await ana.until((text) => testHelpers.rows()[0]?.text === text, PRICE);
  expect((await moderator.questions())[0]?.text, "the session's order is another").not.toBe(PRICE);
  await Promise.all([ana.shot("talk-member-questions"), moderator.shot("talk-moderator-questions")]);
});

test("polls of every kind count what was chosen, and tell it to whom they should", async () => {
  await host.click("tab-polls");
  await host.click("poll-new");
  let title = "";
  const open = async (kind: string, results: string, options?: string): Promise<void> => {
    title = `A ${kind}`;
    await host.select("poll-kind", kind);
    await host.select("poll-results", results);
    await host.type("poll-question", title);
    if (options) await host.type("poll-options", options);
    await host.click("poll-make");
    await host.click("poll-open");
    for (const page of [ana, bo]) await page.untilPoll(title, "open");
  };
  const close = async (): Promise<void> => {
    await host.click("poll-close");
    for (const page of [ana, bo]) await page.untilPoll(title, "closed");
  };
  const vote = async (page: LivePage, ...places: number[]): Promise<void> => {
    await page.inPoll(title, places);
    await page.untilPollSays(title, "Your vote is saved.");
  };
  const write = async (page: LivePage, text: string): Promise<void> => {
    await page.type("poll-text", text);
    await page.click("poll-vote");
    await page.untilPollSays(title, "Your vote is saved.");
  };

  await open("multiple", "live", "Sand\nMoss\nSky");
  await vote(ana, 0, 1);
  for (const page of [bo, host]) await page.untilPollSays(title, "Moss 1");
  // Changed until it is closed.
  await ana.inPoll(title, [1]);
  for (const page of [bo, host]) await page.untilPollSays(title, "Moss 0");
  await Promise.all([host.shot("talk-host-poll"), ana.shot("talk-member-poll")]);
  await close();

  await open("rating", "voted");
  await vote(ana, 3);
  await ana.untilPollSays(title, "100%");
  await bo.untilPollSays(title, "1 vote");
  expect(await bo.tally(title), "who has not voted sees nothing").toBeNull();
  await close();

  await open("ranking", "closed", "Feel\nScent");
  await vote(ana);
  expect(await ana.tally(title)).toBeNull();
  await close();
  await ana.untilPollSays(title, "points");

  await open("words", "live");
  await write(ana, "light fresh");
  await bo.untilPollSays(title, "fresh");
  await close();

  await open("open", "staff");
  await write(ana, "Smaller bottles");
  await host.untilPollSays(title, "Smaller bottles");
  expect(await ana.tally(title)).toBeNull();
  await close();

  await open("quiz", "closed", "SPF 30\nSPF 50");
  await vote(ana, 0);
  expect(await ana.tally(title)).toBeNull();
  await close();
  await ana.untilPollSays(title, "Right answer");
  await host.click("poll-to-trial");
  await ana.untilText("next-trial", "SPF 30");
  await host.submit("trial-form", "Two textures side by side");
  await ana.untilText("next-trial", "Two textures side by side");
  await ana.shot("talk-member-quiz");
});

test("chat, announcements, products, mutes and roles; the record tells who did what", async () => {
  await moderator.click("tab-settings");
  await moderator.page.waitForSelector('[data-testid="set-slow"]');
  await moderator.page.$eval('[data-testid="set-slow"]', (field) => {
    (field as HTMLInputElement).value = "60";
    field.dispatchEvent(new Event("change", { bubbles: true }));
  });
  await ana.click("tab-chat");
  await ana.until(() => document.querySelector("#panel-chat")?.textContent?.includes("60 s") ?? false, null);
  await ana.submit("chat-form", "Hello from the train");
  await ana.untilText("chat", "Hello from the train");
  await ana.submit("chat-form", "And one more");
  await ana.untilText("chat-form", "Try again in");
  expect(await ana.page.$eval('[data-testid="chat-form"] textarea', (field) => (field as HTMLTextAreaElement).value)).toBe("And one more");

  await moderator.click("tab-chat");
  await moderator.click("announce");
  await moderator.click("announce-pin");
  await moderator.submit("announce-form", "Samples leave on Monday");
  for (const page of [ana, bo]) await page.untilText("announcement", "Samples leave on Monday");

  await moderator.click("tab-products");
  await moderator.click("product-new");
  await moderator.type("product-title", "Refill");
  await moderator.type("product-url", new URL("/docs", host.page.url()).href);
  await moderator.click("product-add");
  await moderator.click("product-pin");
  await bo.click("product-sample");
  await bo.page.$eval('[data-testid="product-link"]', (link) => {
    // The visit is counted; the tab that would open is of no use here.
    link.addEventListener("click", (event) => event.preventDefault());
    (link as HTMLElement).click();
  });
  await moderator.untilText("row", "1 visit · 1 sample request");
  await moderator.click("product-delete");
  await bo.until(() => document.querySelector('[data-testid="product"]') === null, null);
  await moderator.click("removed");
  await moderator.click("undelete");
  await moderator.untilText("row", "Refill");

  await bo.ask(PRICE);
  await moderator.click("tab-people");
  await moderator.click("participant-more");
  await moderator.shot("talk-moderator-people");
  await moderator.page.evaluate((ana) => {
    const row = [...document.querySelectorAll<HTMLElement>('[data-testid="participant"]')].find((row) => row.dataset.id === ana);
    row?.querySelector<HTMLElement>('[data-testid="mute-10"]')?.click();
  }, await ana.page.evaluate(() => window.livetrial.client.you?.id));
  await ana.page.waitForSelector('[data-testid="muted"] [data-testid="countdown"]');
  // By the store's clock, not by the page's.
  await ana.until(() => document.querySelector('[data-testid="muted"]') === null, null);

  // Roles are given by hosts alone.
  await host.click("tab-people");
  await host.page.waitForSelector('[data-testid="make-moderator"]');
  await host.page.evaluate((bo) => {
    const row = [...document.querySelectorAll<HTMLElement>('[data-testid="participant"]')].find((row) => row.dataset.id === bo);
    row?.querySelector<HTMLElement>('[data-testid="make-moderator"]')?.click();
  }, await bo.page.evaluate(() => window.livetrial.client.you?.id));
  await bo.until(() => window.livetrial.client.you?.role === "moderator", null);

  await host.click("tab-questions");
  await host.clickIn(PRICE, "answer-now");
  await host.click("mark-answered");
  await host.untilQuestion(PRICE, 0, "answered");
  await host.clickIn(PRICE, "question-more");
  const clip = () => host.page.evaluate((text) => ({ ...testHelpers.rowOf(text)?.querySelector<HTMLElement>('[data-testid="clip"]')?.dataset }), PRICE);
  const before = await clip();
  await host.clickIn(PRICE, "clip-in-5");
  await host.until(({ text, was }) => testHelpers.rowOf(text)?.querySelector<HTMLElement>('[data-testid="clip"]')?.dataset.in !== was, { text: PRICE, was: before.in });
  expect(Number((await clip()).in)).toBe(Number(before.in) - 5000);

  await moderator.click("tab-record");
  await moderator.page.waitForSelector('[data-testid="act"][data-id="mark"]');
  const acts = await moderator.page.$$eval('[data-testid="act"]', (rows) => rows.map((row) => (row as HTMLElement).dataset.id));
  expect(acts).toEqual(["mark", "answered", "answering", "set_role", "mute", "undelete", "delete", "product_pin", "product_add", "announce", "configure", "configure"]);
  await moderator.page.waitForSelector('[data-testid="log-hash"]');
  await moderator.shot("talk-moderator-record");
  await host.click("lang");
  await host.shot("talk-host-zh");
});

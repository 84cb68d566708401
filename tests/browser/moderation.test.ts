/** What moderators decide, what becomes of people's words then, and what anybody can check afterwards: every part where its users see it. */

import { createHash } from "node:crypto";
import type { Browser } from "puppeteer-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { chromium, firefox } from "./harness/browsers";
import { downloadOf } from "./harness/download";
import type { LivePage } from "./harness/live_page";
import { openPanel } from "./harness/panel";
import { Server } from "./harness/server";

let server: Server;
let chrome: Browser;
let fox: Browser;
let host: LivePage;
let moderator: LivePage;
let ana: LivePage;
/** Reads Chinese. */
let bo: LivePage;
let session: string;

beforeAll(async () => {
  [server, chrome, fox] = await Promise.all([Server.start(), chromium(), firefox()]);
  ({ session, host, moderator, ana, bo } = await openPanel(server, chrome, fox, { width: 1280, height: 800 }));
  await bo.click("lang");
});

afterAll(async () => {
  await Promise.all([chrome?.close(), fox?.close()]);
  await server?.stop();
});

const SCENT = "Does the scent stay all day?";
const TUBE = "Is the tube recyclable?";
const NIGHT = "晚上也能用吗？";
const TRAVEL = "有旅行装吗？";

test("authors withdraw, and change nothing that is picked up; a moderator's place and the quick slot are shown to all", async () => {
  // Both do, so that neither's next question is a first one, which the fair order would put above a vote.
  for (const [author, text] of [[ana, SCENT], [bo, TRAVEL]] as const) {
    await author.ask(text);
    for (const page of [ana, bo, moderator]) await page.untilQuestion(text, 0, "queued");
    await author.clickIn(text, "own-more");
    await author.clickIn(text, "withdraw");
    for (const page of [ana, bo, moderator]) await page.untilGone(text);
  }

  await ana.ask(TUBE);
  await bo.untilQuestion(TUBE, 0, "queued");
  await bo.clickIn(TUBE, "vote");
  await bo.ask(NIGHT);
  const first = (text: string) => testHelpers.rows()[0]?.text === text;
  for (const page of [ana, bo, host, moderator]) await page.untilQuestion(NIGHT, 0, "queued");
  for (const page of [ana, bo, host]) await page.until(first, TUBE);
  await moderator.clickIn(NIGHT, "question-more");
  await moderator.fillIn(NIGHT, '[data-testid="place"]', "1");
  await moderator.clickIn(NIGHT, "place-save");
  for (const page of [ana, bo, host]) await page.until(first, NIGHT);
  for (const page of [ana, host]) await page.untilRow(NIGHT, "Placed by a moderator");
  await bo.untilRow(NIGHT, "管理员指定的位置");
  await Promise.all([moderator.shot("moderation-place-moderator"), bo.shot("moderation-place-member-zh")]);

  // What is written while a question is picked up is kept, and does not come to others.
  await ana.clickIn(TUBE, "own-more");
  await ana.fillIn(TUBE, '[data-testid="edit-form"] textarea', "Is the cap recyclable?");
  await moderator.clickIn(NIGHT, "make-next");
  await moderator.clickIn(TUBE, "question-more");
  await moderator.clickIn(TUBE, "quick");
  for (const page of [ana, bo, host]) await page.untilQuestion(TUBE, 1, "answering");
  await ana.untilText("edit-late", "Is the cap recyclable?");
  expect(await ana.page.$('[data-testid="edit-form"]')).toBeNull();
  const late = await ana.page.evaluate((text) => {
    const question = testHelpers.rowOf(text)?.dataset.questionId;
    return window.livetrial.client.send({ type: "edit", question, text: "Is the cap recyclable?" }).then(() => "taken", (refusal: { code: string }) => refusal.code);
  }, TUBE);
  expect(late).toBe("wrong_state");
  await bo.untilQuestion(TUBE, 1, "answering");

  for (const page of [ana, host]) {
    await page.untilText("now-answering", "Quick question, quick answer");
    await page.untilText("next-up", `Next up: ${NIGHT}`);
  }
  await bo.untilText("now-answering", "快问快答");
  await bo.untilText("next-up", `下一个: ${NIGHT}`);
  for (const page of [ana, bo, host]) {
    await page.until(() => /\b(1:00|0:\d\d)/.test(document.querySelector('[data-testid="now-answering"] [data-testid="countdown"]')?.textContent ?? ""), null);
  }
  await Promise.all([ana.shot("moderation-quick-member"), host.shot("moderation-quick-host"), bo.shot("moderation-quick-member-zh")]);

  // The answer's marks, and what a moderator makes of them, are the same on every desk.
  await host.click("mark-answered");
  for (const page of [ana, bo, moderator]) await page.untilQuestion(TUBE, 1, "answered");
  await host.clickIn(TUBE, "question-more");
  await moderator.clickIn(TUBE, "question-more");
  const clip = async (page: LivePage) => {
    const { in: from, out: to } = await page.page.evaluate((text) => ({ ...testHelpers.rowOf(text)?.querySelector<HTMLElement>('[data-testid="clip"]')?.dataset }), TUBE);
    return { from: Number(from), to: Number(to) };
  };
  const marked = await clip(host);
  expect(marked.to).toBeGreaterThan(marked.from);
  expect(await clip(moderator)).toEqual(marked);
  // An answer cannot end in the future, nor before it begins.
  const untilClip = (page: LivePage, mark: "in" | "out", at: number) =>
    page.until(({ text, mark, at }) => testHelpers.rowOf(text)?.querySelector<HTMLElement>('[data-testid="clip"]')?.dataset[mark] === at, { text: TUBE, mark, at: `${at}` });
  await moderator.clickIn(TUBE, "clip-in-5");
  for (const page of [host, moderator]) await untilClip(page, "in", marked.from - 5000);
  await moderator.clickIn(TUBE, "clip-out-1");
  for (const page of [host, moderator]) await untilClip(page, "out", marked.to - 1000);
});

test("blocked words and links are refused in any disguise, with the reason in the page's language, and nothing is lost from the box", async () => {
  await moderator.click("tab-settings");
  await moderator.select("set-links", "all");
  await moderator.click("tab-people");
  const block = async (text: string): Promise<void> => {
    await moderator.submit("block-form", text);
    await moderator.until((text) => [...document.querySelectorAll('[data-testid="block"]')].some((row) => row.textContent?.includes(text)), text);
  };
  await block("scam");
  await block("假货");
  await moderator.click("block-link");
  await block("cheap-copies.example");
  await moderator.shot("moderation-blocks");

  const refused = async (page: LivePage, text: string, reason: string): Promise<void> => {
    await page.ask(text);
    await page.untilText("ask-refused", reason);
    expect(await page.valueOf("ask-text")).toBe(text);
    expect(await host.page.evaluate((text) => testHelpers.rowOf(text) === undefined, text)).toBe(true);
  };
  await refused(bo, "这个是 假 貨 吧？", "内容包含本场屏蔽的词语");
  await bo.shot("moderation-refused-zh");
  await bo.empty("ask-text");
  await refused(bo, "看 https://www.cheap-copies.example/x", "本场不允许发链接");
  await bo.empty("ask-text");
  await bo.ask("看 https://livetrial.example/x");
  await host.untilQuestion("看 https://livetrial.example/x", 0, "queued");

  // Cyrillic letters and a digit.
  const disguised = "Is this a ѕс4m?";
  await refused(ana, disguised, "Your text has a word that is blocked here.");
  await ana.shot("moderation-refused");
  await moderator.page.evaluate(() => {
    const row = [...document.querySelectorAll<HTMLElement>('[data-testid="block"]')].find((row) => row.textContent?.includes("scam"));
    row?.querySelector<HTMLElement>('[data-testid="block-remove"]')?.click();
  });
  await moderator.until(() => document.querySelectorAll('[data-testid="block"]').length === 2, null);
  await ana.click("ask-send");
  await host.untilQuestion(disguised, 0, "queued");
  expect(await ana.valueOf("ask-text")).toBe("");
});

const RUDE = "This brand is rubbish";

test("an announcement appears at its time, and who was banned comes back when that is lifted", async () => {
  // The page itself notes when it showed what, so that nothing is missed while the test looks elsewhere; by the machine's clock, which is the server's too.
  await ana.page.evaluate(() => {
    new MutationObserver(() => {
      const shown = document.querySelector<HTMLElement>('[data-testid="announcement"]');
      if (shown && !document.body.dataset.announcedAt) document.body.dataset.announcedAt = `${Date.now()}`;
    }).observe(document.body, { subtree: true, childList: true });
  });
  await host.click("tab-chat");
  await host.click("announce");
  await host.type("announce-in", "0.03");
  await host.submit("announce-form", "The draw begins now");
  await host.untilText("announced", "The draw begins now");
  for (const page of [ana, bo]) await page.untilText("announcement", "The draw begins now");
  const due = await host.page.evaluate(() => [...window.livetrial.client.view.state.announcements.values()].find(({ text }) => text === "The draw begins now")?.at);
  expect(Number(await ana.page.evaluate(() => document.body.dataset.announcedAt))).toBeGreaterThan(Number(due) - 100);
  // What the rush of a join set wrong is right once a page is at rest.
  await ana.until(() => Math.abs(window.livetrial.client.serverNow() - Date.now()) < 100, null);
  await Promise.all([host.shot("moderation-announce-host"), bo.shot("moderation-announce-member-zh")]);

  await ana.ask(RUDE);
  await moderator.click("tab-questions");
  await moderator.untilQuestion(RUDE, 0, "queued");
  await moderator.clickIn(RUDE, "question-more");
  await moderator.clickIn(RUDE, "ban");
  await moderator.clickIn(RUDE, "ban-sure");
  await ana.untilStatus("closed");
  await ana.page.reload();
  await ana.untilStatus("closed");
  await moderator.click("tab-people");
  await moderator.untilText("sanctioned", "Banned");
  await moderator.shot("moderation-banned");
  await moderator.click("unban");
  await moderator.until(() => document.querySelector('[data-testid="sanctioned"]') === null, null);
  await ana.page.reload();
  await ana.untilQuestion(RUDE, 0, "queued");
  await ana.ask("Sorry about that");
  await host.click("tab-questions");
  await host.untilQuestion("Sorry about that", 0, "queued");
});

test("staff saves the log from the page, and it has the hash that was told; members may not", async () => {
  await moderator.click("tab-record");
  await moderator.page.waitForSelector('[data-testid="log-hash"]');
  const told = () => moderator.page.$eval('[data-testid="log-hash"]', (hash) => hash.textContent);
  const { name, text } = await downloadOf(moderator, () => moderator.click("log-jsonl"));
  expect(name).toBe(`${session}-log.jsonl`);
  await moderator.page.waitForSelector('[data-testid="log-agrees"][data-agrees="true"]');
  // Made here once more, and from the file itself.
  const hashes: string[] = [];
  for (const line of text.trimEnd().split("\n")) {
    hashes.push(createHash("sha256").update((hashes.at(-1) ?? "0".repeat(64)) + line).digest("hex"));
  }
  expect(await moderator.page.$eval('[data-testid="log-file-hash"]', (hash) => hash.textContent)).toBe(hashes.at(-1));
  expect(hashes).toContain(await told());
  const marks = text.split("\n").flatMap((line) => (line.includes('"act":"mark"') ? [JSON.parse(line) as { data: { answer_in: number; answer_out: number } }] : []));
  expect(marks).toHaveLength(2);
  expect(marks[0]?.data.answer_in).toBeLessThan(marks[0]?.data.answer_out ?? 0);

  const table = await downloadOf(moderator, () => moderator.click("log-csv"));
  expect(table.text.startsWith("\uFEFFseq,at,kind,act,by,name,role,id,data")).toBe(true);
  expect(table.text).toContain(NIGHT);
  await moderator.untilText("log-saved", "CSV");
  await moderator.click("lang");
  await moderator.untilText("log-saved", "已保存");
  await moderator.page.$eval('[data-testid="log-jsonl"]', (button) => button.scrollIntoView({ block: "center", behavior: "instant" }));
  await moderator.shot("moderation-log-zh");

  const refusal = await ana.page.evaluate(async () => {
    const { token } = window.livetrial.client;
    const response = await fetch(`/api/v1/sessions/${location.pathname.split("/")[2]}/log`, { headers: { Authorization: `Bearer ${token}` } });
    return { status: response.status, problem: (await response.json()) as { code: string; detail: string } };
  });
  expect(refusal.status).toBe(403);
  expect(refusal.problem).toMatchObject({ code: "forbidden", detail: "only a host or a moderator may read the log" });
});

const RECORD_TYPE = "application/json";

test("the verify link of a draw opens a page that computes it anew, in both languages, and finds out a forged record", async () => {
  await host.click("tab-draws");
  await host.click("draw-new");
  await host.type("draw-title", "One year of cream");
  await host.click("draw-open");
  for (const page of [ana, bo]) await page.click("draw-enter");
  for (const page of [ana, bo]) await page.page.waitForSelector('[data-testid="draw-ticket"]');
  const link = await ana.page.$eval('[data-testid="draw-verify"]', (anchor) => (anchor as HTMLAnchorElement).href);

  const verdict = (page: LivePage, says: string) => page.until((says) => document.querySelector<HTMLElement>('[data-testid="draw-verdict"]')?.dataset.holds === says, says);
  const checks = (page: LivePage) => page.page.$$eval('[data-testid^="check-"]', (rows) => rows.map((row) => [(row as HTMLElement).dataset.testid?.slice("check-".length), (row as HTMLElement).dataset.holds]));
  const early = await bo.secondTab(link);
  await verdict(early, "open");
  expect(await checks(early)).toEqual([["commitment", "unknown"], ["own-commitment", "true"], ["own-entry", "true"]]);
  await early.page.close();

  await host.click("draw-close");
  for (const page of [ana, bo]) await page.page.waitForSelector('[data-testid="draw-winners"]');
  const all = ["commitment", "own-commitment", "own-entry", "numbered", "digest", "winners"];
  for (const [page, words, shot] of [[ana, "The draw holds", "moderation-draw"], [bo, "抽奖结果属实", "moderation-draw-zh"]] as const) {
    const tab = await page.secondTab(link);
    await verdict(tab, "true");
    await tab.untilText("draw-verdict", words);
    expect(await checks(tab)).toEqual(all.map((check) => [check, "true"]));
    expect(await tab.page.$$eval('[data-testid="draw-entry"]', (rows) => rows.length)).toBe(2);
    expect(await tab.page.$$eval('[data-testid="draw-entry"].own', (rows) => rows.length)).toBe(1);
    await tab.shot(shot);
    await tab.page.close();
  }

  // A server that puts another winner in its record, and another that drops an entry.
  type Record = { tickets: number[]; entries: [number, string][] };
  const forged = async (forge: (record: Record) => Record): Promise<LivePage> => {
    const record = forge((await (await fetch(link)).json()) as Record);
    return ana.secondTab(link, async (page) => {
      await page.setRequestInterception(true);
      page.on("request", (request) => {
        const isRecord = request.url() === link && request.headers()["accept"] === RECORD_TYPE;
        void (isRecord ? request.respond({ contentType: RECORD_TYPE, body: JSON.stringify(record) }) : request.continue());
      });
    });
  };
  const otherWinner = await forged((record) => ({ ...record, tickets: record.tickets.map((ticket) => 3 - ticket) }));
  await verdict(otherWinner, "false");
  expect(await checks(otherWinner)).toEqual(all.map((check) => [check, `${check !== "winners"}`]));
  await otherWinner.shot("moderation-draw-forged");
  await otherWinner.page.close();
  const withoutHer = await forged((record) => ({ ...record, entries: record.entries.filter(([ticket]) => ticket !== 1) }));
  await verdict(withoutHer, "false");
  const broken = new Map((await checks(withoutHer)) as [string, string][]);
  expect([broken.get("numbered"), broken.get("digest")]).toEqual(["false", "false"]);
  await withoutHer.page.goto(link.replace(/\/[^/]+$/, "/d999"));
  await withoutHer.page.waitForSelector('[data-testid="draw-trouble"]');
  await withoutHer.page.close();
});

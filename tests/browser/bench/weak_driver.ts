/**
 * Members in a browser, for the bench of weak networks: a JSON line in for each order, one out when it is done.
 * `tsx bench/weak_driver.ts chromium|firefox path/of/in_page.js`
 */

import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import type { Browser, BrowserContext, Page } from "puppeteer-core";
import { chromium, firefox } from "../harness/browsers";

interface Open {
  cmd: "open";
  member: string;
  url: string;
  /** Media address that the server tells, and the one to use instead, "ip:port". */
  told: string;
  used: string;
}

type Order = Open | { cmd: "close" | "samples"; member: string };

interface Member {
  context: BrowserContext;
  page: Page;
}

declare function weakSamples(): unknown;

const VIEWPORT = { width: 640, height: 720 };
const members = new Map<string, Member>();

async function open(browser: Browser, script: string, order: Open): Promise<unknown> {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  await page.setViewport(VIEWPORT);
  await page.evaluateOnNewDocument(`const weakWay = ${JSON.stringify({ told: order.told, used: order.used })};\n${script}`);
  await page.goto(order.url, { waitUntil: "domcontentloaded" });
  members.set(order.member, { context, page });
  return { ok: true };
}

async function obey(browser: Browser, script: string, order: Order): Promise<unknown> {
  if (order.cmd === "open") return open(browser, script, order);
  const member = members.get(order.member);
  if (!member) throw new Error(`there is no member ${order.member}`);
  const samples = await member.page.evaluate(() => weakSamples());
  if (order.cmd === "samples") return samples;
  members.delete(order.member);
  await member.context.close();
  return samples;
}

const [name, scriptPath = ""] = process.argv.slice(2);
const script = readFileSync(scriptPath, "utf8");
const browser = await (name === "firefox" ? firefox() : chromium());
console.log(JSON.stringify({ ready: await browser.version() }));
for await (const line of createInterface({ input: process.stdin })) {
  try {
    console.log(JSON.stringify(await obey(browser, script, JSON.parse(line) as Order)));
  } catch (error) {
    console.log(JSON.stringify({ failed: error instanceof Error ? error.message : String(error) }));
  }
}
await browser.close();

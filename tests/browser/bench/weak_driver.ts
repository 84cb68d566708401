/** Members in a browser, for the bench of weak networks. */

import type { Browser, BrowserContext, Page } from "puppeteer-core";
import { obeyOrders } from "./orders";

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

await obeyOrders<Order>(obey);

/**
 * Joins in a browser, one after the other: a JSON line in for each, one out with its stages in ms since the tap.
 * `tsx bench/join_driver.ts chromium|firefox path/of/in_page.js`
 */

import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import type { Browser } from "puppeteer-core";
import { chromium, firefox } from "../harness/browsers";

interface Order {
  mode: string;
  /** Page to join from. */
  page: string;
  target: Record<string, unknown>;
  timeoutMs: number;
  settleMs: number;
}

declare function joinOnce(mode: string, target: Record<string, unknown>, timeoutMs: number, settleMs: number): Promise<Record<string, unknown>>;

async function join(browser: Browser, script: string, order: Order): Promise<Record<string, unknown>> {
  const context = await browser.createBrowserContext();
  try {
    const page = await context.newPage();
    await page.goto(order.page);
    await page.evaluate(script);
    const { mode, target, timeoutMs, settleMs } = order;
    return await page.evaluate((...parameters) => joinOnce(...parameters), mode, target, timeoutMs, settleMs);
  } finally {
    await context.close();
  }
}

const [name, scriptPath = ""] = process.argv.slice(2);
const script = readFileSync(scriptPath, "utf8");
const browser = await (name === "firefox" ? firefox() : chromium());
console.log(JSON.stringify({ ready: await browser.version() }));
for await (const line of createInterface({ input: process.stdin })) {
  try {
    console.log(JSON.stringify(await join(browser, script, JSON.parse(line) as Order)));
  } catch (error) {
    console.log(JSON.stringify({ failed: error instanceof Error ? error.message : String(error) }));
  }
}
await browser.close();

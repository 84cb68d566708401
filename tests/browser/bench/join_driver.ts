/** Joins in a browser, each in a context of its own: an order for each, its stages in ms since the tap as what came of it. */

import type { Browser } from "puppeteer-core";
import { obeyOrders } from "./orders";

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

await obeyOrders<Order>(join);

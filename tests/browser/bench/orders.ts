/**
 * The driver of a bench: `tsx bench/…_driver.ts chromium|firefox path/of/in_page.js` starts the browser and tells its version, then reads
 * a JSON line for each order and writes one when it is done, with what came of it or `failed`. `loadtests/join` and `loadtests/weak` give the orders.
 */

import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import type { Browser } from "puppeteer-core";
import { chromium, firefox } from "../harness/browsers";

/** Carries orders out, one after the other, until there are no more. `script` is what runs in the bench's pages. */
export async function obeyOrders<Order>(obey: (browser: Browser, script: string, order: Order) => Promise<unknown>): Promise<void> {
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
}

/** A member's or host's page, as a person uses it: by what it shows. */

import type { Browser, Page } from "puppeteer-core";
import { installHelpers } from "./in_page";
import { SHOTS } from "./paths";

const TIMEOUT_MS = 60_000;

/** What the pages expose for tests and support: the client module. */
declare global {
  interface Window {
    livetrial: {
      client: {
        seq: number;
        token: string | null;
        you: { id: string; role: string } | null;
        view: { state: { settings: { premoderation: boolean }; announcements: ReadonlyMap<string, { text: string; at: number }> }; queued: readonly { text: string; author: { id: string } | null }[] };
        joinReport: { path: string; stages: Record<string, number | undefined> };
        receiver: { connection: RTCPeerConnection | null };
        publisher: { connection: RTCPeerConnection | null };
        /** In ms since 1970. */
        serverNow(): number;
        send(wish: object): Promise<string | null>;
        restart(connection: "receive" | "publish"): Promise<void>;
      };
    };
  }
}

export interface PageOptions {
  width?: number;
  height?: number;
  relayOnly?: boolean;
  before?: (page: Page) => Promise<void>;
}

export class LivePage {
  private constructor(readonly page: Page) {}

  /** Open a link in a browser context of its own: another person. `relayOnly`: in a network that lets out nothing but TURN. `before` sees the page before it loads. */
  static async open(browser: Browser, url: string, options: PageOptions = {}): Promise<LivePage> {
    const { width = 390, height = 780, relayOnly = false, before } = options;
    const context = await browser.createBrowserContext();
    const page = await context.newPage();
    await page.setViewport({ width, height });
    page.setDefaultTimeout(TIMEOUT_MS);
    await page.evaluateOnNewDocument(installHelpers, relayOnly);
    await before?.(page);
    await page.goto(url);
    return new LivePage(page);
  }

  /** Another tab of the same person, by default with the same page. `before` sees it before it loads. */
  async secondTab(url = this.page.url(), before?: PageOptions["before"]): Promise<LivePage> {
    const page = await this.page.browserContext().newPage();
    await page.setViewport({ width: 390, height: 780 });
    page.setDefaultTimeout(TIMEOUT_MS);
    await page.evaluateOnNewDocument(installHelpers, false);
    await before?.(page);
    await page.goto(url);
    return new LivePage(page);
  }

  /** Choose from a list. */
  async select(testId: string, value: string): Promise<void> {
    await this.page.waitForSelector(byId(testId), { visible: true });
    await this.page.select(byId(testId), value);
  }

  /** Send what is written in a form. */
  async submit(form: string, text: string): Promise<void> {
    const field = await this.page.waitForSelector(`${byId(form)} textarea`, { visible: true });
    await field?.type(text);
    await field?.press("Enter");
  }

  /** Wait until the question with this text says this too. */
  async untilRow(question: string, says: string): Promise<void> {
    await this.until(({ question, says }) => testHelpers.rowOf(question)?.textContent?.includes(says) ?? false, { question, says });
  }

  /** Choose the options or stars at these places in the poll with this title, and vote. */
  async inPoll(title: string, places: number[]): Promise<void> {
    await this.untilPoll(title, "open");
    await this.page.evaluate(
      ({ title, places }) => {
        const options = testHelpers.pollOf(title)?.querySelectorAll<HTMLElement>('[data-testid="poll-option"], [data-testid="poll-star"]');
        for (const place of places) options?.[place]?.click();
      },
      { title, places },
    );
    await this.page.evaluate((title) => testHelpers.pollOf(title)?.querySelector<HTMLElement>('[data-testid="poll-vote"]')?.click(), title);
  }

  async untilPoll(title: string, state: string): Promise<void> {
    await this.until(({ title, state }) => testHelpers.pollOf(title)?.dataset.state === state, { title, state });
  }

  async untilPollSays(title: string, text: string): Promise<void> {
    await this.until(({ title, text }) => testHelpers.pollOf(title)?.textContent?.includes(text) ?? false, { title, text });
  }

  /** The result of a poll as the page shows it; null where it shows none. */
  tally(title: string): Promise<string | null> {
    return this.page.evaluate((title) => testHelpers.pollOf(title)?.querySelector('[data-testid="tally"]')?.textContent ?? null, title);
  }

  /** Click a button as soon as it can be clicked. */
  async click(testId: string): Promise<void> {
    const button = await this.page.waitForSelector(`${byId(testId)}:not(:disabled)`, { visible: true });
    // To where neither the picture nor the box below covers it; and drawn there, for clicks go to what is drawn.
    await button?.evaluate(async (element) => {
      element.scrollIntoView({ block: "center", behavior: "instant" });
      await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
    });
    await button?.click();
  }

  async ask(text: string): Promise<void> {
    await (await this.page.waitForSelector(byId("ask-text"), { visible: true }))?.type(text);
    await this.click("ask-send");
  }

  async type(testId: string, text: string): Promise<void> {
    await (await this.page.waitForSelector(byId(testId), { visible: true }))?.type(text);
  }

  /** Write into a field in the row of a question, in the place of what stands there. */
  async fillIn(question: string, field: string, text: string): Promise<void> {
    await this.page.evaluate(
      ({ question, selector, text }) => {
        const field = testHelpers.rowOf(question)?.querySelector<HTMLInputElement | HTMLTextAreaElement>(selector);
        if (!field) throw new Error(`no ${selector} in the row of ${question}`);
        field.value = text;
        field.dispatchEvent(new Event("input", { bubbles: true }));
      },
      { question, selector: field, text },
    );
  }

  /** Open what is folded away in the row of a question, and send a form there. */
  async submitIn(question: string, more: string, form: string, text: string): Promise<void> {
    await this.clickIn(question, more);
    await this.fillIn(question, `${byId(form)} textarea`, text);
    await this.clickIn(question, form, " [type=submit]");
  }

  /** Empty a field. */
  async empty(testId: string): Promise<void> {
    await this.page.$eval(byId(testId), (field) => {
      (field as HTMLTextAreaElement).value = "";
      field.dispatchEvent(new Event("input", { bubbles: true }));
    });
  }

  /** What stands in a field. */
  valueOf(testId: string): Promise<string> {
    return this.page.$eval(byId(testId), (field) => (field as HTMLTextAreaElement).value);
  }

  /** Wait until no question on the page has this text. */
  async untilGone(question: string): Promise<void> {
    await this.until((text) => testHelpers.rowOf(text) === undefined, question);
  }

  /** Wait until the pill tells this state, or another one than that. */
  async untilStatus(state: string, other = false): Promise<void> {
    await this.until(({ state, other }) => (document.querySelector('[data-testid="status"]')?.getAttribute("data-state") === state) !== other, { state, other });
  }

  /** The states that the pill has told since `forgetTold`, the one that stood then first. */
  async told(): Promise<string[]> {
    return (await this.page.evaluate(() => testHelpers.told())).map(({ state }) => state);
  }

  /** The shortest time in which the pill has changed three times since then, in ms. */
  async hastiest(): Promise<number> {
    const [, ...changes] = await this.page.evaluate(() => testHelpers.told());
    return Math.min(...changes.slice(2).map(({ at }, index) => at - (changes[index]?.at ?? 0)));
  }

  async forgetTold(): Promise<void> {
    await this.page.evaluate(() => testHelpers.told(true));
  }

  /** Wait until ICE says so of a connection of the page. */
  async untilIce(end: "receiver" | "publisher", state: RTCIceConnectionState): Promise<void> {
    await this.until(({ end, state }) => window.livetrial.client[end].connection?.iceConnectionState === state, { end, state });
  }

  /** Wait until a part of the page says something with this in it. */
  async untilText(testId: string, text: string): Promise<void> {
    await this.until(({ selector, text }) => document.querySelector(selector)?.textContent?.includes(text) ?? false, {
      selector: byId(testId),
      text,
    });
  }

  /** Wait until a picture from the stage runs. */
  async untilStagePicture(): Promise<void> {
    await this.until(() => {
      const video = document.querySelector<HTMLVideoElement>('[data-testid="stage-video"]');
      return video !== null && video.videoWidth > 0 && video.currentTime > 0.5;
    }, null);
  }

  /** Click a button in the row of the question with this text. */
  async clickIn(question: string, testId: string, within = ""): Promise<void> {
    await this.until(({ question }) => testHelpers.rowOf(question) !== undefined, { question });
    await this.page.evaluate(
      ({ question, selector }) => {
        const button = testHelpers.rowOf(question)?.querySelector<HTMLElement>(selector);
        if (!button) throw new Error(`no ${selector} in the row of ${question}`);
        button.click();
      },
      { question, selector: byId(testId) + within },
    );
  }

  /** Wait until the question with this text stands at so many votes, in this state. */
  async untilQuestion(question: string, votes: number, state: string): Promise<void> {
    await this.until(
      ({ question, votes, state }) => {
        const row = testHelpers.rowOf(question);
        return row?.dataset.votes === String(votes) && row.dataset.state === state;
      },
      { question, votes, state },
    );
  }

  /** What the question list shows, in its order. */
  async questions(): Promise<{ text: string; votes: number; state: string }[]> {
    return this.page.evaluate(() => testHelpers.rows());
  }

  /** Wait until the main video has shown so many pictures with different numbers; returns the numbers. */
  async untilMoving(different = 5): Promise<number[]> {
    const wait = (different: number) => {
      const seen = testHelpers.seenFrames();
      return seen.length >= different ? seen : false;
    };
    await this.page.evaluate(() => testHelpers.forgetFrames());
    try {
      const handle = await this.page.waitForFunction(wait, { polling: 50, timeout: TIMEOUT_MS }, different);
      return (await handle.jsonValue()) as number[];
    } catch (error) {
      throw new Error(`the picture does not move: ${await this.diagnosis()}`, { cause: error });
    }
  }

  /** Wait until so many more frames were decoded than there are now. */
  async untilDecoding(frames: number): Promise<void> {
    const before = await this.page.evaluate(() => testHelpers.framesDecoded());
    const reached = async (wanted: number) => (await testHelpers.framesDecoded()) >= wanted;
    try {
      await this.page.waitForFunction(reached, { polling: 100, timeout: TIMEOUT_MS }, before + frames);
    } catch (error) {
      throw new Error(`nothing is decoded: ${await this.diagnosis()}`, { cause: error });
    }
  }

  /** The ICE ufrag of the page's own description. */
  iceUfrag(end: "receiver" | "publisher"): Promise<string | undefined> {
    return this.page.evaluate(
      (end) => /a=ice-ufrag:(\S+)/.exec(window.livetrial.client[end].connection?.localDescription?.sdp ?? "")?.[1],
      end,
    );
  }

  /** What the page knows of its receiving connection: for the message of a failed test. */
  private diagnosis(): Promise<string> {
    return this.page.evaluate(async () => {
      const connection = window.livetrial.client.receiver.connection;
      const reports = [...((await connection?.getStats())?.values() ?? [])].filter((s) => s.type === "inbound-rtp" || s.type === "candidate-pair");
      const status = document.querySelector('[data-testid="status"]')?.textContent;
      return JSON.stringify({ status, seen: testHelpers.seenFrames(), ice: connection?.iceConnectionState, dtls: connection?.connectionState, reports });
    });
  }

  /** Wait until sound with energy has come out of the receiving connection. */
  async untilSound(): Promise<void> {
    await this.page.waitForFunction(
      async () => {
        const stats = await window.livetrial.client.receiver.connection?.getStats();
        return [...(stats?.values() ?? [])].some((s) => s.type === "inbound-rtp" && s.kind === "audio" && s.totalAudioEnergy > 0);
      },
      { polling: 200, timeout: TIMEOUT_MS },
    );
  }

  async until<Argument>(condition: (argument: Argument) => boolean, argument: Argument): Promise<void> {
    await this.page.waitForFunction(condition as (argument: unknown) => boolean, { polling: 100, timeout: TIMEOUT_MS }, argument);
  }

  async shot(name: string): Promise<void> {
    await this.page.screenshot({ path: `${SHOTS}/${name}.png` as `${string}.png` });
  }

  async close(): Promise<void> {
    await this.page.browserContext().close();
  }
}

function byId(testId: string): string {
  return `[data-testid="${testId}"]`;
}

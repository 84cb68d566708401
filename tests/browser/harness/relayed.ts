/** A server whose media come through a relay, a browser with a camera, and the pages that one test has open. */

import type { Browser } from "puppeteer-core";
import { chromium } from "./browsers";
import { LivePage } from "./live_page";
import { Server } from "./server";
import { BEHIND_RELAY, UdpRelay } from "./udp_relay";

type OpenArguments = Parameters<typeof LivePage.open> extends [Browser, ...infer Rest] ? Rest : never;

export class Relayed {
  private pages: LivePage[] = [];

  private constructor(
    readonly server: Server,
    readonly relay: UdpRelay,
    private readonly browser: Browser,
  ) {}

  static async start(cameraHeight: 360 | 720 = 720): Promise<Relayed> {
    const [server, browser] = await Promise.all([Server.start({ settings: BEHIND_RELAY }), chromium({ cameraHeight })]);
    return new Relayed(server, await UdpRelay.start(server.mediaPort), browser);
  }

  /** A page that is closed by `closePages`. */
  async open(...args: OpenArguments): Promise<LivePage> {
    const page = await LivePage.open(this.browser, ...args);
    this.pages.push(page);
    return page;
  }

  /** After each test: two cores cannot encode for the former ones too. */
  async closePages(): Promise<void> {
    await Promise.all(this.pages.map((page) => page.close()));
    this.pages = [];
  }

  async stop(): Promise<void> {
    await this.browser.close();
    await this.server.stop();
    this.relay.close();
  }
}

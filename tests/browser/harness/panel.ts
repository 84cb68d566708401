/** Everybody who takes part in a conversation, each with a page of their own: a host, a moderator, and a member in each browser. */

import type { Browser } from "puppeteer-core";
import { LivePage, type PageOptions } from "./live_page";
import type { Server } from "./server";

export interface Panel {
  /** Id of their session. */
  session: string;
  host: LivePage;
  moderator: LivePage;
  /** In `chrome`, as the host and the moderator. */
  ana: LivePage;
  /** In `fox`. */
  bo: LivePage;
}

/** Open a session in which nobody is on camera and everybody may ask as fast as they can; `hostOptions` are those of the host's page. */
export async function openPanel(server: Server, chrome: Browser, fox: Browser, hostOptions: PageOptions = {}): Promise<Panel> {
  const { id, links } = await server.createSession();
  const [host, moderator, ana, bo] = await Promise.all([
    LivePage.open(chrome, links.host, hostOptions),
    LivePage.open(chrome, links.moderator),
    LivePage.open(chrome, links.member),
    LivePage.open(fox, links.member),
  ]);
  await host.page.evaluate(() => window.livetrial.client.send({ type: "configure", ask_every_s: 0 }));
  return { session: id, host, moderator, ana, bo };
}

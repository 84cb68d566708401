/** What a page saves as a file. */

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LivePage } from "./live_page";

/** Do something in Chromium that saves a file; returns its name and text. */
export async function downloadOf(page: LivePage, act: () => Promise<void>): Promise<{ name: string; text: string }> {
  const folder = mkdtempSync(join(tmpdir(), "livetrial-download-"));
  const context = page.page.browserContext();
  const session = await page.page.browser().target().createCDPSession();
  try {
    const { id } = context;
    await session.send("Browser.setDownloadBehavior", {
      behavior: "allowAndName",
      downloadPath: folder,
      eventsEnabled: true,
      ...(id === undefined ? {} : { browserContextId: id }),
    });
    let name = "";
    session.on("Browser.downloadWillBegin", (event) => void (name = event.suggestedFilename));
    const saved = new Promise<string>((resolve, reject) => {
      session.on("Browser.downloadProgress", ({ guid, state }) => {
        if (state === "completed") resolve(guid);
        else if (state === "canceled") reject(new Error("the download was cancelled"));
      });
    });
    await act();
    const guid = await saved;
    return { name, text: readFileSync(join(folder, guid), "utf8") };
  } finally {
    await session.detach();
    rmSync(folder, { recursive: true, force: true });
  }
}

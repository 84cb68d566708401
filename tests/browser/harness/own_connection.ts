/** Connections that a test makes in a page by a script of its own, past the client: `connection` is the page's. */

import type { Page } from "puppeteer-core";

export const DEPENDENCY_DESCRIPTOR = "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension";

declare global {
  // eslint-disable-next-line no-var
  var connection: RTCPeerConnection;
}

/** Of RTCRtpTransceiver, in Chromium only. */
interface HeaderExtensions {
  getHeaderExtensionsToNegotiate(): { uri: string; direction: string }[];
  setHeaderExtensionsToNegotiate(list: { uri: string; direction: string }[]): void;
}

/**
 * Send the connection's offer to an endpoint and take the answer. `extensions` turns header extensions of its first section on
 * or off, by URI; the others are as the browser has them.
 */
export async function negotiate(page: Page, endpoint: string, extensions: Record<string, boolean>, token = ""): Promise<void> {
  await page.evaluate(
    async ({ endpoint, extensions, token }) => {
      const [transceiver] = connection.getTransceivers() as unknown as HeaderExtensions[];
      if (!transceiver) throw new Error("there is nothing to negotiate");
      const list = transceiver.getHeaderExtensionsToNegotiate();
      for (const extension of list) {
        const on = extensions[extension.uri];
        if (on !== undefined) extension.direction = on ? "sendrecv" : "stopped";
      }
      transceiver.setHeaderExtensionsToNegotiate(list);
      await connection.setLocalDescription();
      const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/sdp" };
      const response = await fetch(endpoint, { method: "POST", headers, body: connection.localDescription?.sdp ?? "" });
      if (!response.ok) throw new Error(await response.text());
      await connection.setRemoteDescription({ type: "answer", sdp: await response.text() });
    },
    { endpoint, extensions, token },
  );
}

/** Wait until the connection has decoded so many pictures since it was made. */
export async function untilDecoded(page: Page, pictures: number): Promise<void> {
  const decoded = async (pictures: number) => {
    const stats = [...(await connection.getStats()).values()];
    return stats.some((s) => s.type === "inbound-rtp" && s.framesDecoded >= pictures);
  };
  await page.waitForFunction(decoded, { polling: 50, timeout: 60_000 }, pictures);
}

/** Publishers of VP9 and AV1, single and with layers, are seen moving by members of both browsers. */

import type { Browser, Page } from "puppeteer-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { chromium, firefox } from "./harness/browsers";
import { LivePage } from "./harness/live_page";
import { type SessionLinks, Server } from "./harness/server";

const DEPENDENCY_DESCRIPTOR = "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension";
const LAYERS_ALLOCATION = "http://www.webrtc.org/experiments/rtp-hdrext/video-layers-allocation00";

let server: Server;
let chrome: Browser;
let fox: Browser;
const opened: LivePage[] = [];

beforeAll(async () => {
  [server, chrome, fox] = await Promise.all([Server.start(), chromium(), firefox()]);
});

afterEach(async () => {
  await Promise.all(opened.splice(0).map((page) => page.close()));
});

afterAll(async () => {
  await Promise.all([chrome?.close(), fox?.close()]);
  await server?.stop();
});

async function open(browser: Browser, url: string): Promise<LivePage> {
  const page = await LivePage.open(browser, url);
  opened.push(page);
  return page;
}

/** Publish the fake camera over WHIP, this codec first in the offer. */
async function publish(session: SessionLinks, codec: string, scalabilityMode: string, extensions: string[] = []): Promise<Page> {
  const { page } = await open(chrome, session.links.member);
  const what = { endpoint: session.links.whip, token: session.tokens.host, codec, scalabilityMode, extensions };
  await page.evaluate(async ({ endpoint, token, codec, scalabilityMode, extensions }) => {
    const stream = await navigator.mediaDevices.getUserMedia({ video: true });
    const connection = new RTCPeerConnection();
    Object.assign(globalThis, { connection });
    const track = stream.getVideoTracks()[0];
    if (!track) throw new Error("no camera");
    const encoding = { scalabilityMode } as RTCRtpEncodingParameters;
    const transceiver = connection.addTransceiver(track, { direction: "sendonly", sendEncodings: [encoding] });
    const codecs = RTCRtpSender.getCapabilities("video")?.codecs ?? [];
    const isFirst = (candidate: { mimeType: string }) => candidate.mimeType === codec;
    transceiver.setCodecPreferences([...codecs.filter(isFirst), ...codecs.filter((candidate) => !isFirst(candidate))]);
    const extended = transceiver as unknown as {
      getHeaderExtensionsToNegotiate(): { uri: string; direction: string }[];
      setHeaderExtensionsToNegotiate(list: { uri: string; direction: string }[]): void;
    };
    const offered = extended.getHeaderExtensionsToNegotiate();
    for (const extension of offered) if (extensions.includes(extension.uri)) extension.direction = "sendrecv";
    extended.setHeaderExtensionsToNegotiate(offered);
    await connection.setLocalDescription();
    const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/sdp" };
    const response = await fetch(endpoint, { method: "POST", headers, body: connection.localDescription?.sdp ?? "" });
    if (!response.ok) throw new Error(await response.text());
    await connection.setRemoteDescription({ type: "answer", sdp: await response.text() });
  }, what);
  return page;
}

/** What the member's main video is decoded from. */
function received(member: LivePage): Promise<string> {
  return member.page.evaluate(async () => {
    const stats = [...((await window.livetrial.client.receiver.connection?.getStats())?.values() ?? [])];
    const video = stats.find((s) => s.type === "inbound-rtp" && s.kind === "video" && s.framesDecoded > 0);
    return stats.find((s) => s.id === video?.codecId)?.mimeType;
  });
}

test("VP9 in three spatial and three temporal layers is seen by both browsers", async () => {
  const session = await server.createSession();
  const members = [await open(chrome, session.links.member), await open(fox, session.links.member)];
  await publish(session, "video/VP9", "L3T3");
  for (const member of members) {
    await member.untilMoving();
    expect(await received(member)).toBe("video/VP9");
  }
});

test("AV1 with the dependency descriptor is seen by both browsers", async () => {
  const session = await server.createSession();
  const members = [await open(chrome, session.links.member), await open(fox, session.links.member)];
  const publisher = await publish(session, "video/AV1", "L1T3", [DEPENDENCY_DESCRIPTOR, LAYERS_ALLOCATION]);
  for (const member of members) {
    await member.untilMoving();
    expect(await received(member)).toBe("video/AV1");
  }
  const answer = await publisher.evaluate(() => (globalThis as unknown as { connection: RTCPeerConnection }).connection.remoteDescription?.sdp);
  expect(answer).toContain(DEPENDENCY_DESCRIPTOR);
  expect(answer).toContain(LAYERS_ALLOCATION);
});

test("AV1 without the dependency descriptor is seen too", async () => {
  const session = await server.createSession();
  const member = await open(chrome, session.links.member);
  await publish(session, "video/AV1", "L1T1");
  await member.untilMoving();
  expect(await received(member)).toBe("video/AV1");
});

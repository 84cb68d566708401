/** Publishers of VP9 and AV1, single and with layers, are seen moving by members of both browsers. */

import type { Browser, Page } from "puppeteer-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { chromium, firefox } from "./harness/browsers";
import { LivePage } from "./harness/live_page";
import { type SessionLinks, Server } from "./harness/server";

const DEPENDENCY_DESCRIPTOR = "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension";
const LAYERS_ALLOCATION = "http://www.webrtc.org/experiments/rtp-hdrext/video-layers-allocation00";

/** Of RTCRtpTransceiver, in Chromium only. */
interface HeaderExtensions {
  getHeaderExtensionsToNegotiate(): { uri: string; direction: string }[];
  setHeaderExtensionsToNegotiate(list: { uri: string; direction: string }[]): void;
}

declare global {
  /** The connection that a test's own page script made. */
  // eslint-disable-next-line no-var
  var connection: RTCPeerConnection;
}

let server: Server;
let chrome: Browser;
let fox: Browser;
const opened: LivePage[] = [];

beforeAll(async () => {
  // Three spatial layers need a camera of 720p: Chromium sends none below 135 lines.
  [server, chrome, fox] = await Promise.all([Server.start(), chromium({ cameraHeight: 720 }), firefox()]);
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
    const extended = transceiver as unknown as HeaderExtensions;
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

/** Receive over WHEP with these header extensions, and wait until so many pictures are decoded. */
async function untilDecoded(session: SessionLinks, extensions: string[], pictures: number): Promise<void> {
  const { page } = await open(chrome, session.links.member);
  const what = { endpoint: session.links.whep, token: session.tokens.member, extensions };
  await page.evaluate(async ({ endpoint, token, extensions }) => {
    const connection = new RTCPeerConnection();
    Object.assign(globalThis, { connection });
    const transceiver = connection.addTransceiver("video", { direction: "recvonly" }) as unknown as HeaderExtensions;
    const offered = transceiver.getHeaderExtensionsToNegotiate();
    for (const extension of offered) if (extensions.includes(extension.uri)) extension.direction = "sendrecv";
    transceiver.setHeaderExtensionsToNegotiate(offered);
    await connection.setLocalDescription();
    const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/sdp" };
    const response = await fetch(endpoint, { method: "POST", headers, body: connection.localDescription?.sdp ?? "" });
    if (!response.ok) throw new Error(await response.text());
    await connection.setRemoteDescription({ type: "answer", sdp: await response.text() });
  }, what);
  const negotiated = await page.evaluate(() => connection.remoteDescription?.sdp ?? "");
  for (const extension of extensions) expect(negotiated).toContain(extension);
  const decoded = async (pictures: number) => {
    const stats = [...(await connection.getStats()).values()];
    return stats.some((s) => s.type === "inbound-rtp" && s.framesDecoded >= pictures);
  };
  await page.waitForFunction(decoded, { polling: 100, timeout: 60_000 }, pictures);
}

/** What the member's main video is decoded from. */
function received(member: LivePage): Promise<string> {
  return member.page.evaluate(async () => {
    const stats = [...((await window.livetrial.client.receiver.connection?.getStats())?.values() ?? [])];
    const video = stats.find((s) => s.type === "inbound-rtp" && s.kind === "video" && s.framesDecoded > 0);
    return stats.find((s) => s.id === video?.codecId)?.mimeType;
  });
}

test("VP9 with the dependency descriptor is decoded by who asked for it", async () => {
  const session = await server.createSession();
  await publish(session, "video/VP9", "L3T3", [DEPENDENCY_DESCRIPTOR]);
  await untilDecoded(session, [DEPENDENCY_DESCRIPTOR], 30);
});

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
  const answer = await publisher.evaluate(() => connection.remoteDescription?.sdp);
  expect(answer).toContain(DEPENDENCY_DESCRIPTOR);
  expect(answer).toContain(LAYERS_ALLOCATION);
  await untilDecoded(session, [DEPENDENCY_DESCRIPTOR], 30);
});

test("AV1 without the dependency descriptor is seen too", async () => {
  const session = await server.createSession();
  const member = await open(chrome, session.links.member);
  await publish(session, "video/AV1", "L1T1");
  await member.untilMoving();
  expect(await received(member)).toBe("video/AV1");
});

/** Publishers of VP9 and AV1, single and with layers, are seen moving by members of both browsers. */

import type { Browser, Page } from "puppeteer-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { chromium, firefox } from "./harness/browsers";
import { LivePage } from "./harness/live_page";
import { DEPENDENCY_DESCRIPTOR, negotiate, untilDecoded } from "./harness/own_connection";
import { type SessionLinks, Server } from "./harness/server";

const LAYERS_ALLOCATION = "http://www.webrtc.org/experiments/rtp-hdrext/video-layers-allocation00";

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
  await page.evaluate(async ({ codec, scalabilityMode }) => {
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
  }, { codec, scalabilityMode });
  await negotiate(page, session.links.whip, turnedOn(extensions), session.tokens.host);
  return page;
}

/** Receive over WHEP with these header extensions, and wait until so many pictures are decoded. */
async function untilPlayed(session: SessionLinks, extensions: string[], pictures: number): Promise<void> {
  const { page } = await open(chrome, session.links.member);
  await page.evaluate(() => {
    Object.assign(globalThis, { connection: new RTCPeerConnection() });
    connection.addTransceiver("video", { direction: "recvonly" });
  });
  await negotiate(page, session.links.whep, turnedOn(extensions), session.tokens.member);
  const negotiated = await page.evaluate(() => connection.remoteDescription?.sdp ?? "");
  for (const extension of extensions) expect(negotiated).toContain(extension);
  await untilDecoded(page, pictures);
}

const turnedOn = (extensions: string[]) => Object.fromEntries(extensions.map((uri) => [uri, true]));

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
  await untilPlayed(session, [DEPENDENCY_DESCRIPTOR], 30);
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
  await untilPlayed(session, [DEPENDENCY_DESCRIPTOR], 30);
});

test("AV1 without the dependency descriptor is seen too", async () => {
  const session = await server.createSession();
  const member = await open(chrome, session.links.member);
  await publish(session, "video/AV1", "L1T1");
  await member.untilMoving();
  expect(await received(member)).toBe("video/AV1");
});

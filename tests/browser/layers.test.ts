/** Layers of a scalable encoding are chosen by a call: the shown height follows, and decoding never stops. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { Browser, Page } from "puppeteer-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { chromium } from "./harness/browsers";
import { DEPENDENCY_DESCRIPTOR, negotiate, untilDecoded } from "./harness/own_connection";
import { PYTHON, ROOT } from "./harness/paths";

let server: ChildProcess;
let url: string;
let chrome: Browser;

beforeAll(async () => {
  server = spawn(PYTHON, ["-m", "tests.browser.layers_server"], { cwd: ROOT, stdio: ["ignore", "pipe", "inherit"] });
  const ready = once(server.stdout!, "data") as Promise<[Buffer]>;
  chrome = await chromium({ cameraHeight: 720 });
  const [line] = await ready;
  url = `http://localhost:${/ready on (\d+)/.exec(line.toString())?.[1]}/`;
});

afterAll(async () => {
  await chrome?.close();
  server?.kill("SIGINT");
});

/** Publish the fake camera; `extension`: with the dependency descriptor. */
async function publish(codec: string, scalabilityMode: string, height: number, extension: boolean): Promise<Page> {
  const page = await chrome.newPage();
  await page.goto(url);
  await page.evaluate(
    async ({ codec, scalabilityMode, height }) => {
      const stream = await navigator.mediaDevices.getUserMedia({ video: { height, width: (height * 16) / 9 } });
      const connection = new RTCPeerConnection();
      const encoding = { scalabilityMode, maxBitrate: 1_200_000 } as RTCRtpEncodingParameters;
      const transceiver = connection.addTransceiver(stream.getVideoTracks()[0]!, { direction: "sendonly", sendEncodings: [encoding] });
      const codecs = RTCRtpSender.getCapabilities("video")?.codecs ?? [];
      transceiver.setCodecPreferences(codecs.filter(({ mimeType }) => mimeType === codec || mimeType === "video/rtx"));
      Object.assign(globalThis, { connection });
    },
    { codec, scalabilityMode, height },
  );
  await negotiate(page, "/publish", { [DEPENDENCY_DESCRIPTOR]: extension });
  return page;
}

/** AV1 in spatial layers is assembled by the descriptor alone: who is to see it must negotiate that. */
async function receive(): Promise<Page> {
  const page = await chrome.newPage();
  await page.goto(url);
  await page.evaluate(() => {
    const connection = new RTCPeerConnection();
    connection.addTransceiver("video", { direction: "recvonly" });
    connection.ontrack = ({ track }) => {
      const video = document.querySelector("video");
      if (video) video.srcObject = new MediaStream([track]);
    };
    Object.assign(globalThis, { connection });
  });
  await negotiate(page, "/receive", { [DEPENDENCY_DESCRIPTOR]: true });
  return page;
}

/** How many spatial layers arrive, once that many do. */
async function untilLayersArrive(spatial: number): Promise<void> {
  await expect.poll(async () => ((await (await fetch(`${url}source`)).json()) as { spatial_layers: number }).spatial_layers, { timeout: 60_000 }).toBe(spatial);
}

const prefer = (query: string) => fetch(`${url}prefer?${query}`, { method: "POST" });

/** Wait until pictures of this height are shown, and 30 more have been decoded without a freeze. */
async function untilShown(member: Page, height: number): Promise<void> {
  const isHigh = (height: number) => document.querySelector("video")?.videoHeight === height;
  await member.waitForFunction(isHigh, { timeout: 30_000 }, height).catch(async (cause: unknown) => {
    throw new Error(`no picture of ${height} lines: ${JSON.stringify(await inbound(member))}`, { cause });
  });
  const before = await inbound(member);
  await untilDecoded(member, before.framesDecoded + 30);
  expect(await member.evaluate(() => document.querySelector("video")?.videoHeight)).toBe(height);
}

interface Inbound {
  framesDecoded: number;
  freezeCount: number;
  pliCount: number;
  packetsLost: number;
  frameHeight: number;
}

function inbound(member: Page): Promise<Inbound> {
  return member.evaluate(async () => {
    const stats = [...(await connection.getStats()).values()];
    return stats.find((s) => s.type === "inbound-rtp") as Inbound;
  });
}

test.for([
  { codec: "video/VP9", mode: "L3T3_KEY", extension: true, height: 720, layers: [180, 360, 720] },
  { codec: "video/VP9", mode: "L3T3", extension: false, height: 720, layers: [180, 360, 720] },
  { codec: "video/AV1", mode: "L2T2", extension: true, height: 360, layers: [180, 360] },
])("$codec in $mode (descriptor: $extension) is shown as high as asked for", async ({ codec, mode, extension, height, layers }) => {
  const host = await publish(codec, mode, height, extension);
  const member = await receive();
  await untilLayersArrive(layers.length);
  const top = layers.length - 1;
  for (const spatial of [0, top, 0, 1]) {
    await prefer(`spatial=${spatial}`);
    await untilShown(member, layers[spatial]!);
  }
  await prefer("spatial=0&temporal=0");
  await untilShown(member, layers[0]!);
  await prefer("");
  await untilShown(member, layers[top]!);
  const { packetsLost, pliCount } = await inbound(member);
  expect({ packetsLost, pliCount }).toEqual({ packetsLost: 0, pliCount: 0 });
  await Promise.all([host.close(), member.close()]);
});

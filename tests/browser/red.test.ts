/** Redundant audio: a publisher prefers RED, who takes it gets it, who does not gets Opus, and all hear. */

import type { Browser } from "puppeteer-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { chromium, firefox } from "./harness/browsers";
import { LivePage } from "./harness/live_page";
import { Server } from "./harness/server";

let server: Server;
let chrome: Browser;
let fox: Browser;

beforeAll(async () => {
  [server, chrome, fox] = await Promise.all([Server.start(), chromium(), firefox()]);
});

afterAll(async () => {
  await Promise.all([chrome?.close(), fox?.close()]);
  await server?.stop();
});

/** What the member's audio stream with sound is made of. The codec is Opus with RED too: that is what is decoded. */
const audioReceived = (member: LivePage) =>
  member.page.evaluate(async () => {
    const connection = window.livetrial.client.receiver.connection;
    const stats = [...((await connection?.getStats())?.values() ?? [])];
    const audio = stats.find((s) => s.type === "inbound-rtp" && s.kind === "audio" && s.packetsReceived > 0);
    const codec: string | undefined = stats.find((s) => s.id === audio?.codecId)?.mimeType;
    const red = connection?.remoteDescription?.sdp.includes(" red/48000/2");
    return { codec, red, octets: Number(audio?.bytesReceived), packets: Number(audio?.packetsReceived) };
  });

/** Octets of a packet, of each member, in the time that a hundred packets or more take: of the same sound, so that they compare. */
async function octetsAPacket(members: LivePage[]): Promise<number[]> {
  const all = () => Promise.all(members.map(audioReceived));
  const before = await all();
  const counted = (after: typeof before) => after.map(({ packets }, at) => packets - (before[at]?.packets ?? NaN));
  let after = before;
  const fewest = async () => Math.min(...counted((after = await all())));
  await expect.poll(fewest, { timeout: 30_000, interval: 250 }).toBeGreaterThanOrEqual(100);
  return counted(after).map((packets, at) => ((after[at]?.octets ?? NaN) - (before[at]?.octets ?? NaN)) / packets);
}

/** As a person does who wants to hear. */
async function hears(member: LivePage): Promise<void> {
  await member.untilMoving();
  await member.click("tap-for-sound");
  await member.untilSound();
}

test("RED goes to who takes it, Opus to who does not, and both hear", async () => {
  const session = await server.createSession();
  const host = await LivePage.open(chrome, session.links.host, { width: 1280, height: 800 });
  await host.click("go-live");
  const members = [await LivePage.open(chrome, session.links.member), await LivePage.open(fox, session.links.member)];
  for (const member of members) await hears(member);
  const answer = await host.page.evaluate(() => window.livetrial.client.publisher.connection?.remoteDescription?.sdp ?? "");
  expect(answer).toMatch(/^m=audio \d+ UDP\/TLS\/RTP\/SAVPF 63 111/m);
  const [inChrome, inFirefox] = await Promise.all(members.map(audioReceived));
  expect(inChrome).toMatchObject({ codec: "audio/opus", red: true });
  expect(inFirefox).toMatchObject({ codec: "audio/opus", red: false });
  // Each packet repeats the one before, once the link is known to be wide enough.
  const ratio = async () => {
    const [redundant = NaN, plain = NaN] = await octetsAPacket(members);
    return redundant / plain;
  };
  await expect.poll(ratio, { timeout: 60_000, interval: 100 }).toBeGreaterThan(1.5);
  expect(await server.metric("livetrial_plane_red_received_total")).toBeGreaterThan(50);
  await Promise.all([host, ...members].map((page) => page.close()));
});

test("round trips to the publisher are measured by what browsers answer", async () => {
  const session = await server.createSession();
  const host = await LivePage.open(chrome, session.links.host, { width: 1280, height: 800 });
  await host.click("go-live");
  const member = await LivePage.open(chrome, session.links.member);
  const before = await server.metric("livetrial_plane_round_trips_measured_total");
  await expect.poll(() => server.metric("livetrial_plane_round_trips_measured_total"), { timeout: 60_000, interval: 500 }).toBeGreaterThan(before + 2);
  await Promise.all([host, member].map((page) => page.close()));
});

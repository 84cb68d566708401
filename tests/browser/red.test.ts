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

/** The codec of the audio stream that carries sound, sent or received. */
const audioCodec = (page: LivePage, side: "publisher" | "receiver") =>
  page.page.evaluate(async (side) => {
    const connection = window.livetrial.client[side].connection;
    const stats = [...((await connection?.getStats())?.values() ?? [])];
    const type = side === "publisher" ? "outbound-rtp" : "inbound-rtp";
    const audio = stats.find((s) => s.type === type && s.kind === "audio" && (s.packetsSent ?? s.packetsReceived) > 0);
    return stats.find((s) => s.id === audio?.codecId)?.mimeType;
  }, side);

/** Wait until so much sound has come out of the receiving connection since now. */
async function hears(member: LivePage): Promise<void> {
  await member.untilSound();
  const energy = async () => {
    const stats = await window.livetrial.client.receiver.connection?.getStats();
    const audio = [...(stats?.values() ?? [])].find((s) => s.type === "inbound-rtp" && s.kind === "audio" && s.packetsReceived > 0);
    return Number(audio?.totalAudioEnergy ?? 0);
  };
  const before = await member.page.evaluate(energy);
  const louder = async (before: number) => {
    const stats = await window.livetrial.client.receiver.connection?.getStats();
    return [...(stats?.values() ?? [])].some((s) => s.type === "inbound-rtp" && s.kind === "audio" && s.totalAudioEnergy > before);
  };
  await member.page.waitForFunction(louder, { polling: 200, timeout: 60_000 }, before);
}

test("RED goes to who takes it, Opus to who does not, and both hear", async () => {
  const session = await server.createSession();
  const host = await LivePage.open(chrome, session.links.host, { width: 1280, height: 800 });
  await host.click("go-live");
  const members = [await LivePage.open(chrome, session.links.member), await LivePage.open(fox, session.links.member)];
  for (const member of members) await hears(member);
  expect(await audioCodec(host, "publisher")).toBe("audio/red");
  expect(await audioCodec(members[0] as LivePage, "receiver")).toBe("audio/red");
  expect(await audioCodec(members[1] as LivePage, "receiver")).toBe("audio/opus");
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

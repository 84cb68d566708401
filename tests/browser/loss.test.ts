/** A member whose link loses most of what is sent hears on all the same, one whose link loses nothing is sent nothing twice, and pictures are repaired. */

import type { Browser } from "puppeteer-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { chromium } from "./harness/browsers";
import { LivePage } from "./harness/live_page";
import { Server } from "./harness/server";
import { BEHIND_RELAY, UdpRelay, seeded } from "./harness/udp_relay";

let server: Server;
let relay: UdpRelay;
let browser: Browser;

beforeAll(async () => {
  [server, browser] = await Promise.all([Server.start({ settings: BEHIND_RELAY }), chromium()]);
  relay = await UdpRelay.start(server.mediaPort);
});

afterAll(async () => {
  await browser?.close();
  await server?.stop();
  relay?.close();
});

/** What is sent of RTP, which goes to members alone: RTCP has other types in the second octet (RFC 5761). */
const isRtp = (datagram: Buffer): boolean => {
  const [first = 0, second = 0] = datagram;
  return first >> 6 === 2 && (second < 192 || second > 223);
};

/** Six of ten, each by itself. */
function sixOfTen(): (datagram: Buffer) => boolean {
  const random = seeded(1);
  return (datagram) => isRtp(datagram) && random() < 0.6;
}

const copiesSent = (): Promise<number> => server.metric("livetrial_plane_copies_sent_total");

/** What the member's sound is made of so far. */
const heard = (member: LivePage) =>
  member.page.evaluate(async () => {
    const stats = [...((await window.livetrial.client.receiver.connection?.getStats())?.values() ?? [])];
    const sound = stats.find((entry) => entry.type === "inbound-rtp" && entry.kind === "audio" && entry.totalSamplesReceived > 0);
    return { samples: Number(sound?.totalSamplesReceived ?? 0), concealed: Number(sound?.concealedSamples ?? 0) };
  });

/** Share of the next `samples` of sound that had to be made up. */
async function listen(member: LivePage, samples: number): Promise<number> {
  const before = await heard(member);
  let after = before;
  const played = async () => (after = await heard(member)).samples - before.samples;
  await expect.poll(played, { timeout: 30_000, interval: 250 }).toBeGreaterThan(samples);
  return (after.concealed - before.concealed) / (after.samples - before.samples);
}

test("sound goes on while six of ten packets are lost, and nothing is sent twice where none are", async () => {
  const session = await server.createSession();
  const host = await LivePage.open(browser, session.links.host, { width: 1280, height: 800 });
  await host.click("go-live");
  const member = await LivePage.open(browser, session.links.member);
  await member.untilMoving();
  await member.click("tap-for-sound");
  await member.untilSound();
  await listen(member, 3 * 48_000);
  expect(await copiesSent()).toBe(0);
  relay.loses = sixOfTen();
  await expect.poll(copiesSent, { timeout: 20_000, interval: 100 }).toBeGreaterThan(500);
  const concealed = await listen(member, 6 * 48_000);
  console.log(`concealed ${(100 * concealed).toFixed(2)} % at 60 % loss`);
  expect(concealed).toBeLessThan(0.1);
});

/** Of the member's video: payload types of its retransmissions, and what has come so far. */
const seen = (member: LivePage) =>
  member.page.evaluate(async () => {
    const { connection } = window.livetrial.client.receiver;
    const stats = [...((await connection?.getStats())?.values() ?? [])].filter((entry) => entry.type === "inbound-rtp");
    const video = stats.filter((entry) => entry.kind === "video").sort((one, other) => other.packetsReceived - one.packetsReceived)[0];
    const types = (connection?.remoteDescription?.sdp ?? "").matchAll(/a=rtpmap:(\d+) (rtx|VP8|flexfec-03)\//g);
    return {
      types: [...types].map(([, type, name]) => [name, Number(type)] as const),
      pictures: Number(video?.framesDecoded ?? 0),
      keyframes: Number(video?.keyFramesDecoded ?? 0),
      repairs: Number(video?.fecPacketsReceived ?? 0),
    };
  });

test("pictures go on by repair packets alone, with no retransmission arriving", async () => {
  relay.loses = () => false;
  const session = await server.createSession();
  const host = await LivePage.open(browser, session.links.host, { width: 1280, height: 800 });
  await host.click("go-live");
  const member = await LivePage.open(browser, session.links.member);
  await member.untilMoving();
  const { types, repairs } = await seen(member);
  expect(repairs).toBe(0);
  const payloadTypes = (name: string) => types.filter(([known]) => known === name).map(([, type]) => type);
  const [rtx, media] = [payloadTypes("rtx"), payloadTypes("VP8")];
  expect(payloadTypes("flexfec-03")).not.toEqual([]);
  let [count, lost] = [0, 0];
  relay.loses = (datagram) => {
    const type = (datagram[1] ?? 0) & 127;
    if (!isRtp(datagram) || rtx.includes(type)) return isRtp(datagram);
    const loses = media.includes(type) && count++ % 8 === 0;
    lost += Number(loses);
    return loses;
  };
  await expect.poll(async () => (await seen(member)).repairs, { timeout: 15_000, interval: 100 }).toBeGreaterThan(20);
  const [before, lostBefore] = [await seen(member), lost];
  await expect.poll(async () => (await seen(member)).pictures, { timeout: 15_000, interval: 100 }).toBeGreaterThan(before.pictures + 100);
  const keyframes = (await seen(member)).keyframes - before.keyframes;
  console.log(`${lost - lostBefore} packets lost, ${keyframes} keyframes came`);
  expect(lost - lostBefore).toBeGreaterThan(10);
  // Each packet that stays lost of a picture that others need costs one.
  expect(keyframes * 4).toBeLessThan(lost - lostBefore);
  relay.loses = () => false;
});

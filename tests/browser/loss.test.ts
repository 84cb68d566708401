/** A member whose link loses most of what is sent hears on all the same, one whose link loses nothing is sent nothing twice, and pictures are repaired. */

import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { LivePage } from "./harness/live_page";
import { Relayed } from "./harness/relayed";
import { concealedShare } from "./harness/sound";
import { seeded } from "./harness/udp_relay";

let world: Relayed;

beforeAll(async () => {
  world = await Relayed.start(360);
});

afterEach(async () => {
  world.relay.loses = () => false;
  await world.closePages();
});

afterAll(() => world?.stop());

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

const copiesSent = (): Promise<number> => world.server.metric("livetrial_plane_copies_sent_total");

test("sound goes on while six of ten packets are lost, and nothing is sent twice where none are", async () => {
  const session = await world.server.createSession();
  const host = await world.open(session.links.host, { width: 1280, height: 800 });
  await host.click("go-live");
  const member = await world.open(session.links.member);
  await member.untilMoving();
  await member.click("tap-for-sound");
  await member.untilSound();
  await concealedShare(member, 3);
  expect(await copiesSent()).toBe(0);
  world.relay.loses = sixOfTen();
  await expect.poll(copiesSent, { timeout: 20_000, interval: 100 }).toBeGreaterThan(500);
  const concealed = await concealedShare(member, 6);
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
  const session = await world.server.createSession();
  const host = await world.open(session.links.host, { width: 1280, height: 800 });
  await host.click("go-live");
  const member = await world.open(session.links.member);
  await member.untilMoving();
  const { types, repairs } = await seen(member);
  expect(repairs).toBe(0);
  const payloadTypes = (name: string) => types.filter(([known]) => known === name).map(([, type]) => type);
  const [rtx, media] = [payloadTypes("rtx"), payloadTypes("VP8")];
  expect(payloadTypes("flexfec-03")).not.toEqual([]);
  let [count, lost] = [0, 0];
  world.relay.loses = (datagram) => {
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
});

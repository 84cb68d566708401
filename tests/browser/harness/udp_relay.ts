/** The way between browsers and the media port, in user space: it can move to another address, be cut, or be narrow. */

import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import { OWN_ADDRESS } from "./address";

const SERVER_ADDRESS = "127.0.0.1";

/** Settings of a server whose media all come through a relay, which listens at the address that it announces, on its media port. */
export const BEHIND_RELAY = {
  LIVETRIAL_MEDIA_HOST: SERVER_ADDRESS,
  LIVETRIAL_ANNOUNCED: OWN_ADDRESS,
  LIVETRIAL_MEDIA_TCP: "false",
};

/** What waits in a narrow way longer than this is lost instead: a drop-tail queue as RFC 8867 has it. */
const QUEUE_MS = 300;

/** The share of what is sent that is lost, by the ufrag of the browser's end. */
type Loss = (ufrag: string | undefined) => number;

/** As an address translator does: a socket to the server for each address of a browser. */
export class UdpRelay {
  private readonly towardServer = new Map<string, Socket>();
  private readonly cut = new Set<string>();
  private bitsPerMs = Infinity;
  private bitsPerMsUp = Infinity;
  private lossUp: Loss = () => 0;
  private readonly random = seeded(1);
  private readonly sockets = new Set<Socket>();
  private readonly lanesUp = new Map<string, Lane>();
  private readonly ufrags = new Map<string, string>();
  /** What of the server's datagrams does not arrive; `ufrag` is the browser's own, by which tests tell connections apart. */
  loses: (datagram: Buffer, ufrag: string | undefined) => boolean = () => false;
  private readonly towardBrowsers = createSocket("udp4");

  private constructor(mediaPort: number) {
    this.towardBrowsers.on("message", (datagram, browser) => {
      if (this.cut.has(nameOf(browser))) return;
      const ufrag = ufragIn(datagram);
      if (ufrag !== undefined) this.ufrags.set(nameOf(browser), ufrag);
      const socket = this.out(browser);
      const send = (datagram: Buffer): void => this.send(socket, datagram, mediaPort, this.ufrags.get(nameOf(browser)));
      if (this.bitsPerMsUp === Infinity) return send(datagram);
      this.laneUp(browser, send).take(datagram, this.bitsPerMsUp);
    });
  }

  static async start(mediaPort: number): Promise<UdpRelay> {
    const relay = new UdpRelay(mediaPort);
    relay.towardBrowsers.bind(mediaPort, OWN_ADDRESS);
    await once(relay.towardBrowsers, "listening");
    return relay;
  }

  /** From now on the server sees everybody at another address, and what it sends to the former ones is lost. */
  move(): void {
    for (const socket of this.towardServer.values()) socket.close();
    for (const lane of this.lanesUp.values()) lane.close();
    this.towardServer.clear();
    this.lanesUp.clear();
  }

  /** Nothing passes any more between the server and the sockets that browsers have used so far. */
  cutAll(): void {
    for (const browser of this.towardServer.keys()) this.cut.add(browser);
    this.move();
  }

  /** From now on each browser is reached by so many bit/s at most; null: by any number. */
  narrow(bitsPerSecond: number | null): void {
    this.bitsPerMs = bitsPerSecond === null ? Infinity : bitsPerSecond / 1000;
  }

  /** From now on each browser sends so many bit/s at most, of which the way loses a share at random; null: any number. */
  limitUp({ bitsPerSecond = null, loss = 0 }: { bitsPerSecond?: number | null; loss?: number | Loss }): void {
    this.bitsPerMsUp = bitsPerSecond === null ? Infinity : bitsPerSecond / 1000;
    this.lossUp = typeof loss === "number" ? () => loss : loss;
  }

  close(): void {
    this.move();
    this.towardBrowsers.close();
  }

  private send(socket: Socket, datagram: Buffer, mediaPort: number, ufrag: string | undefined): void {
    if (this.random() >= this.lossUp(ufrag) && this.sockets.has(socket)) socket.send(datagram, mediaPort, SERVER_ADDRESS);
  }

  private laneUp(browser: RemoteInfo, deliver: (datagram: Buffer) => void): Lane {
    const lane = this.lanesUp.get(nameOf(browser)) ?? new Lane(deliver);
    this.lanesUp.set(nameOf(browser), lane);
    return lane;
  }

  private out(browser: RemoteInfo): Socket {
    const known = this.towardServer.get(nameOf(browser));
    if (known) return known;
    const socket = createSocket("udp4");
    this.sockets.add(socket);
    const lane = new Lane((datagram) => this.towardBrowsers.send(datagram, browser.port, browser.address));
    const loses = (datagram: Buffer): boolean => this.loses(datagram, this.ufrags.get(nameOf(browser)));
    socket.on("message", (datagram) => void (loses(datagram) || lane.take(datagram, this.bitsPerMs)));
    socket.on("close", () => (this.sockets.delete(socket), lane.close()));
    this.towardServer.set(nameOf(browser), socket);
    return socket;
  }
}

/** Datagrams on their way to one browser, one behind the other. */
class Lane {
  private readonly waiting: { datagram: Buffer; due: number }[] = [];
  private free = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly deliver: (datagram: Buffer) => void) {}

  take(datagram: Buffer, bitsPerMs: number): void {
    const now = performance.now();
    const begins = Math.max(now, this.free);
    if (begins - now > QUEUE_MS) return;
    this.free = begins + (datagram.length * 8) / bitsPerMs;
    this.waiting.push({ datagram, due: this.free });
    this.pass();
  }

  close(): void {
    clearTimeout(this.timer);
  }

  private pass(): void {
    clearTimeout(this.timer);
    while (this.waiting[0] && this.waiting[0].due <= performance.now()) this.deliver(this.waiting.shift()!.datagram);
    if (this.waiting[0]) this.timer = setTimeout(() => this.pass(), this.waiting[0].due - performance.now());
  }
}

/** Whether a datagram is STUN's, on a port that has DTLS and media too (RFC 7983). */
export const isStun = (datagram: Buffer): boolean => datagram.length >= STUN_HEADER && (datagram[0] ?? 255) < 4;

const STUN_HEADER = 20;
const BINDING_REQUEST = 0x0001;
const USERNAME = 0x0006;

/** The ufrag of who sends a binding request, the second part of its USERNAME (RFC 8445 section 7.2.2). */
function ufragIn(datagram: Buffer): string | undefined {
  if (!isStun(datagram) || datagram.readUInt16BE(0) !== BINDING_REQUEST) return undefined;
  for (let at = STUN_HEADER; at + 4 <= datagram.length; ) {
    const [type, length] = [datagram.readUInt16BE(at), datagram.readUInt16BE(at + 2)];
    if (type === USERNAME) return datagram.toString("utf8", at + 4, at + 4 + length).split(":")[1];
    at += 4 + Math.ceil(length / 4) * 4;
  }
  return undefined;
}

const nameOf = ({ address, port }: RemoteInfo): string => `${address}:${port}`;

/** Numbers from 0 to 1, Mulberry32: the same losses in each run. */
export function seeded(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

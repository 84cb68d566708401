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

/** As an address translator does: a socket to the server for each address of a browser. */
export class UdpRelay {
  private readonly towardServer = new Map<string, Socket>();
  private readonly cut = new Set<string>();
  private bitsPerMs = Infinity;
  /** What of the server's datagrams does not arrive. */
  loses: (datagram: Buffer) => boolean = () => false;
  private readonly towardBrowsers = createSocket("udp4");

  private constructor(mediaPort: number) {
    this.towardBrowsers.on("message", (datagram, browser) => {
      if (!this.cut.has(nameOf(browser))) this.out(browser).send(datagram, mediaPort, SERVER_ADDRESS);
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
    this.towardServer.clear();
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

  close(): void {
    this.move();
    this.towardBrowsers.close();
  }

  private out(browser: RemoteInfo): Socket {
    const known = this.towardServer.get(nameOf(browser));
    if (known) return known;
    const socket = createSocket("udp4");
    const lane = new Lane((datagram) => this.towardBrowsers.send(datagram, browser.port, browser.address));
    socket.on("message", (datagram) => void (this.loses(datagram) || lane.take(datagram, this.bitsPerMs)));
    socket.on("close", () => lane.close());
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

const nameOf = ({ address, port }: RemoteInfo): string => `${address}:${port}`;

/** The way between browsers and the media port, in user space: it can move to another address, or be cut. */

import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";

/** Where the relay listens: the address that the server announces, at the server's own media port. */
export const RELAY_ADDRESS = "127.0.0.2";
const SERVER_ADDRESS = "127.0.0.1";

/** Settings of a server whose media all come through a relay. */
export const BEHIND_RELAY = {
  LIVETRIAL_MEDIA_HOST: SERVER_ADDRESS,
  LIVETRIAL_ANNOUNCED: RELAY_ADDRESS,
  LIVETRIAL_MEDIA_TCP: "false",
};

/** As an address translator does: a socket to the server for each address of a browser. */
export class UdpRelay {
  private readonly towardServer = new Map<number, Socket>();
  private readonly cut = new Set<number>();
  private readonly towardBrowsers = createSocket("udp4");
  /** Addresses that the server has seen, in all. */
  opened = 0;

  private constructor(private readonly mediaPort: number) {
    this.towardBrowsers.on("message", (datagram, { port }) => {
      if (!this.cut.has(port)) this.out(port).send(datagram, mediaPort, SERVER_ADDRESS);
    });
  }

  static async start(mediaPort: number): Promise<UdpRelay> {
    const relay = new UdpRelay(mediaPort);
    relay.towardBrowsers.bind(mediaPort, RELAY_ADDRESS);
    await once(relay.towardBrowsers, "listening");
    return relay;
  }

  /** From now on the server sees everybody at another address, and what it sends to the former ones is lost. */
  move(): void {
    for (const socket of this.towardServer.values()) socket.close();
    this.towardServer.clear();
  }

  /** Nothing passes any more between the server and the ports that browsers have used so far. */
  cutAll(): void {
    for (const port of this.towardServer.keys()) this.cut.add(port);
    this.move();
  }

  close(): void {
    this.move();
    this.towardBrowsers.close();
  }

  private out(browserPort: number): Socket {
    const known = this.towardServer.get(browserPort);
    if (known) return known;
    const socket = createSocket("udp4");
    socket.on("message", (datagram) => this.towardBrowsers.send(datagram, browserPort, "127.0.0.1"));
    this.towardServer.set(browserPort, socket);
    this.opened += 1;
    return socket;
  }
}

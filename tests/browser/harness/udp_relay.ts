/** The way between browsers and the media port, in user space: it can move to another address, or be cut. */

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

/** As an address translator does: a socket to the server for each address of a browser. */
export class UdpRelay {
  private readonly towardServer = new Map<string, Socket>();
  private readonly cut = new Set<string>();
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

  close(): void {
    this.move();
    this.towardBrowsers.close();
  }

  private out(browser: RemoteInfo): Socket {
    const known = this.towardServer.get(nameOf(browser));
    if (known) return known;
    const socket = createSocket("udp4");
    socket.on("message", (datagram) => this.towardBrowsers.send(datagram, browser.port, browser.address));
    this.towardServer.set(nameOf(browser), socket);
    return socket;
  }
}

const nameOf = ({ address, port }: RemoteInfo): string => `${address}:${port}`;

/**
 * The receiving side: one connection with the whole set of slots, negotiated once. A new connection is made beside the
 * old one, which keeps showing what it has until the new one brings its first packet.
 */

import type { Exchange } from "./ice_restart";
import { negotiateDependencyDescriptor } from "./dependency_descriptor";
import { Peer } from "./peer";
import type { VideoSlot } from "./protocol";
import { pairUp, sectionKinds } from "./slots";

export type ReceiveState = "off" | "connecting" | "live" | "reconnecting";

/** An offer on its way: finish it with the server's answer, or with the reason why there is none. */
export interface PreparedOffer {
  readonly sdp: string;
  accept(answer: string): Promise<void>;
  refuse(): void;
}

export interface ReceiverEvents {
  /** State or streams are not what they were. */
  onChange: () => void;
  /** The connection is over and a new one is needed. */
  onLost: () => void;
  /** The connection has no way to the server: call `restart`. */
  onWayLost: () => void;
}

interface Line {
  readonly peer: Peer;
  readonly streams: ReadonlyMap<VideoSlot, MediaStream>;
  /** The server has answered; until then nothing that it says is about this one. */
  answered: boolean;
}

export class Receiver {
  /** What the page shows. */
  private shown: Line | null = null;
  /** What is to take over from it. */
  private next: Line | null = null;
  private activeRole = false;

  constructor(private readonly events: ReceiverEvents) {}

  /** One stream a video slot, with its picture and the sound that belongs to it. */
  get streams(): ReadonlyMap<VideoSlot, MediaStream> {
    return this.shown?.streams ?? new Map();
  }

  get state(): ReceiveState {
    if (this.shown === null) return "off";
    if (this.shown.peer.health === "live") return "live";
    return this.shown.peer.health === "connecting" && this.next === null ? "connecting" : "reconnecting";
  }

  /** The connection whose streams are shown, for diagnostics. */
  get connection(): RTCPeerConnection | null {
    return this.shown?.peer.connection ?? null;
  }

  /** Makes a new connection and its offer; an offer that was prepared before and not taken over is dropped. */
  async prepare(): Promise<PreparedOffer> {
    const line = this.makeLine();
    if (this.next !== null) this.next.peer.close();
    this.next = line;
    const sdp = await line.peer.offer();
    return {
      sdp,
      accept: (answer) => this.accept(line, answer),
      refuse: () => this.discard(line),
    };
  }

  /** Begins ICE anew on the connection that the server answered last; without one there is nothing to do. */
  async restart(iceServers: readonly RTCIceServer[], exchange: Exchange): Promise<void> {
    await (this.next?.answered ? this.next : this.shown)?.peer.restart(iceServers, exchange);
  }

  /** The server says that the connection is closed. */
  ended(): void {
    (this.next?.answered ? this.next : this.shown)?.peer.ended();
  }

  close(): void {
    this.next?.peer.close();
    this.shown?.peer.close();
    this.next = this.shown = null;
    this.events.onChange();
  }

  private makeLine(): Line {
    const peer: Peer = new Peer({ onHealth: () => this.onHealth(line), onWayLost: () => this.onWayLost(line) }, this.activeRole);
    const kinds = sectionKinds();
    const tracks = kinds.map((kind) => {
      const transceiver = peer.connection.addTransceiver(kind, { direction: "recvonly" });
      // AV1 in spatial layers is assembled by the descriptor alone.
      if (kind === "video") negotiateDependencyDescriptor(transceiver);
      return transceiver.receiver.track;
    });
    const streams = new Map([...pairUp(tracks)].map(([slot, { video, audio }]) => [slot, new MediaStream([video, audio])]));
    const line: Line = { peer, streams, answered: false };
    for (const track of tracks) track.addEventListener("unmute", () => this.onFirstPacket(line), { once: true });
    return line;
  }

  private async accept(line: Line, answer: string): Promise<void> {
    if (line !== this.next) return;
    line.answered = true;
    if (this.shown === null) this.takeOver(line);
    try {
      await line.peer.answer(answer);
    } catch (error) {
      console.warn("livetrial: the answer cannot be used", error);
      line.peer.ended();
    }
  }

  private discard(line: Line): void {
    line.peer.close();
    if (this.next === line) this.next = null;
    this.events.onChange();
  }

  private takeOver(line: Line): void {
    this.shown?.peer.close();
    this.shown = line;
    this.next = null;
    this.events.onChange();
  }

  private onFirstPacket(line: Line): void {
    if (line === this.next) this.takeOver(line);
  }

  /** One that is shown until another takes over is not worth it. */
  private onWayLost(line: Line): void {
    if (line === (this.next ?? this.shown)) this.events.onWayLost();
  }

  private onHealth(line: Line): void {
    const newest = this.next ?? this.shown;
    if (this.next?.peer.health === "live" && this.shown?.peer.health !== "live") this.takeOver(this.next);
    if (line === newest && line.peer.health === "dead") {
      // Some browsers have no AEAD_AES_128_GCM; as DTLS client they get the older profile too.
      if (line.peer.dtlsFailed) this.activeRole = true;
      this.events.onLost();
    }
    this.events.onChange();
  }
}

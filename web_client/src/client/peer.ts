/** One RTCPeerConnection with the server: offer out, answer in, its health watched. Never used twice. */

import { PeerHealth, TICKET_TIMEOUT_MS, type Health } from "./health";
import { Hearing } from "./hearing";
import { IceRestart, type Exchange } from "./ice_restart";
import { statsEntries } from "./stats";

export interface PeerEvents {
  /** The health is not what it was. */
  onHealth: (health: Health) => void;
  /** The way to the server is lost, or there is none: call `restart`. */
  onWayLost: () => void;
}

export class Peer {
  readonly connection = new RTCPeerConnection({ bundlePolicy: "max-bundle", iceServers: [] });
  private readonly iceRestart = new IceRestart(this.connection);
  private readonly judge = new PeerHealth();
  private readonly hearing = new Hearing();
  private closed = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private last: Health = "connecting";

  /** `active` asks for the DTLS client role, for browsers whose DTLS failed the other way round. */
  constructor(
    private readonly events: PeerEvents,
    private readonly active: boolean,
  ) {
    this.connection.onconnectionstatechange = this.connection.oniceconnectionstatechange = () => {
      const { connectionState, iceConnectionState } = this.connection;
      this.update((judge, now) => judge.observe(connectionState, iceConnectionState, now));
    };
  }

  get health(): Health {
    return this.judge.health;
  }

  get dtlsFailed(): boolean {
    return this.judge.dtlsFailed;
  }

  /** Whether ICE says that there is no way, be the server heard or not. */
  get doubted(): boolean {
    return this.judge.doubted;
  }

  /** The offer as it is, without waiting for candidates: the server is ICE-lite and learns addresses from checks. */
  async offer(): Promise<string> {
    const offer = await this.connection.createOffer();
    await this.connection.setLocalDescription(offer);
    return withSetup(offer.sdp ?? "", this.active);
  }

  async answer(sdp: string): Promise<void> {
    await this.connection.setRemoteDescription({ type: "answer", sdp });
    this.update((judge, now) => judge.answered(now));
  }

  /** Connects by an answer that the page has made itself; whether the server agrees comes later (`confirmed`). */
  async answerAlone(sdp: string): Promise<void> {
    await this.connection.setRemoteDescription({ type: "answer", sdp });
  }

  /** The server agrees: what does not connect now never will. */
  confirmed(): void {
    this.update((judge, now) => judge.answered(now, TICKET_TIMEOUT_MS));
  }

  /** Begins ICE anew, with relays where there are some; never fails. */
  async restart(iceServers: readonly RTCIceServer[], exchange: Exchange): Promise<void> {
    // One that has found no way yet tries all there are already, but relays.
    if (this.health === "connecting" && iceServers.length === 0) return;
    try {
      if (await this.iceRestart.run(iceServers, exchange)) this.update((judge, now) => judge.restarted(now));
    } catch (error) {
      console.warn("livetrial: ICE cannot be restarted", error);
    }
  }

  /** The server said that this connection is over. */
  ended(): void {
    this.update((judge) => judge.ended());
  }

  /** Closes without telling anyone. */
  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
    this.connection.onconnectionstatechange = this.connection.oniceconnectionstatechange = null;
    this.connection.close();
  }

  private update(change: (judge: PeerHealth, now: number) => void): void {
    change(this.judge, performance.now());
    const wayLost = this.judge.takeRestart(performance.now());
    if (this.judge.takeLook(performance.now())) void this.look();
    clearTimeout(this.timer);
    const due = this.judge.deadline();
    if (due !== null) {
      const ms = Math.ceil(Math.max(0, due - performance.now()));
      this.timer = setTimeout(() => this.update((judge, now) => judge.tick(now)), ms);
    }
    if (this.judge.health !== this.last) {
      this.last = this.judge.health;
      this.events.onHealth(this.last);
    }
    if (wayLost) this.events.onWayLost();
  }

  /** Looks whether the server is heard; a browser that cannot tell hears nothing. */
  private async look(): Promise<void> {
    const entries = await statsEntries(this.connection).catch(() => []);
    if (this.closed) return;
    const said = this.hearing.look(entries);
    this.update((judge, now) => judge.looked(said, now));
  }
}

/** The DTLS role that the server sees. The local description keeps `actpass`, with which either answer is valid. */
export function withSetup(sdp: string, active: boolean): string {
  return active ? sdp.replaceAll("a=setup:actpass", "a=setup:active") : sdp;
}

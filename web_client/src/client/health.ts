/** Judges a peer connection from its states, without I/O: when it counts as live, and when to give it up. */

/** An answered connection that is not up after this is given up. */
export const CONNECT_TIMEOUT_MS = 10_000;
/** The same where the page has answered by a ticket: when that shows no life, an ordinary exchange takes over. */
export const TICKET_TIMEOUT_MS = 2_000;
/** ICE often comes back by itself from `disconnected`; after this we do not wait for it. */
export const DISCONNECTED_GRACE_MS = 3_000;

export type Health = "connecting" | "live" | "interrupted" | "dead";

export class PeerHealth {
  health: Health = "connecting";
  private due: number | null = null;
  private everLive = false;
  private iceWorked = false;

  /** ICE found a way but DTLS never got through: the next offer must take the active role (PROTOCOL.md, "Slots"). */
  get dtlsFailed(): boolean {
    return this.health === "dead" && this.iceWorked && !this.everLive;
  }

  /** The answer was applied: the time to connect starts. */
  answered(now: number, timeoutMs = CONNECT_TIMEOUT_MS): void {
    if (this.health === "connecting") this.due = now + timeoutMs;
  }

  observe(connection: RTCPeerConnectionState, ice: RTCIceConnectionState, now: number): void {
    if (this.health === "dead") return;
    if (ice === "connected" || ice === "completed") this.iceWorked = true;
    if (connection === "connected") this.enter("live", null);
    else if (connection === "failed" || connection === "closed") this.enter("dead", null);
    else if (connection === "disconnected" && this.health !== "interrupted") {
      this.enter("interrupted", now + DISCONNECTED_GRACE_MS);
    }
  }

  /** The other side says that it is over. */
  ended(): void {
    this.enter("dead", null);
  }

  /** When `tick` must be called, in ms; null when nothing is due. */
  deadline(): number | null {
    return this.due;
  }

  tick(now: number): void {
    if (this.due !== null && now >= this.due) this.enter("dead", null);
  }

  private enter(health: Health, due: number | null): void {
    this.everLive ||= health === "live";
    this.health = health;
    this.due = due;
  }
}

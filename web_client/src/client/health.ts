/** Judges a peer connection from its states, without I/O: when it counts as live, and when to give it up. */

/** An answered connection that is not up after this is given up. */
export const CONNECT_TIMEOUT_MS = 10_000;
/** The same where the page has answered by a ticket: when that shows no life, an ordinary exchange takes over. */
export const TICKET_TIMEOUT_MS = 2_000;
/** ICE often comes back by itself from `disconnected`; after this we do not wait for it. */
export const DISCONNECTED_GRACE_MS = 3_000;

/** An answered connection without any way to the server after this tries relays, where there are some. */
export const RELAY_AFTER_MS = 2_000;
/** What a restart has from the server's answer to the first pair. */
export const RESTART_TIMEOUT_MS = 5_000;

export type Health = "connecting" | "live" | "interrupted" | "dead";

export class PeerHealth {
  health: Health = "connecting";
  private due: number | null = null;
  private restartDue: number | null = null;
  private everLive = false;
  private iceWorked = false;
  /** Never live, and without any pair left. */
  private lost = false;

  /** ICE found a way but DTLS never got through: the next offer must take the active role (PROTOCOL.md, "Slots"). */
  get dtlsFailed(): boolean {
    return this.health === "dead" && this.iceWorked && !this.everLive;
  }

  /** The answer was applied: the time to connect starts. */
  answered(now: number, timeoutMs = CONNECT_TIMEOUT_MS): void {
    if (this.health !== "connecting") return;
    this.due = now + timeoutMs;
    this.restartDue = now + RELAY_AFTER_MS;
  }

  /** The answer to a restart was applied: what waits for it has more time. */
  restarted(now: number): void {
    if (this.due !== null) this.due = now + (this.everLive ? RESTART_TIMEOUT_MS : CONNECT_TIMEOUT_MS);
  }

  /** Whether ICE should begin anew: true once for each time that the way to the server was lost, or not found. */
  takeRestart(now: number): boolean {
    if (this.restartDue === null || now < this.restartDue) return false;
    this.restartDue = null;
    return !this.iceWorked || this.everLive;
  }

  observe(connection: RTCPeerConnectionState, ice: RTCIceConnectionState, now: number): void {
    if (this.health === "dead") return;
    if (ice === "connected" || ice === "completed") this.iceWorked = true;
    if (connection === "connected") this.enter("live", null);
    else if (connection === "closed" || (connection === "failed" && this.blamesDtls(ice))) this.enter("dead", null);
    else if (connection === "disconnected" || connection === "failed") this.wayLost(now);
  }

  /** Whether ICE has a way, or had one that DTLS never got through. Not every browser says first that it is ICE which failed. */
  private blamesDtls(ice: RTCIceConnectionState): boolean {
    return ice === "connected" || ice === "completed" || (this.iceWorked && !this.everLive);
  }

  /** ICE has no way to the server now, which a restart may find. A connection that never had one goes on connecting. */
  private wayLost(now: number): void {
    if (this.health === "interrupted" || (!this.everLive && this.lost)) return;
    this.lost = true;
    this.enter(this.everLive ? "interrupted" : "connecting", now + DISCONNECTED_GRACE_MS);
    this.restartDue = now;
  }

  /** The other side says that it is over. */
  ended(): void {
    this.enter("dead", null);
  }

  /** When `tick` must be called, in ms; null when nothing is due. */
  deadline(): number | null {
    if (this.due === null || this.restartDue === null) return this.due;
    return Math.min(this.due, this.restartDue);
  }

  tick(now: number): void {
    if (this.due !== null && now >= this.due) this.enter("dead", null);
  }

  private enter(health: Health, due: number | null): void {
    this.everLive ||= health === "live";
    this.health = health;
    this.due = due;
    this.restartDue = null;
  }
}

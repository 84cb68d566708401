/** Judges a peer connection from its states, without I/O: when it counts as live, and when to give it up. */

import type { Heard } from "./hearing";

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
/** Between two looks at whether the other side is still heard, while ICE says that there is no way. */
export const LOOK_MS = 250;

export type Health = "connecting" | "live" | "interrupted" | "dead";

/**
 * The way to the server of a connection that was live. `doubted`: ICE's checks are not answered, which on a link that loses much they may
 * not be for many seconds (Firefox sends one in five); a new way would go over the same link, so nothing is begun while the server is
 * heard. `lost`: it is not heard either. `failed`: ICE has given up, and browsers take nothing in any more.
 */
type Way = "found" | "doubted" | "lost" | "failed";

export class PeerHealth {
  health: Health = "connecting";
  private due: number | null = null;
  private restartDue: number | null = null;
  private lookDue: number | null = null;
  private way: Way = "found";
  /** A restart was asked for since the way came into doubt. */
  private restarts = false;
  private everLive = false;
  private iceWorked = false;
  /** Never live, and without any pair left. */
  private hopeless = false;

  /** ICE found a way but DTLS never got through: the next offer must take the active role (PROTOCOL.md, "Slots"). */
  get dtlsFailed(): boolean {
    return this.health === "dead" && this.iceWorked && !this.everLive;
  }

  /** Whether ICE says that there is no way, be the other side heard or not. */
  get doubted(): boolean {
    return this.way !== "found";
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

  /** Whether to look if the other side is heard, and to call `looked` then. */
  takeLook(now: number): boolean {
    if (this.lookDue === null || now < this.lookDue) return false;
    this.lookDue = null;
    return true;
  }

  /** What a look said. A browser that is mute is heard by nobody until it has a way again, while what it hears goes on. */
  looked({ heard, mute }: Heard, now: number): void {
    if (this.health === "dead" || this.way === "found" || this.way === "failed") return;
    this.lookDue = now + LOOK_MS;
    this.health = heard ? "live" : "interrupted";
    if (!heard && this.way === "doubted") this.lose("lost", now);
    // It is there again before ICE knows.
    else if (heard && this.way === "lost") [this.way, this.due, this.restartDue] = ["doubted", null, null];
    else if (heard && mute && !this.restarts) this.askRestart(now);
  }

  observe(connection: RTCPeerConnectionState, ice: RTCIceConnectionState, now: number): void {
    if (this.health === "dead") return;
    if (ice === "connected" || ice === "completed") this.iceWorked = true;
    if (connection === "connected") this.enter("live", null);
    else if (connection === "closed" || (connection === "failed" && this.blamesDtls(ice))) this.enter("dead", null);
    else if (connection === "disconnected" || connection === "failed") this.noWay(connection === "failed", now);
  }

  /** Whether ICE has a way, or had one that DTLS never got through. Not every browser says first that it is ICE which failed. */
  private blamesDtls(ice: RTCIceConnectionState): boolean {
    return ice === "connected" || ice === "completed" || (this.iceWorked && !this.everLive);
  }

  /** ICE has no way to the server now, which a restart may find. A connection that never had one goes on connecting. */
  private noWay(failed: boolean, now: number): void {
    if (this.everLive) return this.doubt(failed, now);
    if (this.hopeless) return;
    this.hopeless = true;
    this.enter("connecting", now + DISCONNECTED_GRACE_MS);
    this.restartDue = now;
  }

  private doubt(failed: boolean, now: number): void {
    if (this.way === "found") {
      this.way = "doubted";
      this.lookDue = now;
    }
    if (!failed || this.way === "failed") return;
    this.health = "interrupted";
    this.lookDue = null;
    // Where it was lost before, all that can be done has been begun.
    if (this.way === "lost") this.way = "failed";
    else this.lose("failed", now);
  }

  private lose(way: "lost" | "failed", now: number): void {
    this.way = way;
    this.due = now + DISCONNECTED_GRACE_MS;
    this.askRestart(now);
  }

  private askRestart(now: number): void {
    this.restarts = true;
    this.restartDue = now;
  }

  /** The other side says that it is over. */
  ended(): void {
    this.enter("dead", null);
  }

  /** When `tick` must be called, in ms; null when nothing is due. */
  deadline(): number | null {
    const all = [this.due, this.restartDue, this.lookDue].filter((due) => due !== null);
    return all.length > 0 ? Math.min(...all) : null;
  }

  tick(now: number): void {
    if (this.due !== null && now >= this.due) this.enter("dead", null);
  }

  private enter(health: Health, due: number | null): void {
    this.everLive ||= health === "live";
    this.health = health;
    this.way = "found";
    this.restarts = false;
    this.due = due;
    this.restartDue = this.lookDue = null;
  }
}

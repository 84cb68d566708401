/**
 * One person's place in a session, without I/O: join, reconnect, commands and events. Time and randomness are arguments.
 *
 * Call a method, then carry out what `drain()` returns, then call `tick` when `deadline()` has come. The shell that does
 * so with a real WebSocket is `driver.ts`.
 */

import { Backoff } from "./backoff";
import { afterClose, type ClosedReason } from "./closing";
import { decode } from "./decode";
import { Outbox } from "./outbox";
import { Person } from "./person";
import {
  PROTOCOL_VERSION,
  type Ack,
  type Command,
  type ErrorMessage,
  type Events,
  type GetTime,
  type Join,
  type Joined,
  type JoinReport,
  type React,
  type ServerMessage,
  type Switch,
  type Watch,
} from "./protocol";
import { Requests, type ServerRequest, type RequestResult } from "./requests";
import type { CommandFailure, Output, Place, SessionOptions, Status } from "./session_io";
import { applyEvents, applyOrder, EMPTY_STATE, stateAfterJoin, type SessionState } from "./state";

/** A socket that has not joined, or has not answered, for so long is given up. */
export const REPLY_TIMEOUT_MS = 10_000;
/** A session that stayed live for so long starts its next reconnect without waiting. */
export const STABLE_MS = 5_000;
/** Silence after which a page that comes back to the foreground does not trust its socket (the server pings every 20 s). */
export const SILENCE_MS = 45_000;

type Phase =
  | { name: "idle" }
  | { name: "opening"; opened: boolean; offer: Offer | null | undefined; deadline: number }
  | { name: "joining"; deadline: number }
  | { name: "live"; since: number; heardAt: number }
  | { name: "waiting"; until: number }
  | { name: "closed"; reason: ClosedReason };

interface Offer {
  sdp: string;
  ticket: string | null;
}

export class Session {
  state: SessionState = EMPTY_STATE;
  /** Text frames that were no well-formed messages. */
  malformed = 0;
  outbox: Outbox;
  private readonly requests = new Requests();
  private readonly backoff: Backoff;
  private readonly outputs: Output[] = [];
  private person: Person;
  private pictures = true;
  private phase: Phase = { name: "idle" };
  private attempt = 0;
  private hasState = false;
  private hasJoined = false;
  private lastError: string | null = null;
  /** Everything is made ready, and nobody has come yet. */
  private held = false;

  constructor(options: SessionOptions) {
    this.person = new Person(options);
    this.outbox = new Outbox(options.restored);
    this.backoff = new Backoff(options.random);
  }

  get status(): Status {
    if (this.phase.name === "live") return { name: "live" };
    if (this.phase.name === "closed") return { name: "closed", reason: this.phase.reason };
    return { name: this.hasJoined ? "reconnecting" : "connecting" };
  }

  /** By which this person is known; null in an open session before the join. */
  get token(): string | null {
    return this.person.token;
  }

  /** When `tick` must be called, in ms; null when nothing is due. */
  deadline(): number | null {
    const { phase } = this;
    // A socket that is held may stay open for as long as the server lets it.
    if (phase.name === "opening") return this.held && phase.opened ? null : phase.deadline;
    if (phase.name === "joining") return phase.deadline;
    if (phase.name === "waiting") return phase.until;
    if (phase.name !== "live") return null;
    const waiting = [this.outbox.waitingSince, this.requests.waitingSince].filter((t) => t !== null);
    return waiting.length > 0 ? Math.min(...waiting) + REPLY_TIMEOUT_MS : null;
  }

  /** What must be done now, in order. */
  drain(): Output[] {
    return this.outputs.splice(0);
  }

  // ---- From the page -----------------------------------------------------------------------------------------------

  /** `ticket`: the one by which an offer that was prepared is answered. */
  start(now: number, ticket: string | null = null): void {
    if (this.held && this.phase.name === "opening" && this.phase.offer) this.phase.offer.ticket = ticket;
    this.held = false;
    if (this.phase.name === "idle") this.open(now);
    else this.joinWhenReady(now);
  }

  /** Opens the socket and has the offer made, so that `start` costs nothing but the join itself. */
  prepare(now: number): void {
    if (this.phase.name !== "idle") return;
    this.held = true;
    this.open(now);
  }

  /** Keeps the command until it is acknowledged. Returns false when too many are waiting already. */
  command(command: Command, now: number): boolean {
    if (this.outbox.full || this.phase.name === "closed") return false;
    this.outbox.add(command);
    this.flush(now);
    this.outputs.push({ kind: "changed" });
    return true;
  }

  /** Taps; while the socket is away they are lost, as nobody would see them. */
  react(message: React): void {
    if (this.phase.name === "live") this.outputs.push({ kind: "send", text: JSON.stringify(message) });
  }

  /** Asks the server for something; the result comes as `reply` with this id. */
  request(id: number, message: ServerRequest, now: number): void {
    if (this.phase.name === "live") {
      this.requests.add(id, message);
      this.flush(now);
    } else {
      this.outputs.push({ kind: "reply", id, result: DISCONNECTED });
    }
  }

  /** The page is in front again, or the network came back (`networkChanged`): do not wait any longer. */
  wake(now: number, networkChanged: boolean): void {
    const { phase } = this;
    if (phase.name === "waiting") this.open(now);
    else if (phase.name === "live" && (networkChanged || now - phase.heardAt > SILENCE_MS)) this.abandon(now, 0);
  }

  /**
   * Goes to another session. While live it takes socket and receiving connection along; otherwise the next join goes there.
   * Commands that wait stay in the old session's storage.
   */
  switchTo(place: Place, now: number): void {
    if (this.phase.name === "closed") return;
    for (const id of this.requests.socketLost()) this.outputs.push({ kind: "reply", id, result: DISCONNECTED });
    this.person = new Person(place);
    this.outbox = new Outbox(place.restored);
    this.state = EMPTY_STATE;
    this.hasState = false;
    if (this.phase.name === "live") {
      this.enter({ name: "joining", deadline: now + REPLY_TIMEOUT_MS });
      this.say({ type: "switch", ...this.person.who });
      this.outputs.push({ kind: "asked" });
    } else if (this.phase.name === "joining") {
      this.abandon(now, 0); // the answer to come is about the session that is left
    }
    this.outputs.push({ kind: "changed" });
  }

  /** Whether pictures are wanted, or sound alone. */
  watch(pictures: boolean): void {
    if (this.pictures === pictures) return;
    this.pictures = pictures;
    if (this.phase.name === "live") this.say({ type: "watch", pictures });
  }

  /** Tells how the join went; what cannot be told now is not worth telling later. */
  report(report: JoinReport): void {
    if (this.phase.name === "live") this.say(report);
  }

  /** Asks the server for its time, behind `join` too; `wallMs` is the own clock's. The answer is a notice. */
  askTime(wallMs: number): void {
    if (this.phase.name === "joining" || this.phase.name === "live") this.say({ type: "time", t0: wallMs });
  }

  leave(): void {
    if (this.phase.name === "closed") return;
    this.socketGone();
    this.outputs.push({ kind: "close" });
    this.enter({ name: "closed", reason: "left" });
  }

  // ---- From the shell ----------------------------------------------------------------------------------------------

  /** The offer for the join of `attempt` is made; null when no media are wanted. `ticket`: the one by which it is answered. */
  offerReady(attempt: number, offer: string | null, now: number, ticket: string | null = null): void {
    if (this.phase.name !== "opening" || attempt !== this.attempt) return;
    this.phase.offer = offer === null ? null : { sdp: offer, ticket };
    this.joinWhenReady(now);
  }

  socketOpened(now: number): void {
    if (this.phase.name !== "opening") return;
    this.phase.opened = true;
    this.joinWhenReady(now);
  }

  socketReceived(text: string, now: number): void {
    const message = decode(text);
    if (message === null) {
      this.malformed += 1;
      return;
    }
    if (this.phase.name === "live") this.phase.heardAt = now;
    this.handle(message, now);
  }

  socketClosed(code: number, now: number): void {
    if (this.phase.name === "closed" || this.phase.name === "waiting") return;
    const next = afterClose(code, this.lastError);
    if (next === "reconnect") this.reconnect(now);
    else if (isTokenTrouble(next) && this.person.isNamed) this.forgetPerson(now);
    else {
      this.socketGone();
      this.enter({ name: "closed", reason: next });
    }
  }

  tick(now: number): void {
    const due = this.deadline();
    if (due === null || now < due) return;
    if (this.phase.name === "waiting") this.open(now);
    else this.abandon(now);
  }

  // ---- Phases ------------------------------------------------------------------------------------------------------

  private open(now: number): void {
    this.attempt += 1;
    this.lastError = null;
    this.enter({ name: "opening", opened: false, offer: undefined, deadline: now + REPLY_TIMEOUT_MS });
    this.outputs.push({ kind: "open", attempt: this.attempt });
  }

  private joinWhenReady(now: number): void {
    if (this.held || this.phase.name !== "opening" || !this.phase.opened || this.phase.offer === undefined) return;
    const join: Join = { type: "join", v: PROTOCOL_VERSION, ...this.person.who, ...this.person.device };
    if (this.phase.offer !== null) join.offer = this.phase.offer.sdp;
    if (this.phase.offer?.ticket) join.ticket = this.phase.offer.ticket;
    if (this.hasState) join.last_event = this.state.seq;
    this.enter({ name: "joining", deadline: now + REPLY_TIMEOUT_MS });
    this.say(join);
    this.outputs.push({ kind: "asked" });
  }

  private say(message: Join | Switch | Watch | JoinReport | GetTime): void {
    this.outputs.push({ kind: "send", text: JSON.stringify(message) });
  }

  private enterLive(joined: Joined, now: number): void {
    if (this.phase.name !== "joining") return;
    const { state, gap } = stateAfterJoin(this.state, joined);
    if (gap) {
      this.hasState = false;
      this.abandon(now);
      return;
    }
    this.state = state;
    this.outbox.reached(state.seq);
    this.hasState = this.hasJoined = true;
    if (joined.token !== null) this.keepPersonal(joined.token);
    this.enter({ name: "live", since: now, heardAt: now });
    this.outputs.push({ kind: "joined", message: joined }, { kind: "changed" });
    // A new connection shows pictures until it is told not to.
    if (!this.pictures) this.say({ type: "watch", pictures: false });
    this.flush(now);
  }

  private reconnect(now: number, delayMs?: number): void {
    if (this.phase.name === "live" && now - this.phase.since >= STABLE_MS) this.backoff.reset();
    this.socketGone();
    const until = now + (delayMs ?? this.backoff.next());
    this.enter({ name: "waiting", until });
    if (until <= now) this.open(now);
  }

  /** Gives up a socket that is still there. */
  private abandon(now: number, delayMs?: number): void {
    this.outputs.push({ kind: "close" });
    this.reconnect(now, delayMs);
  }

  /** The personal token is refused (it expired, or the server has a new key): join again as whoever the link names. */
  private forgetPerson(now: number): void {
    this.keepPersonal(null);
    this.hasState = false;
    this.reconnect(now);
  }

  private socketGone(): void {
    this.outbox.socketLost();
    for (const id of this.requests.socketLost()) this.outputs.push({ kind: "reply", id, result: DISCONNECTED });
  }

  private enter(phase: Phase): void {
    const before = this.status;
    const wasIdle = this.phase.name === "idle";
    this.phase = phase;
    if (wasIdle || this.status.name !== before.name) this.outputs.push({ kind: "status", status: this.status });
  }

  // ---- Messages ----------------------------------------------------------------------------------------------------

  private handle(message: ServerMessage, now: number): void {
    switch (message.type) {
      case "joined":
        return this.enterLive(message, now);
      case "events":
        return this.applyLive(message, now);
      case "order":
        this.state = applyOrder(this.state, message);
        this.outputs.push({ kind: "changed" });
        return;
      case "ack":
        return this.settle(this.outbox.acknowledge(message.cmd, message.seq), message.id, null);
      case "waiting":
        // The server is there and has us in its queue, so this is no silence.
        if (this.phase.name === "joining") this.phase.deadline = now + REPLY_TIMEOUT_MS;
        this.outputs.push({ kind: "notice", message });
        return;
      case "presence":
      case "slots":
      case "quality":
      case "encodings":
      case "speakers":
      case "media_closed":
      case "log_hash":
      case "time":
        this.outputs.push({ kind: "notice", message });
        return;
      case "error":
        return this.handleError(message, now);
      case "receiving":
      case "published":
      case "restarted":
      case "unpublished":
      case "duplicates":
      case "audit":
        this.settleRequest(message, now);
    }
  }

  private applyLive(message: Events, now: number): void {
    if (this.phase.name !== "live") return;
    const { state, gap } = applyEvents(this.state, message);
    this.state = state;
    this.outbox.reached(state.seq);
    this.outputs.push({ kind: "changed" });
    if (gap) this.abandon(now);
  }

  private handleError(error: ErrorMessage, now: number): void {
    this.lastError = error.code;
    if (error.cmd !== undefined) {
      const failure = { code: error.code, retryAfterMs: error.retry_after_ms ?? null };
      this.settle(this.outbox.refuse(error.cmd), null, failure);
    } else if (!this.settleRequest(error, now)) {
      this.outputs.push({ kind: "notice", message: error });
    }
  }

  private settle(command: Command | undefined, id: Ack["id"], failure: CommandFailure | null): void {
    if (command === undefined) return;
    this.outbox.reached(this.state.seq);
    this.outputs.push({ kind: "settled", command, id, failure }, { kind: "changed" });
  }

  private settleRequest(message: ServerMessage, now: number): boolean {
    const settled = this.requests.settle(message);
    if (settled === null) return false;
    this.outputs.push({ kind: "reply", ...settled });
    this.flush(now);
    return true;
  }

  private flush(now: number): void {
    if (this.phase.name !== "live") return;
    const request = this.requests.takeNext(now);
    for (const message of [...this.outbox.takeUnsent(now), ...(request ? [request] : [])]) {
      this.outputs.push({ kind: "send", text: JSON.stringify(message) });
    }
  }

  private keepPersonal(personal: string | null): void {
    this.outputs.push({ kind: "credentials", credentials: this.person.keep(personal) });
  }
}

const DISCONNECTED: RequestResult = { ok: false, failure: { code: "disconnected", retryAfterMs: null } };

const isTokenTrouble = (reason: ClosedReason): boolean => reason === "token_expired" || reason === "token_invalid";

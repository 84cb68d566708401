/** A live session for a page: watch, publish, ask, vote. Everything else in this folder works behind this class. */

import { ClockOffset } from "./clock_offset";
import { browserEnv, Driver } from "./driver";
import { Emitter } from "./emitter";
import { JoinClock } from "./join_clock";
import { browserStorage, Keeper } from "./keeper";
import type { Ack, Audit, Command, Duplicates, IceServer, Joined, JoinReport, LogHash, Quality, React, SessionInfo, Slot, VideoSlot, You } from "./protocol";
import { Publisher, type PublishOptions, type PublishState, type PublishTracks } from "./publish";
import { Receiver, type PreparedOffer, type ReceiveState } from "./receive";
import type { ServerRequest, RequestResult } from "./requests";
import { Retry } from "./retry";
import { Session } from "./session";
import type { CommandFailure, Output, Place, Status } from "./session_io";
import { connectionStats, type ConnectionStats } from "./stats";
import { Taps } from "./taps";
import { browserTickets, TicketSource } from "./ticket_source";
import { viewOf, type View } from "./view";
import { onHidden, onWake } from "./wake";

export interface LiveClientOptions {
  /** Session id. */
  session: string;
  /** The WebSocket; by default `/ws` on the page's own server. */
  url?: string;
  /** Token from the link; left out for open sessions, and on later visits (it is kept). */
  token?: string | null;
  /** Display name, 1–40 characters; a name inside the token wins. */
  name?: string;
  /** Whether to receive media; true by default. */
  receive?: boolean;
  /** Prefix of the storage keys. Pages that are different persons in one browser need different ones. */
  storageKey?: string;
}

/** What is taken for granted until the server says otherwise. */
const FULL_QUALITY: Quality = { type: "quality", picture: "full", cause: null };

export interface LiveClientEvents {
  status: Status;
  /** After each join. */
  joined: { you: You; session: SessionInfo };
  view: View;
  present: number;
  /** Place in the queue of those who join, 1 being the next; null when it is over. */
  waiting: number | null;
  slots: readonly Slot[];
  /** How much of its source the main slot shows, and why not all. */
  quality: Quality;
  /** Ids of the people who speak; the silence between words is carried over. */
  speakers: readonly string[];
  receive: ReceiveState;
  /** The first picture of a join is shown: how long each stage took. */
  picture: JoinReport;
  publish: PublishState;
  /** A command is stored (`failure` is null) or refused. */
  settled: { command: Command; id: Ack["id"]; failure: CommandFailure | null };
  /** The running hash over the log. */
  logHash: LogHash;
}

/** A command without its id, which the client makes. */
export type Wish = Command extends infer C ? (C extends Command ? Omit<C, "cmd"> : never) : never;

/** The server refused a command. `code` is one of PROTOCOL.md, or `left` when the session is over for this page. */
export class CommandError extends Error {
  constructor(
    readonly code: string,
    readonly retryAfterMs: number | null,
  ) {
    super(code);
  }
}

export class LiveClient extends Emitter<LiveClientEvents> {
  you: You | null = null;
  info: SessionInfo | null = null;
  slots: readonly Slot[] = [];
  quality: Quality = FULL_QUALITY;
  speakers: readonly string[] = [];
  present = 0;
  readonly receiver: Receiver;
  readonly publisher: Publisher;
  private readonly session: Session;
  private readonly driver: Driver;
  private readonly clock = new JoinClock((report) => this.onPicture(report));
  private keeper: Keeper;
  private readonly url: string;
  private readonly receiveRetry = new Retry();
  private tickets: TicketSource;
  /** Stops renewing the ticket of a page that waits for its visitor; set while it does. */
  private stopHolding: (() => void) | null = null;
  private readonly stopWaking: () => void;
  private readonly promises = new Map<string, { resolve: (id: Ack["id"]) => void; reject: (error: CommandError) => void }>();
  private readonly replies = new Map<number, (result: RequestResult) => void>();
  private prepared: PreparedOffer | null = null;
  private iceServers: readonly IceServer[] = [];
  private nextRequest = 0;
  private readonly offset = new ClockOffset();
  private readonly taps = new Taps((message) => this.driver.run((session) => session.react(message)));

  constructor(private options: LiveClientOptions) {
    super();
    this.keeper = keeperOf(options);
    this.session = new Session({ ...placeOf(options, this.keeper), random: Math.random });
    this.url = options.url ?? defaultUrl();
    this.tickets = new TicketSource(options.session, browserTickets(options.session, this.url));
    this.driver = new Driver(this.session, browserEnv(this.url), (output) => this.onOutput(output));
    this.receiver = new Receiver({
      onChange: () => this.onReceiveChange(),
      onLost: () => this.receiveRetry.schedule(() => void this.receiveAgain()),
      onWayLost: () => void this.restart("receive"),
    });
    this.publisher = new Publisher({
      request: (message) => this.request(message),
      onChange: () => this.emit("publish", this.publisher.state),
      onWayLost: () => void this.restart("publish"),
    });
    const stopWaking = onWake({
      wake: (networkChanged) => this.driver.run((session, now) => session.wake(now, networkChanged)),
      switched: () => void Promise.all([this.restart("receive"), this.restart("publish")]),
    });
    const stopHiding = onHidden((hidden) => this.watch(!hidden));
    this.stopWaking = () => (stopWaking(), stopHiding());
  }

  // ---- State -------------------------------------------------------------------------------------------------------

  get status(): Status {
    return this.session.status;
  }

  get view(): View {
    return viewOf(this.session.state, this.session.outbox.unseen);
  }

  /** Position in the session's log. */
  get seq(): number {
    return this.session.state.seq;
  }

  /** Commands that are not stored yet, oldest first; also those of an earlier load of this tab. */
  get pending(): readonly Command[] {
    return this.session.outbox.unacknowledged;
  }

  /** One stream a video slot, with its sound. They change when the receiving connection is made anew: listen to `receive`. */
  get streams(): ReadonlyMap<VideoSlot, MediaStream> {
    return this.receiver.streams;
  }

  /** Now by the server's clock, in ms since 1970. */
  serverNow(): number {
    return Date.now() + this.offset.ms;
  }

  /** Measures both media connections; null for one that does not exist. */
  async stats(): Promise<{ receive: ConnectionStats | null; publish: ConnectionStats | null }> {
    const measure = (c: RTCPeerConnection | null) => (c === null ? null : connectionStats(c));
    const [receive, publish] = await Promise.all([measure(this.receiver.connection), measure(this.publisher.connection)]);
    return { receive, publish };
  }

  /** How the last join went, stage by stage. */
  get joinReport(): JoinReport {
    return this.clock.report;
  }

  /** The element that shows `main`: tells the client when a picture is there. Call it whenever its stream or source changes. */
  shows(element: HTMLVideoElement): void {
    this.clock.shows(element);
  }

  // ---- Actions -----------------------------------------------------------------------------------------------------

  /** Joins. After `prepare` the picture is two round trips away. */
  connect(): void {
    this.clock.start("ordinary", performance.now());
    this.stopHolding?.();
    const ticket = this.stopHolding === null ? null : this.beginByTicket(this.prepared);
    this.stopHolding = null;
    this.driver.run((session, now) => session.start(now, ticket));
  }

  /** Makes everything ready for `connect`: the socket is open, the offer made, a ticket at hand. Nobody has joined yet. */
  prepare(): void {
    if (this.stopHolding !== null || this.status.name !== "connecting") return;
    const timer = setInterval(() => void this.tickets.refill(), TICKET_CHECK_MS);
    this.stopHolding = () => clearInterval(timer);
    void this.tickets.refill();
    this.driver.run((session, now) => session.prepare(now));
  }

  /**
   * Sends a command until it is stored, through reconnects and reloads.
   * Resolves when it is on the server's disk, with the id of what it made or was about; rejects with a `CommandError` when it is refused.
   */
  send(wish: Wish): Promise<Ack["id"]> {
    const command = { ...wish, cmd: newId() } as Command;
    return new Promise((resolve, reject) => {
      this.promises.set(command.cmd, { resolve, reject });
      const kept = this.driver.run((session, now) => session.command(command, now));
      if (!kept) this.settle(command.cmd, null, { code: this.status.name === "closed" ? "left" : "busy", retryAfterMs: null });
    });
  }

  /** One tap; never waits and never fails. */
  react(reaction: React["reaction"]): void {
    this.taps.add(reaction);
  }

  /** Questions that may be the same as this one, likeliest first; staff only. Empty where the server cannot say now. */
  async duplicates(question: string): Promise<Duplicates["candidates"]> {
    const result = await this.request({ type: "duplicates", question });
    return result.ok && result.reply.type === "duplicates" ? result.reply.candidates : [];
  }

  /** What hosts and moderators did before a position of the log, by default the newest; staff only. Null where the server cannot say now. */
  async audit(before: number | null = null): Promise<Audit | null> {
    const result = await this.request({ type: "audit", before });
    return result.ok && result.reply.type === "audit" ? result.reply : null;
  }

  /** This person's token, for the HTTP API; null where there is none yet. */
  get token(): string | null {
    return this.session.token;
  }

  /** Receives media from now on, where the page did not ask for it at first. */
  receive(): void {
    if (this.options.receive !== false) return;
    this.options = { ...this.options, receive: true };
    void this.receiveAgain();
  }

  /** Goes live. Host, and who is on stage; a refusal shows in the `publish` event. */
  publish(tracks: PublishTracks, options: PublishOptions = {}): Promise<void> {
    return this.publisher.start(tracks, options);
  }

  unpublish(): Promise<void> {
    return this.publisher.stop();
  }

  /**
   * Leaves this session for another one on the same server. The connection goes along, so its picture is one round trip away.
   * `to` is as in the constructor; `storageKey` and `name` too.
   */
  switchTo(to: Pick<LiveClientOptions, "session" | "token" | "name" | "storageKey">): void {
    this.clock.start("switch", performance.now());
    this.keeper = keeperOf(to);
    this.tickets = new TicketSource(to.session, browserTickets(to.session, this.url));
    for (const cmd of [...this.promises.keys()]) this.settle(cmd, null, { code: "left", retryAfterMs: null });
    this.publisher.close();
    this.driver.run((session, now) => session.switchTo(placeOf(to, this.keeper), now));
  }

  /** Wants pictures, or while nobody looks sound alone. A page in the background does so by itself. */
  watch(pictures: boolean): void {
    this.driver.run((session) => session.watch(pictures));
  }

  /**
   * Begins ICE anew on a connection, which keeps its media, its keys and its slots. The client does so itself when it loses
   * the way to the server, and when the device changes its network.
   */
  async restart(connection: "receive" | "publish"): Promise<void> {
    if (this.status.name !== "live") return; // the next join decides
    const end = connection === "receive" ? this.receiver : this.publisher;
    await end.restart(this.iceServers, async (offer) => {
      const result = await this.request({ type: "restart", connection, offer });
      if (result.ok && result.reply.type === "restarted") return result.reply.answer;
      // The server does not know this connection any more, or cannot go on with it: what is needed is a new one.
      if (!result.ok && NEEDS_ANOTHER.has(result.failure.code)) end.ended(result.failure.code);
      return null;
    });
  }

  /** Leaves for good. Commands that wait stay in the tab's storage. */
  close(): void {
    this.stopWaking();
    this.taps.close();
    this.stopHolding?.();
    this.receiveRetry.cancel();
    this.driver.run((session) => session.leave());
    this.receiver.close();
    this.publisher.close();
  }

  // ---- From the session --------------------------------------------------------------------------------------------

  private onOutput(output: Output): void {
    switch (output.kind) {
      case "open":
        return void this.offerFor(output.attempt);
      case "asked":
        return this.askTimes();
      case "joined":
        return this.onJoined(output.message);
      case "status":
        return this.onStatus(output.status);
      case "changed":
        this.keeper.keepCommands(this.pending);
        return this.emit("view", this.view);
      case "settled":
        this.emit("settled", output);
        return this.settle(output.command.cmd, output.id, output.failure);
      case "reply":
        this.replies.get(output.id)?.(output.result);
        this.replies.delete(output.id);
        return;
      case "credentials":
        return this.keeper.keepCredentials(output.credentials);
      case "notice":
        return this.onNotice(output.message);
    }
  }

  private onStatus(status: Status): void {
    this.emit("status", status);
    if (status.name !== "closed") return;
    for (const cmd of [...this.promises.keys()]) this.settle(cmd, null, { code: "left", retryAfterMs: null });
  }

  private onNotice(message: Extract<Output, { kind: "notice" }>["message"]): void {
    switch (message.type) {
      case "time":
        return this.offset.measured(message.t0, message.t1, message.t2, Date.now());
      case "waiting":
        return this.emit("waiting", message.place);
      case "presence":
        return this.setPresent(message.present);
      case "slots":
        return this.setSlots(message.slots);
      case "quality":
        return this.setQuality(message);
      case "speakers":
        return this.setSpeakers(message.speakers);
      case "encodings":
        return this.publisher.watched(message);
      case "log_hash":
        return this.emit("logHash", message);
      case "error":
        return console.warn("livetrial:", message.code, message.message);
      case "media_closed":
        if (message.connection === "receive") this.receiver.ended();
        else this.publisher.ended(message.reason);
    }
  }

  private onJoined(joined: Joined): void {
    this.clock.mark("joined", performance.now());
    this.you = joined.you;
    this.info = joined.session;
    this.offset.guess(joined.server_time, Date.now());
    this.emit("waiting", null);
    this.emit("joined", { you: joined.you, session: joined.session });
    this.iceServers = joined.ice_servers ?? [];
    this.setPresent(joined.present);
    this.setSlots(joined.slots);
    this.setQuality(FULL_QUALITY);
    this.setSpeakers([]);
    if (joined.answer !== null) void this.accept(this.prepared, joined.answer);
    else if (joined.media_error !== null) this.onMediaRefused(this.prepared, joined.media_error.code, null);
    this.publisher.rejoined(joined.slots);
  }

  private onPicture(report: JoinReport): void {
    this.emit("picture", report);
    this.driver.run((session) => session.report(report));
  }

  private setPresent(present: number): void {
    this.present = present;
    this.emit("present", present);
  }

  private setSlots(slots: readonly Slot[]): void {
    this.slots = slots;
    this.emit("slots", slots);
  }

  private setQuality(quality: Quality): void {
    this.quality = quality;
    this.emit("quality", quality);
  }

  private setSpeakers(speakers: readonly string[]): void {
    this.speakers = speakers;
    this.emit("speakers", speakers);
  }

  /**
   * Asks for the time behind each join: the quickest answer sets the clock. And what follows a segment that is lost tells TCP
   * so a round trip later, both ways; alone it would be missed only by the timer, 200 ms after that (RFC 8985, RFC 6298).
   */
  private askTimes(): void {
    this.offset.forget();
    for (let count = 1; count <= TIMES_ASKED; count++) {
      setTimeout(() => this.driver.run((session) => session.askTime(Date.now())), count * BETWEEN_TIMES_MS);
    }
  }

  private settle(cmd: string, id: Ack["id"], failure: CommandFailure | null): void {
    const promise = this.promises.get(cmd);
    this.promises.delete(cmd);
    if (failure === null) promise?.resolve(id);
    else promise?.reject(new CommandError(failure.code, failure.retryAfterMs));
  }

  // ---- Media -------------------------------------------------------------------------------------------------------

  /** Makes the offer of a join while its socket opens. */
  private async offerFor(attempt: number): Promise<void> {
    const prepared = this.options.receive === false ? null : await this.makeOffer();
    const ticket = this.stopHolding === null ? this.beginByTicket(prepared) : null;
    this.driver.run((session, now) => session.offerReady(attempt, prepared?.sdp ?? null, now, ticket));
  }

  /** Begins to connect before anybody has answered, if a ticket is at hand. Returns which. */
  private beginByTicket(prepared: PreparedOffer | null): string | null {
    if (prepared === null) return null;
    this.clock.mark("offer", performance.now());
    this.clock.follow(prepared.connection);
    const ticket = this.tickets.take();
    const begun = ticket !== null && prepared.begin(ticket);
    this.clock.goes(begun ? "ticket" : "ordinary");
    if (begun) this.clock.mark("answer", performance.now());
    return begun ? ticket.ufrag : null;
  }

  private async accept(prepared: PreparedOffer | null, answer: string): Promise<void> {
    // The server has answered something else than the ticket promised: silently, once more without one.
    if (prepared === null) return;
    const usable = await prepared.accept(answer);
    this.clock.mark("answer", performance.now());
    if (!usable) void this.receiveAgain();
  }

  private async receiveAgain(): Promise<void> {
    if (this.status.name !== "live") return; // the next join brings its own offer
    const prepared = await this.makeOffer();
    if (prepared === null) return;
    this.clock.follow(prepared.connection);
    this.clock.goes("ordinary");
    const result = await this.request({ type: "receive", offer: prepared.sdp });
    if (!result.ok) this.onMediaRefused(prepared, result.failure.code, result.failure.retryAfterMs);
    else if (result.reply.type === "receiving") {
      this.setSlots(result.reply.slots);
      await this.accept(prepared, result.reply.answer);
    }
  }

  private async makeOffer(): Promise<PreparedOffer | null> {
    this.receiveRetry.cancel();
    this.prepared = null;
    try {
      return (this.prepared = await this.receiver.prepare());
    } catch (error) {
      console.warn("livetrial: no offer can be made", error);
      return null;
    }
  }

  private onMediaRefused(prepared: PreparedOffer | null, code: string, retryAfterMs: number | null): void {
    prepared?.refuse();
    if (code === "ticket_refused") return void this.receiveAgain();
    if (code === "busy" || code === "rate_limited") {
      this.receiveRetry.schedule(() => void this.receiveAgain(), retryAfterMs ?? 0);
    }
  }

  private onReceiveChange(): void {
    const state = this.receiver.state;
    if (state === "live") this.receiveRetry.succeeded();
    this.emit("receive", state);
  }

  private request(message: ServerRequest): Promise<RequestResult> {
    return new Promise((resolve) => {
      const id = this.nextRequest++;
      this.replies.set(id, resolve);
      this.driver.run((session, now) => session.request(id, message, now));
    });
  }
}

function keeperOf(options: Pick<LiveClientOptions, "session" | "storageKey">): Keeper {
  const scope = options.storageKey ?? `livetrial:${options.session}`;
  return new Keeper(scope, browserStorage("localStorage"), browserStorage("sessionStorage"));
}

function placeOf(options: Pick<LiveClientOptions, "session" | "token" | "name">, keeper: Keeper): Place {
  const { session, name, token } = options;
  const device = keeper.device(newId);
  return {
    session,
    ...(device === null ? {} : { device }),
    ...(name === undefined ? {} : { name }),
    credentials: keeper.credentials(token ?? null),
    restored: keeper.commands(),
  };
}

/** Three later segments prove one lost to any TCP (RFC 5681 section 3.2). */
const TIMES_ASKED = 3;
/** Apart enough to be segments of their own. */
const BETWEEN_TIMES_MS = 8;

/** How often a page that waits for its visitor looks whether its ticket is still good. */
const TICKET_CHECK_MS = 15_000;

/** Refusals of a restart that another attempt would meet too. */
const NEEDS_ANOTHER: ReadonlySet<string> = new Set(["not_found", "bad_offer", "bad_message"]);

function defaultUrl(): string {
  return `${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}/ws`;
}

/** 128 random bits in 32 of the characters that a `cmd` may have. */
function newId(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

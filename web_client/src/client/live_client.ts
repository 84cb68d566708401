/** A live session for a page: watch, publish, ask, vote. Everything else in this folder works behind this class. */

import { ClockOffset } from "./clock_offset";
import { CommandPromises, LEFT } from "./command_promises";
import { browserEnv, Driver } from "./driver";
import { Emitter } from "./emitter";
import { JoinClock } from "./join_clock";
import type { Keeper } from "./keeper";
import { keeperOf, newId, placeOf, socketUrl, type LiveClientOptions } from "./live_options";
import { MediaJoin } from "./media_join";
import type { Ack, Audit, Command, Duplicates, IceServer, Joined, JoinReport, LogHash, Quality, React, SessionInfo, Slot, VideoSlot, You } from "./protocol";
import { Publisher, type PublishOptions, type PublishState, type PublishTracks } from "./publish";
import type { Receiver, ReceiveState } from "./receive";
import type { ServerRequest, RequestResult } from "./requests";
import { Session } from "./session";
import type { CommandFailure, Output, Status } from "./session_io";
import { connectionStats, type ConnectionStats } from "./stats";
import { Taps } from "./taps";
import { browserTickets, TicketSource } from "./ticket_source";
import { viewOf, type View } from "./view";
import { onHidden, onWake } from "./wake";

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
  private readonly media: MediaJoin;
  private readonly stopWaking: () => void;
  private readonly promises = new CommandPromises();
  private readonly replies = new Map<number, (result: RequestResult) => void>();
  private iceServers: readonly IceServer[] = [];
  private nextRequest = 0;
  private readonly offset = new ClockOffset();
  private readonly taps = new Taps((message) => this.driver.run((session) => session.react(message)));

  constructor(options: LiveClientOptions) {
    super();
    this.keeper = keeperOf(options);
    this.session = new Session({ ...placeOf(options, this.keeper), random: Math.random });
    this.url = socketUrl(options);
    this.driver = new Driver(this.session, browserEnv(this.url), (output) => this.onOutput(output));
    const hooks = {
      live: () => this.status.name === "live",
      request: (message: ServerRequest) => this.request(message),
      onSlots: (slots: readonly Slot[]) => this.setSlots(slots),
      onChange: () => this.emit("receive", this.receiver.state),
      onWayLost: () => void this.restart("receive"),
    };
    this.media = new MediaJoin(hooks, this.clock, options.receive !== false, this.ticketsOf(options.session));
    this.receiver = this.media.receiver;
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
    const ticket = this.media.release();
    this.driver.run((session, now) => session.start(now, ticket));
  }

  /** Makes everything ready for `connect`: the socket is open, the offer made, a ticket at hand. Nobody has joined yet. */
  prepare(): void {
    if (this.media.held || this.status.name !== "connecting") return;
    this.media.hold();
    this.driver.run((session, now) => session.prepare(now));
  }

  /**
   * Sends a command until it is stored, through reconnects and reloads.
   * Resolves when it is on the server's disk, with the id of what it made or was about; rejects with a `CommandError` when it is refused.
   */
  send(wish: Wish): Promise<Ack["id"]> {
    const command = { ...wish, cmd: newId() } as Command;
    return new Promise((resolve, reject) => {
      this.promises.add(command.cmd, resolve, reject);
      const kept = this.driver.run((session, now) => session.command(command, now));
      if (!kept) this.promises.settle(command.cmd, null, this.status.name === "closed" ? LEFT : { code: "busy", retryAfterMs: null });
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
    this.media.want();
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
    this.media.tickets = this.ticketsOf(to.session);
    this.promises.left();
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
    this.driver.run((session) => session.leave());
    this.media.close();
    this.publisher.close();
  }

  // ---- From the session --------------------------------------------------------------------------------------------

  private onOutput(output: Output): void {
    switch (output.kind) {
      case "open":
        return this.offerFor(output.attempt);
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
        return this.promises.settle(output.command.cmd, output.id, output.failure);
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
    if (status.name === "closed") this.promises.left();
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
    this.media.joined(joined);
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
   * While it joins, a page is too busy to see an answer when it comes: so it asks again once that is over.
   */
  private askTimes(): void {
    this.offset.forget();
    for (const ms of TIMES_ASKED_MS) setTimeout(() => this.driver.run((session) => session.askTime(Date.now())), ms);
  }

  /** Has the offer of a join made while its socket opens. */
  private offerFor(attempt: number): void {
    void this.media.offer((sdp, ticket) => this.driver.run((session, now) => session.offerReady(attempt, sdp, now, ticket)));
  }

  private ticketsOf(session: string): TicketSource {
    return new TicketSource(session, browserTickets(session, this.url));
  }

  private request(message: ServerRequest): Promise<RequestResult> {
    return new Promise((resolve) => {
      const id = this.nextRequest++;
      this.replies.set(id, resolve);
      this.driver.run((session, now) => session.request(id, message, now));
    });
  }
}

/**
 * When the time is asked for, behind a join. Three later segments prove one lost to any TCP (RFC 5681 section 3.2), apart enough
 * to be segments of their own; the others set the clock of a page at rest, and behind a tunnel.
 */
const TIMES_ASKED_MS = [8, 16, 24, 3_000, 10_000, 30_000, 90_000];

/** Refusals of a restart that another attempt would meet too. */
const NEEDS_ANOTHER: ReadonlySet<string> = new Set(["not_found", "bad_offer", "bad_message"]);

/**
 * How a page comes to its receiving connection, and to another one when that is lost: the offer is made while the socket opens,
 * answered by a ticket at once or by `joined`, and later by a request of its own.
 */

import type { JoinClock } from "./join_clock";
import type { Joined, Slot } from "./protocol";
import { Receiver, type PreparedOffer } from "./receive";
import type { RequestResult, ServerRequest } from "./requests";
import { Retry } from "./retry";
import type { TicketSource } from "./ticket_source";

/** How often a page that waits for its visitor looks whether its ticket is still good. */
const TICKET_CHECK_MS = 15_000;

export interface MediaJoinHooks {
  /** Whether requests can be made; while they cannot, the next join brings an offer. */
  live: () => boolean;
  request: (message: ServerRequest) => Promise<RequestResult>;
  onSlots: (slots: readonly Slot[]) => void;
  /** State or streams of the receiver are not what they were. */
  onChange: () => void;
  /** The connection has no way to the server: restart it. */
  onWayLost: () => void;
}

export class MediaJoin {
  readonly receiver: Receiver;
  private readonly retry = new Retry();
  private prepared: PreparedOffer | null = null;
  /** Renews the ticket of a page that waits for its visitor; set while it does. */
  private holding: ReturnType<typeof setInterval> | undefined;

  /** `tickets` are those of the session that is joined; `wanted`: whether media are, at first. */
  constructor(
    private readonly hooks: MediaJoinHooks,
    private readonly clock: JoinClock,
    private wanted: boolean,
    public tickets: TicketSource,
  ) {
    this.receiver = new Receiver({
      onChange: () => this.onChange(),
      onLost: () => this.retry.schedule(() => void this.again()),
      onWayLost: hooks.onWayLost,
    });
  }

  /** Whether the visitor is waited for. */
  get held(): boolean {
    return this.holding !== undefined;
  }

  /** Keeps a ticket at hand until the visitor comes. */
  hold(): void {
    this.holding = setInterval(() => void this.tickets.refill(), TICKET_CHECK_MS);
    void this.tickets.refill();
  }

  /** The visitor is there. Returns the ticket by which the offer that was made by now is answered. */
  release(): string | null {
    if (!this.held) return null;
    this.stopHolding();
    return this.beginByTicket(this.prepared);
  }

  /** Makes the offer of a join; `ready` gets it, and the ticket by which it is answered. Null where no media are wanted or can be. */
  async offer(ready: (sdp: string | null, ticket: string | null) => void): Promise<void> {
    const prepared = this.wanted ? await this.makeOffer() : null;
    ready(prepared?.sdp ?? null, this.held ? null : this.beginByTicket(prepared));
  }

  /** The server has answered the join. */
  joined({ answer, media_error: error }: Joined): void {
    if (answer !== null) void this.accept(this.prepared, answer);
    else if (error !== null) this.refused(this.prepared, error.code, null);
  }

  /** Media are wanted from now on. */
  want(): void {
    if (this.wanted) return;
    this.wanted = true;
    void this.again();
  }

  close(): void {
    this.stopHolding();
    this.retry.cancel();
    this.receiver.close();
  }

  private stopHolding(): void {
    clearInterval(this.holding);
    this.holding = undefined;
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
    if (prepared === null) return;
    const usable = await prepared.accept(answer);
    this.clock.mark("answer", performance.now());
    // The server has answered something else than the ticket promised: silently, once more without one.
    if (!usable) void this.again();
  }

  private async again(): Promise<void> {
    if (!this.hooks.live()) return;
    const prepared = await this.makeOffer();
    if (prepared === null) return;
    this.clock.follow(prepared.connection);
    this.clock.goes("ordinary");
    const result = await this.hooks.request({ type: "receive", offer: prepared.sdp });
    if (!result.ok) this.refused(prepared, result.failure.code, result.failure.retryAfterMs);
    else if (result.reply.type === "receiving") {
      this.hooks.onSlots(result.reply.slots);
      await this.accept(prepared, result.reply.answer);
    }
  }

  private async makeOffer(): Promise<PreparedOffer | null> {
    this.retry.cancel();
    this.prepared = null;
    try {
      return (this.prepared = await this.receiver.prepare());
    } catch (error) {
      console.warn("livetrial: no offer can be made", error);
      return null;
    }
  }

  private refused(prepared: PreparedOffer | null, code: string, retryAfterMs: number | null): void {
    prepared?.refuse();
    if (code === "ticket_refused") return void this.again();
    if (code === "busy" || code === "rate_limited") this.retry.schedule(() => void this.again(), retryAfterMs ?? 0);
  }

  private onChange(): void {
    if (this.receiver.state === "live") this.retry.succeeded();
    this.hooks.onChange();
  }
}

/** Where tickets come from: the page itself, then the server. One is always at hand while the page waits for its visitor. */

import { isTicket, type Ticket } from "./ticket";

/** A ticket is not used in its last seconds: it must still be good when its checks arrive. */
const MARGIN_MS = 10_000;

export interface TicketEnv {
  /** Milliseconds of a clock that never goes back. */
  now(): number;
  /** What the page carries, if it does. */
  embedded(): string | null;
  /** Asks the server for one; rejects where it cannot be reached. */
  fetch(): Promise<unknown>;
}

export class TicketSource {
  private ticket: { ticket: Ticket; until: number } | null = null;
  private asking: Promise<void> | null = null;

  constructor(
    private readonly session: string,
    private readonly env: TicketEnv,
  ) {
    const text = env.embedded();
    // The page's own began to age before this script ran; by its margin at most, or the page was slow to load anyway.
    if (text !== null) this.keep(parse(text));
  }

  /** A ticket, for one use; null when none is at hand. Never waits. */
  take(): Ticket | null {
    const kept = this.fresh() ? this.ticket : null;
    this.ticket = null;
    return kept?.ticket ?? null;
  }

  /** Sees to it that a ticket is at hand. Resolves when that is so or cannot be. */
  refill(): Promise<void> {
    if (this.fresh()) return Promise.resolve();
    this.asking ??= this.ask().finally(() => (this.asking = null));
    return this.asking;
  }

  private fresh(): boolean {
    return this.ticket !== null && this.env.now() < this.ticket.until;
  }

  private async ask(): Promise<void> {
    try {
      this.keep(await this.env.fetch());
    } catch {
      // Without a ticket the join takes one round trip more.
    }
  }

  private keep(value: unknown): void {
    if (!isTicket(value) || value.session !== this.session) return;
    this.ticket = { ticket: value, until: this.env.now() + value.lifetime_s * 1000 - MARGIN_MS };
  }
}

/** `socketUrl` is the WebSocket's: the tickets are its server's. */
export function browserTickets(session: string, socketUrl: string): TicketEnv {
  const url = new URL(`/api/v1/tickets/${session}`, socketUrl.replace(/^ws/, "http"));
  return {
    now: () => performance.now(),
    embedded() {
      const element = document.getElementById("livetrial-ticket");
      element?.remove(); // it is good once
      return element?.textContent ?? null;
    },
    async fetch() {
      const response = await fetch(url, { cache: "no-store", credentials: "omit" });
      return response.ok ? await response.json() : null;
    },
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { answerFor, isTicket, type Ticket } from "../src/client/ticket";
import { TicketSource } from "../src/client/ticket_source";

interface Answers {
  ticket: Ticket;
  answers: Record<string, { offer: string; answer: string }>;
}
const { ticket, answers } = JSON.parse(readFileSync(new URL("answers.json", import.meta.url), "utf8")) as Answers;
const offer = answers["chromium"]?.offer ?? "";

describe("the page's own answer", () => {
  it.each(Object.keys(answers))("is the server's, letter for letter: %s", (name) => {
    const known = answers[name];
    expect(answerFor(known?.offer ?? "", ticket)?.split("\r\n")).toEqual(known?.answer.split("\r\n"));
  });

  it("is none where the ordinary exchange must decide", () => {
    expect(answerFor(offer.replaceAll("a=setup:actpass", "a=setup:active"), ticket)).toBeNull();
    expect(answerFor(offer.replaceAll("opus/48000/2", "speex/8000"), ticket)).toBeNull();
    expect(answerFor(offer.replaceAll("a=recvonly", "a=inactive"), ticket)).toBeNull();
    expect(answerFor("", ticket)).toBeNull();
  });
});

describe("a ticket", () => {
  it("is checked before it is used", () => {
    expect(isTicket(ticket)).toBe(true);
    for (const field of Object.keys(ticket)) {
      expect(isTicket({ ...ticket, [field]: 7n })).toBe(false);
      expect(isTicket({ ...ticket, [field]: undefined })).toBe(false);
    }
    for (const value of [null, 1, "", [], {}, { ...ticket, video: [null] }]) expect(isTicket(value)).toBe(false);
  });

  class World {
    time = 0;
    asked = 0;
    next: unknown = ticket;
    source(embedded: unknown, session = "demo"): TicketSource {
      return new TicketSource(session, {
        now: () => this.time,
        embedded: () => (embedded === null ? null : JSON.stringify(embedded)),
        fetch: () => {
          this.asked += 1;
          return this.next instanceof Error ? Promise.reject(this.next) : Promise.resolve(this.next);
        },
      });
    }
  }

  it("comes with the page, once, and for its session", () => {
    const world = new World();
    const source = world.source(ticket);
    expect([source.take(), source.take()]).toEqual([ticket, null]);
    expect(world.source(ticket, "another").take()).toBeNull();
    expect(world.source({ session: "demo" }).take()).toBeNull();
    expect(world.asked).toBe(0);
  });

  it("is asked for when there is none, and again before it is stale", async () => {
    const world = new World();
    const source = world.source(null);
    await Promise.all([source.refill(), source.refill()]);
    await source.refill();
    expect(world.asked).toBe(1);
    world.time = 110_000;
    expect(source.take()).toBeNull();
    await source.refill();
    expect([world.asked, source.take()]).toEqual([2, ticket]);
  });

  it("may be missing", async () => {
    const world = new World();
    world.next = new Error("no network");
    const source = world.source(null);
    await source.refill();
    world.next = { error: "busy" };
    await source.refill();
    expect([world.asked, source.take()]).toEqual([2, null]);
  });
});

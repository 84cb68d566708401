/** An order of a page's own: what `docs/order.md` says of the orders that need nothing but what everybody knows. */

import type { Order, Question } from "./protocol";

/** The session's order, which a moderator chooses, or one of this page alone. */
export type OwnOrder = "session" | Exclude<Order, "fair">;

export const OWN_ORDERS: readonly OwnOrder[] = ["session", "popular", "newest", "rising"];

const MINUTE_MS = 60_000;

/** Queued questions in this order; equal scores go by age. `now`: the server's clock, in ms. */
export function inOwnOrder<T extends Question>(queued: readonly T[], order: OwnOrder, now: number): readonly T[] {
  if (order === "session") return queued;
  const score = SCORES[order];
  return [...queued].sort((a, b) => score(b, now) - score(a, now) || a.asked_at - b.asked_at);
}

const SCORES: Record<Exclude<OwnOrder, "session">, (question: Question, now: number) => number> = {
  popular: (question) => question.votes,
  newest: (question) => question.asked_at,
  rising: (question, now) => question.votes / (Math.max(0, now - question.asked_at) / MINUTE_MS + 2) ** 1.5,
};

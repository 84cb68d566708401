/** What makes a ballot, by kind of poll: the rules of `poll_vote` as a page needs them. */

import type { Poll } from "../client";

export const WORDS_MAX = 3;

/** Choosing an option again takes it back; where one may be chosen, the other goes. */
export function toggled(poll: Pick<Poll, "kind" | "max_choices">, chosen: readonly string[], option: string): string[] {
  if (poll.kind !== "multiple") return [option];
  if (chosen.includes(option)) return chosen.filter((id) => id !== option);
  return [...chosen, option].slice(-Math.max(1, poll.max_choices));
}

/** One place up in a ranking. */
export function raised(ranking: readonly string[], option: string): string[] {
  const at = ranking.indexOf(option);
  if (at < 1) return [...ranking];
  const next = [...ranking];
  next.splice(at, 1);
  next.splice(at - 1, 0, option);
  return next;
}

export function words(text: string): string[] {
  const found = text.split(/[\s,，、;；]+/u).filter((word) => word !== "");
  return [...new Set(found)].slice(0, WORDS_MAX);
}

/** The lines of a result: options in their order, words by how often they were said. */
export function results(poll: Poll, counts: Readonly<Record<string, number>>): { id: string; text: string; count: number }[] {
  if (poll.options.length > 0) return poll.options.map(({ id, text }) => ({ id, text, count: counts[id] ?? 0 }));
  if (poll.kind === "rating") {
    const stars = Array.from({ length: poll.stars }, (_, i) => String(poll.stars - i));
    return stars.map((id) => ({ id, text: "★".repeat(Number(id)), count: counts[id] ?? 0 }));
  }
  const said = Object.entries(counts).map(([id, count]) => ({ id, text: id, count }));
  return said.sort((a, b) => b.count - a.count || (a.id < b.id ? -1 : 1));
}

/** Which cards a member sees: all that is open, and of what is over the newest poll and the newest draw. */

import type { Draw, Poll, Product, SessionState } from "../../client";

export function happening(state: SessionState): { products: Product[]; polls: Poll[]; draws: Draw[] } {
  const polls = [...state.polls.values()].filter((poll) => !poll.deleted && poll.state !== "draft");
  const draws = [...state.draws.values()].filter((draw) => draw.state !== "cancelled");
  const over = polls.filter((poll) => poll.state === "closed").sort((a, b) => (b.opened_at ?? 0) - (a.opened_at ?? 0));
  const drawn = draws.filter((draw) => draw.state === "drawn");
  return {
    products: [...state.products.values()].filter((product) => product.pinned && !product.deleted),
    polls: [...polls.filter((poll) => poll.state === "open"), ...over.slice(0, 1)],
    draws: [...draws.filter((draw) => draw.state !== "drawn"), ...drawn.slice(-1)],
  };
}

/** What a page shows: the confirmed state with this person's own votes laid over it, in the session's order. */

import type { Command, Question, Reply } from "./protocol";
import { EMPTY_STATE, type SessionState } from "./state";

/** A question as one person sees it. */
export interface ShownQuestion extends Question {
  readonly voted: boolean;
  readonly own: boolean;
  readonly replies: readonly Reply[];
  /** The title of the product that it is about. */
  readonly about: string | null;
}

export interface View {
  /** Wait for a moderator: staff sees all, others their own. */
  readonly received: readonly ShownQuestion[];
  /** Questions that wait to be answered, in the session's order. */
  readonly queued: readonly ShownQuestion[];
  readonly answering: ShownQuestion | null;
  /** Most votes first. */
  readonly answered: readonly ShownQuestion[];
  /** Declined, or merged into another; newest first. */
  readonly aside: readonly ShownQuestion[];
  /** Hidden by a moderator; staff sees them, to undo it. */
  readonly deleted: readonly ShownQuestion[];
  /** Everything else, as the log says. */
  readonly state: SessionState;
}

/** `unseen` are the commands whose events have not arrived; their effect is shown at once and undone by a refusal. */
export function viewOf(state: SessionState, unseen: readonly Command[]): View {
  const shown = shownQuestions(state);
  for (const command of unseen) overlayVote(shown, command);
  const all = [...shown.values()];
  const present = all.filter((q) => !q.deleted);
  const places = new Map(state.order.map((id, place) => [id, place]));
  const place = (q: Question): number => places.get(q.id) ?? Number.MAX_SAFE_INTEGER;
  const now = state.now.question === null ? undefined : shown.get(state.now.question);
  return {
    received: present.filter((q) => q.state === "received").sort(byAge),
    queued: present.filter((q) => q.state === "queued").sort((a, b) => place(a) - place(b) || byVotes(a, b)),
    answering: now === undefined || now.deleted ? null : now,
    answered: present.filter((q) => q.state === "answered").sort(byVotes),
    aside: present.filter((q) => q.state === "declined" || q.state === "merged").sort((a, b) => byAge(b, a)),
    deleted: all.filter((q) => q.deleted).sort((a, b) => byAge(b, a)),
    state,
  };
}

export const EMPTY_VIEW: View = viewOf(EMPTY_STATE, []);

function shownQuestions(state: SessionState): Map<string, ShownQuestion> {
  const votes = new Set(state.mine.votes);
  const asked = new Set(state.mine.asked);
  const replies = new Map<string, Reply[]>();
  for (const reply of state.replies.values()) {
    if (!reply.deleted) replies.set(reply.question, [...(replies.get(reply.question) ?? []), reply]);
  }
  const shown = (q: Question): ShownQuestion => ({
    ...q,
    voted: votes.has(q.id),
    own: asked.has(q.id),
    replies: replies.get(q.id) ?? [],
    about: (q.product !== null && state.products.get(q.product)?.title) || null,
  });
  return new Map([...state.questions.values()].map((q) => [q.id, shown(q)]));
}

function overlayVote(questions: Map<string, ShownQuestion>, command: Command): void {
  if (command.type !== "vote" && command.type !== "unvote") return;
  const question = questions.get(command.question);
  const voted = command.type === "vote";
  if (question === undefined || question.voted === voted) return;
  questions.set(question.id, { ...question, voted, votes: Math.max(0, question.votes + (voted ? 1 : -1)) });
}

function byVotes(a: Question, b: Question): number {
  return b.votes - a.votes || byAge(a, b);
}

function byAge(a: Question, b: Question): number {
  return a.asked_at - b.asked_at || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}

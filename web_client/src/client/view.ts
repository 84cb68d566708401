/** What a page shows: the confirmed state with this person's own commands laid over it, in the order of votes. */

import type { Command, Question } from "./protocol";
import type { SessionState } from "./state";

export interface View {
  /** Questions that wait, most votes first; equal ones in the order in which they were asked. */
  readonly queued: readonly Question[];
  readonly answering: Question | null;
  /** Questions that were answered, in the same order. */
  readonly answered: readonly Question[];
}

/** `unseen` are the commands whose events have not arrived; their effect is shown at once and undone by a refusal. */
export function viewOf(state: SessionState, unseen: readonly Command[]): View {
  const questions = new Map(state.questions);
  for (const command of unseen) overlayVote(questions, command);
  const ordered = [...questions.values()].sort(byVotes);
  return {
    queued: ordered.filter((q) => q.state === "queued"),
    answering: state.answering === null ? null : (questions.get(state.answering) ?? null),
    answered: ordered.filter((q) => q.state === "answered"),
  };
}

function overlayVote(questions: Map<string, Question>, command: Command): void {
  if (command.type !== "vote" && command.type !== "unvote") return;
  const question = questions.get(command.question);
  const voted = command.type === "vote";
  if (question === undefined || question.voted === voted) return;
  questions.set(question.id, { ...question, voted, votes: Math.max(0, question.votes + (voted ? 1 : -1)) });
}

function byVotes(a: Question, b: Question): number {
  return b.votes - a.votes || a.asked_at - b.asked_at || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}

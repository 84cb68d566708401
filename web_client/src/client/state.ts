/** The state of a session as a pure function of snapshot and events. Each kind of event has one reducer. */

import { isKnownEvent, type SessionEvent } from "./decode";
import type { Event, Joined, Question, QuestionState, Snapshot } from "./protocol";

export interface SessionState {
  /** Position in the session's log: `seq` of the last event applied. */
  readonly seq: number;
  readonly questions: ReadonlyMap<string, Question>;
  /** The question that is being answered now. */
  readonly answering: string | null;
}

export const EMPTY_STATE: SessionState = { seq: 0, questions: new Map(), answering: null };

/** The state that a snapshot describes, at position `seq`. */
export function fromSnapshot(snapshot: Snapshot, seq: number): SessionState {
  return { seq, questions: new Map(snapshot.questions.map((q) => [q.id, q])), answering: snapshot.answering };
}

/**
 * Applies events in order, each only if its `seq` is the one after the last. Older ones are skipped: they are known.
 * At a gap it stops; what came before the gap has been applied, and the caller must join again to get the rest.
 */
export function applyEvents(state: SessionState, events: readonly SessionEvent[]): { state: SessionState; gap: boolean } {
  const draft: Draft = { seq: state.seq, questions: new Map(state.questions), answering: state.answering };
  for (const event of events) {
    if (event.seq <= draft.seq) continue;
    if (event.seq !== draft.seq + 1) return { state: draft, gap: true };
    draft.seq = event.seq;
    if (isKnownEvent(event)) reduce(draft, event);
  }
  return { state: draft, gap: false };
}

/** The state after a join: the snapshot, or what was missed applied to `before`. A `gap` means that neither fits. */
export function stateAfterJoin(before: SessionState, joined: Joined): { state: SessionState; gap: boolean } {
  if (joined.snapshot !== null) return { state: fromSnapshot(joined.snapshot, joined.seq), gap: false };
  const { state, gap } = applyEvents(before, joined.events ?? []);
  return { state, gap: gap || state.seq !== joined.seq };
}

interface Draft {
  seq: number;
  questions: Map<string, Question>;
  answering: string | null;
}

type Reducers = { [K in Event["kind"]]: (draft: Draft, event: Extract<Event, { kind: K }>) => void };

const reducers: Reducers = {
  asked(draft, { question }) {
    draft.questions.set(question.id, question);
  },
  voted(draft, { question, votes, mine }) {
    change(draft, question, (q) => ({ ...q, votes, voted: mine ?? q.voted }));
  },
  answering(draft, { question }) {
    const left = draft.answering;
    if (left !== null && left !== question) setState(draft, left, "queued");
    if (question !== null) setState(draft, question, "answering");
    draft.answering = question;
  },
  answered(draft, { question }) {
    setState(draft, question, "answered");
    if (draft.answering === question) draft.answering = null;
  },
};

function reduce(draft: Draft, event: Event): void {
  (reducers[event.kind] as (draft: Draft, event: Event) => void)(draft, event);
}

function setState(draft: Draft, id: string, state: QuestionState): void {
  change(draft, id, (q) => ({ ...q, state }));
}

function change(draft: Draft, id: string, update: (question: Question) => Question): void {
  const question = draft.questions.get(id);
  if (question !== undefined) draft.questions.set(id, update(question));
}

/** The state of a session as a pure function of snapshot and events. `reducers.ts` has one reducer a kind of event. */

import { isKnownEvent, type SessionEvent } from "./decode";
import type {
  Announcement,
  Block,
  ChatMessage,
  Draw,
  Hand,
  Joined,
  Member,
  Mine,
  Now,
  Ordered,
  Poll,
  Product,
  Question,
  Reply,
  Settings,
  Snapshot,
  Trial,
} from "./protocol";
import { memberKey, reduce } from "./reducers";

type ById<T> = ReadonlyMap<string, T>;

export interface SessionState {
  /** Position in the session's log: everything up to here is applied. */
  readonly seq: number;
  readonly settings: Settings;
  readonly now: Now;
  readonly questions: ById<Question>;
  readonly replies: ById<Reply>;
  readonly polls: ById<Poll>;
  readonly reactions: Snapshot["reactions"];
  /** By person. */
  readonly hands: ById<Hand>;
  readonly chat: ById<ChatMessage>;
  readonly announcements: ById<Announcement>;
  readonly products: ById<Product>;
  readonly draws: ById<Draw>;
  readonly trials: ById<Trial>;
  /** By person, or by what was found anonymous; staff alone sees others than its own. */
  readonly members: ById<Member>;
  readonly blocks: ById<Block>;
  /** Ids of queued questions in the session's order, the first 100. */
  readonly order: readonly string[];
  readonly mine: Mine;
}

const NOBODY: Mine = { asked: [], votes: [], ballots: {}, samples: [], tickets: {}, member: null };

/** Of a session in which nothing has happened. */
export const EMPTY_SNAPSHOT: Snapshot = {
  settings: {
    premoderation: false,
    asking: true,
    anonymous: true,
    order: "fair",
    chat: true,
    slow_mode_s: 0,
    links: "staff",
    max_stage: 3,
    ask_every_s: 5,
  },
  now: { question: null, since: null, until: null, next: null },
  questions: [],
  replies: [],
  polls: [],
  reactions: {},
  hands: [],
  chat: [],
  announcements: [],
  products: [],
  draws: [],
  trials: [],
  mine: NOBODY,
  members: [],
  blocks: [],
  order: [],
};

export const EMPTY_STATE: SessionState = fromSnapshot(EMPTY_SNAPSHOT, 0);

/** The state that a snapshot describes, at position `seq`. */
export function fromSnapshot(snapshot: Snapshot, seq: number): SessionState {
  return {
    seq,
    settings: snapshot.settings,
    now: snapshot.now,
    questions: byId(snapshot.questions),
    replies: byId(snapshot.replies),
    polls: byId(snapshot.polls),
    reactions: snapshot.reactions,
    hands: byId(snapshot.hands),
    chat: byId(snapshot.chat),
    announcements: byId(snapshot.announcements),
    products: byId(snapshot.products),
    draws: byId(snapshot.draws),
    trials: byId(snapshot.trials),
    members: new Map(snapshot.members.map((member) => [memberKey(member), member])),
    blocks: byId(snapshot.blocks),
    order: snapshot.order,
    mine: snapshot.mine,
  };
}

/**
 * Applies the events of the log after position `after` up to `seq`. Those up to the state's own position are known and
 * skipped. A `gap` means that something before them is missing: nothing is applied, and the caller must join again.
 */
export function applyEvents(
  state: SessionState,
  { after, seq, events }: { after: number; seq: number; events: readonly SessionEvent[] },
): { state: SessionState; gap: boolean } {
  if (after > state.seq) return { state, gap: true };
  if (seq <= state.seq) return { state, gap: false };
  const fresh = events.filter((event) => event.seq > state.seq && isKnownEvent(event));
  return { state: { ...fresh.filter(isKnownEvent).reduce(reduce, state), seq }, gap: false };
}

/** The order of the queue is told apart from the log. */
export function applyOrder(state: SessionState, { questions }: Ordered): SessionState {
  return { ...state, order: questions };
}

/** The state after a join: the snapshot, or what was missed applied to `before`. A `gap` means that neither fits. */
export function stateAfterJoin(before: SessionState, joined: Joined): { state: SessionState; gap: boolean } {
  if (joined.snapshot !== null) return { state: fromSnapshot(joined.snapshot, joined.seq), gap: false };
  // A server that lost its log is behind us: what it says does not fit what is shown here.
  if (joined.seq < before.seq) return { state: before, gap: true };
  return applyEvents(before, { after: before.seq, seq: joined.seq, events: joined.events ?? [] });
}

function byId<T extends { id: string }>(entities: readonly T[]): Map<string, T> {
  return new Map(entities.map((entity) => [entity.id, entity]));
}

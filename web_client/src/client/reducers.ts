/** One reducer a kind of event: an entity takes the place of the one with the same id, counts change in place. */

import type { Event, Member, Mine, Poll } from "./protocol";
import type { SessionState } from "./state";

/** A page keeps so many lines of chat; older ones are in the export. */
export const CHAT_KEPT = 200;

type Reducers = { [K in Event["kind"]]: (state: SessionState, event: Extract<Event, { kind: K }>) => Partial<SessionState> };

export function reduce(state: SessionState, event: Event): SessionState {
  const reducer = reducers[event.kind] as (state: SessionState, event: Event) => Partial<SessionState>;
  return { ...state, ...reducer(state, event) };
}

/** Who was found by something anonymous has no id to show. */
export function memberKey(member: Member): string {
  return member.id ?? `via:${member.via}`;
}

const reducers: Reducers = {
  question: (state, { question, mine }) => ({
    questions: put(state.questions, question.id, question),
    ...(mine ? own(state, { asked: withId(state.mine.asked, question.id, true) }) : {}),
  }),
  voted: (state, { question, votes, mine }) => ({
    questions: change(state.questions, question, (q) => ({ ...q, votes })),
    ...voted(state, question, mine),
  }),
  merged: (state, { question, into, votes, mine }) => ({
    questions: change(put(state.questions, question.id, question), into, (q) => ({ ...q, votes })),
    ...voted(state, into, mine),
  }),
  now: (_state, { now }) => ({ now }),
  settings: (_state, { settings }) => ({ settings }),
  reply: (state, { reply }) => ({ replies: put(state.replies, reply.id, reply) }),
  poll: (state, { poll }) => ({ polls: put(state.polls, poll.id, poll) }),
  tally: (state, { poll, total, counts, mine }) => ({
    polls: change(state.polls, poll, (p) => counted(p, total, counts)),
    ...(mine ? own(state, { ballots: { ...state.mine.ballots, [poll]: mine } }) : {}),
  }),
  reactions: (state, { counts }) => ({ reactions: { ...state.reactions, ...counts } }),
  hand: (state, { person, hand }) => ({ hands: hand === null ? without(state.hands, person) : put(state.hands, person, hand) }),
  chat: (state, { message }) => ({ chat: newest(put(state.chat, message.id, message), CHAT_KEPT) }),
  announcement: (state, { announcement }) => ({ announcements: put(state.announcements, announcement.id, announcement) }),
  product: (state, { product }) => ({ products: put(state.products, product.id, product) }),
  clicked: (state, { product, clicks, samples, sampled }) => ({
    products: change(state.products, product, (p) => ({ ...p, clicks, samples })),
    ...(sampled ? own(state, { samples: withId(state.mine.samples, product, true) }) : {}),
  }),
  draw: (state, { draw }) => ({ draws: put(state.draws, draw.id, draw) }),
  entered: (state, { draw, entries, mine }) => ({
    draws: change(state.draws, draw, (d) => ({ ...d, entries })),
    ...(mine === undefined ? {} : own(state, { tickets: { ...state.mine.tickets, [draw]: mine } })),
  }),
  trial: (state, { trial }) => ({ trials: put(state.trials, trial.id, trial) }),
  member: (state, { member }) => ({ members: put(state.members, memberKey(member), member) }),
  block: (state, { id, block }) => ({ blocks: block === null ? without(state.blocks, id) : put(state.blocks, id, block) }),
};

function voted(state: SessionState, question: string, mine: boolean | undefined): Partial<SessionState> {
  return mine === undefined ? {} : own(state, { votes: withId(state.mine.votes, question, mine) });
}

/** Counts that reached 0 are gone: words that nobody says any more. */
function counted(poll: Poll, total: number, counts: Record<string, number> | undefined): Poll {
  if (counts === undefined) return { ...poll, total };
  const merged = { ...poll.tally?.counts, ...counts };
  const left = Object.entries(merged).filter(([, count]) => count !== 0);
  return { ...poll, total, tally: { total, counts: Object.fromEntries(left) } };
}

function own(state: SessionState, change: Partial<Mine>): Partial<SessionState> {
  return { mine: { ...state.mine, ...change } };
}

function withId(ids: readonly string[], id: string, there: boolean): string[] {
  const others = ids.filter((other) => other !== id);
  return there ? [...others, id] : others;
}

function put<T>(map: ReadonlyMap<string, T>, id: string, entity: T): Map<string, T> {
  return new Map(map).set(id, entity);
}

function without<T>(map: ReadonlyMap<string, T>, id: string): Map<string, T> {
  const left = new Map(map);
  left.delete(id);
  return left;
}

function change<T>(map: ReadonlyMap<string, T>, id: string, update: (entity: T) => T): ReadonlyMap<string, T> {
  const entity = map.get(id);
  return entity === undefined ? map : put(map, id, update(entity));
}

function newest<T>(map: Map<string, T>, kept: number): Map<string, T> {
  return map.size <= kept ? map : new Map([...map].slice(-kept));
}

/** What an act of staff was about, in words of its own. */

import type { SessionState } from "../../../client";

/** The text of the entity `id`; empty where it has none, or is gone. */
export function targetOf(state: SessionState, id: string | null): string {
  if (id === null) return "";
  const kinds = [state.questions, state.polls, state.chat, state.announcements, state.products, state.draws, state.trials, state.hands, state.replies];
  for (const entities of kinds as readonly ReadonlyMap<string, { text?: string; title?: string; name?: string }>[]) {
    const entity = entities.get(id);
    // Ids of things tell their kind, so none is another's; those of persons are longer.
    if (entity) return entity.text ?? entity.title ?? entity.name ?? "";
  }
  const member = [...state.members.values()].find((known) => known.id === id || known.via === id);
  return member?.name ?? "";
}

/** Who takes part under a name, as far as a page knows. */

import type { SessionState } from "../../../client";

export interface Participant {
  readonly id: string;
  readonly name: string;
}

/** Authors of questions and of the chat and raised hands, by name, without `self`. Who hides is not among them. */
export function participants(state: SessionState, self: string | null): Participant[] {
  const found = new Map<string, string>();
  for (const { author } of state.questions.values()) if (author) found.set(author.id, author.name);
  for (const { author } of state.chat.values()) found.set(author.id, author.name);
  for (const { id, name } of state.hands.values()) found.set(id, name);
  for (const { id, name } of state.members.values()) if (id !== null && !found.has(id)) found.set(id, name ?? "");
  if (self !== null) found.delete(self);
  return [...found].map(([id, name]) => ({ id, name })).sort((a, b) => a.name.localeCompare(b.name));
}

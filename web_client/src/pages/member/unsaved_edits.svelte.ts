/** What authors have written over their questions and not saved: the box goes when a question is picked up, the words stay. */

import { SvelteMap } from "svelte/reactivity";
import type { ShownQuestion } from "../../client";

/** By the question's id. */
export const unsavedEdits = new SvelteMap<string, string>();

/** An empty box, and one that says what the question says, hold nothing to keep. */
export function keepEdit(question: Pick<ShownQuestion, "id" | "text">, text: string): void {
  const written = text.trim();
  if (written === "" || written === question.text) unsavedEdits.delete(question.id);
  else unsavedEdits.set(question.id, written);
}

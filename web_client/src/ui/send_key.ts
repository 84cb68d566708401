/** Whether a key sends what was written: Enter, but not the one that picks a word in an input method (229 is what Safari reports for it). */
export function isSendKey({ key, keyCode, shiftKey, isComposing }: KeyboardEvent): boolean {
  return key === "Enter" && !shiftKey && !isComposing && keyCode !== 229;
}

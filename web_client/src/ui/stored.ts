/** Small strings that outlive a page load. Storage may be missing or full; then they do not. */

export function recall(kind: "localStorage" | "sessionStorage", key: string): string | null {
  try {
    return globalThis[kind].getItem(key);
  } catch {
    return null;
  }
}

/** An empty value forgets. */
export function remember(kind: "localStorage" | "sessionStorage", key: string, value: string | null): void {
  try {
    if (value) globalThis[kind].setItem(key, value);
    else globalThis[kind].removeItem(key);
  } catch {
    // Private window or full storage: everything works, it is only not kept.
  }
}

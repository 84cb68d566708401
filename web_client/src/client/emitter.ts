/** A typed event emitter, as small as it can be. */

export class Emitter<Events extends object> {
  private readonly listeners = new Map<keyof Events, Set<(payload: never) => void>>();

  /** Calls `listener` at every `name`; returns what ends that. */
  on<K extends keyof Events>(name: K, listener: (payload: Events[K]) => void): () => void {
    const listeners = this.listeners.get(name) ?? new Set();
    this.listeners.set(name, listeners.add(listener as (payload: never) => void));
    return () => listeners.delete(listener as (payload: never) => void);
  }

  /** A listener that throws is reported and does not keep the others from hearing. */
  protected emit<K extends keyof Events>(name: K, payload: Events[K]): void {
    for (const listener of this.listeners.get(name) ?? []) {
      try {
        (listener as (payload: Events[K]) => void)(payload);
      } catch (error) {
        reportError(error);
      }
    }
  }
}

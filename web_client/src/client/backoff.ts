/** Reconnect delays: doubling from `BASE_MS` to `MAX_MS`, each with full jitter, so that a crowd does not return as one. */

export const BASE_MS = 250;
export const MAX_MS = 8_000;

export class Backoff {
  private failures = 0;

  /** `random` returns numbers in [0, 1). */
  constructor(private readonly random: () => number) {}

  get attempts(): number {
    return this.failures;
  }

  /** The next delay in ms. */
  next(): number {
    const ceiling = Math.min(MAX_MS, BASE_MS * 2 ** Math.min(this.failures, 16));
    this.failures += 1;
    return this.random() * ceiling;
  }

  reset(): void {
    this.failures = 0;
  }
}

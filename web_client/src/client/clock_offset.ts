/**
 * The offset of this device's clock from the server's, from exchanges of four times (RFC 5905 section 8): the one with the
 * least round trip is the best.
 */

export class ClockOffset {
  /** What to add to the own clock, in ms. */
  ms = 0;
  private roundTripMs = Infinity;

  /** A first idea, from one time of the server's that took an unknown while to come. */
  guess(serverTime: number, now: number): void {
    if (this.roundTripMs === Infinity) this.ms = serverTime - now;
  }

  /** `t0`: asked, `t3`: answered, own clock; `t1`, `t2`: the server's. */
  measured(t0: number, t1: number, t2: number, t3: number): void {
    const roundTripMs = t3 - t0 - (t2 - t1);
    if (roundTripMs < 0 || roundTripMs > this.roundTripMs) return;
    this.roundTripMs = roundTripMs;
    this.ms = (t1 - t0 + (t2 - t3)) / 2;
  }

  /** The clock may have been set, or the device slept: what was measured counts no more. */
  forget(): void {
    this.roundTripMs = Infinity;
  }
}

/** Tells a thing that wavers so that people can read it. Without I/O: time is an argument. */

/** How a change is told. */
export interface Patience {
  /** It must stand for so long, in ms. */
  readonly stand: number;
  /** So much time must have passed since the last change that was told, in ms. */
  readonly apart: number;
}

export class Steady<Value> {
  private changedAt = -Infinity;
  /** Since when the value is not what is told. */
  private awaySince: number | null = null;
  private latest: Value;

  /** `same`: whether two values say the same; one that does takes the told one's place at once. */
  constructor(
    public told: Value,
    private readonly patience: (from: Value, to: Value) => Patience,
    private readonly same: (one: Value, other: Value) => boolean = Object.is,
  ) {
    this.latest = told;
  }

  /** The value is this one now; returns when to call `tick`, in ms, or null. */
  offer(value: Value, now: number): number | null {
    this.latest = value;
    if (this.same(value, this.told)) this.awaySince = null;
    else this.awaySince ??= now;
    return this.tick(now);
  }

  /** Tells what has stood for long enough. Returns when to call it again, or null. */
  tick(now: number): number | null {
    const due = this.due();
    if (due !== null && now < due) return due;
    if (due !== null) this.changedAt = now;
    this.told = this.latest;
    this.awaySince = null;
    return null;
  }

  private due(): number | null {
    if (this.awaySince === null) return null;
    const { stand, apart } = this.patience(this.told, this.latest);
    return Math.max(this.awaySince + stand, this.changedAt + apart);
  }
}

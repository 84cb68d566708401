/**
 * Whether the other side of a connection is heard, and hears us, whatever ICE says: by what the browser counts of media and of reports.
 * Without I/O: statistics are given in.
 */

/** Without a packet of media for so long nothing arrives: sound comes every 20 ms, and every 400 ms where nobody speaks. */
export const SILENT_MS = 1_000;
/** Without a report for so long we are not told of any more: they come once a second, and two in a row may be lost. */
export const UNREPORTED_MS = 3_500;

/** An entry of an `RTCStatsReport` (W3C webrtc-stats). */
export type StatsEntry = Readonly<Record<string, unknown>>;

/** What the server says of one stream that we send. */
interface Report {
  /** What is another in each report that is made of new packets. */
  readonly says: string;
  /** When it came, in ms since 1970. */
  readonly at: number;
  /** It says something else than the one before. */
  readonly news: boolean;
}

export class Hearing {
  private reports = new Map<string, Report>();

  /**
   * Whether a packet of media has come lately, or the last report says something else than the one before. A server that hears
   * nothing more goes on repeating what it heard last, and answers the time of the same sender report again: neither reports as such
   * nor the round trips that browsers count from them tell that anything arrives.
   *
   * `now` is in ms since 1970, as times in statistics are.
   */
  look(entries: readonly StatsEntry[], now: number): boolean {
    const packets = entries.filter(({ type }) => type === "inbound-rtp").map((entry) => time(entry["lastPacketReceivedTimestamp"]));
    const before = this.reports;
    this.reports = new Map(
      entries.filter(({ type }) => type === "remote-inbound-rtp").map((entry) => [String(entry["id"]), reportOf(entry, before)]),
    );
    const told = [...this.reports.values()].some(({ news, at }) => news && now - at < UNREPORTED_MS);
    return told || packets.some((at) => now - at < SILENT_MS);
  }
}

/** Of the first one that is seen nobody knows what went before: it counts as news. */
function reportOf(entry: StatsEntry, known: ReadonlyMap<string, Report>): Report {
  const before = known.get(String(entry["id"]));
  const at = time(entry["timestamp"]);
  if (before?.at === at) return before;
  const says = `${String(entry["packetsLost"])} ${String(entry["jitter"])}`;
  return { says, at, news: before?.says !== says };
}

const time = (value: unknown): number => (typeof value === "number" ? value : -Infinity);

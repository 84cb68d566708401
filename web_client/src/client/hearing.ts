/**
 * Whether the other side of a connection is heard, and hears us, whatever ICE says: by what the browser counts of media and of reports.
 * Without I/O: statistics are given in.
 */

/** Without a packet of media for so long nothing arrives: sound comes every 20 ms, and every 400 ms where nobody speaks. */
export const SILENT_MS = 1_000;
/** Without a report for so long we are not told of any more: they come once a second, and two in a row may be lost. */
export const UNREPORTED_MS = 3_500;
/** Who sends media sends some every 20 ms. Chromium stops when its checks are not answered for 5 s. */
export const SENDING_MS = 200;
/** Who receives media sends feedback every 50 to 100 ms. That too stops in Chromium, whose checks then come every 50 ms and mend it mostly. */
export const MUTE_MS = 2_000;

export interface Heard {
  /** The server's media arrive, or ours arrive there. */
  readonly heard: boolean;
  /** The browser sends nothing, no feedback either, so that nothing is repaired or adapted. */
  readonly mute: boolean;
}

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
   * Heard is who sends media that arrive, or who tells something new of what we send. A server that hears nothing more goes on repeating
   * what it heard last, and answers the time of the same sender report again: neither reports as such nor the round trips that
   * browsers count from them tell that anything arrives. All times are the statistics' own, whose clock may be set meanwhile.
   */
  look(entries: readonly StatsEntry[]): Heard {
    const now = latest(entries, "timestamp");
    const received = latest(ofType(entries, "inbound-rtp"), "lastPacketReceivedTimestamp");
    const quiet = now - latest(ofType(entries, "candidate-pair"), "lastPacketSentTimestamp");
    const told = this.hasNews(ofType(entries, "remote-inbound-rtp"), now) && quiet < SENDING_MS;
    return { heard: told || now - received < SILENT_MS, mute: quiet >= MUTE_MS };
  }

  private hasNews(entries: readonly StatsEntry[], now: number): boolean {
    const before = this.reports;
    this.reports = new Map(entries.map((entry) => [String(entry["id"]), reportOf(entry, before)]));
    return [...this.reports.values()].some(({ news, at }) => news && now - at < UNREPORTED_MS);
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

const ofType = (entries: readonly StatsEntry[], type: string): StatsEntry[] => entries.filter((entry) => entry["type"] === type);
const latest = (entries: readonly StatsEntry[], name: string): number => Math.max(...entries.map((entry) => time(entry[name])));
const time = (value: unknown): number => (typeof value === "number" ? value : -Infinity);

/** What the browser says about the media connections, reduced to what a diagnosis needs. Counters only grow; sample twice for rates. */

export interface SendingStats {
  kind: "audio" | "video";
  /** Encoding by rid; null for audio. */
  rid: string | null;
  active: boolean;
  bytes: number;
  width: number | null;
  height: number | null;
  framesPerSecond: number | null;
  encoder: string | null;
  /** `none`, `cpu`, `bandwidth` or `other`. */
  limitedBy: string | null;
}

export interface ReceivingStats {
  kind: "audio" | "video";
  mid: string | null;
  bytes: number;
  packetsLost: number;
  framesDecoded: number;
  width: number | null;
  height: number | null;
  totalAudioEnergy: number;
  concealedSamples: number;
}

export interface ConnectionStats {
  /** Milliseconds of `performance.now()`. */
  at: number;
  rttMs: number | null;
  /** What the far side lost lately of what we send, 0–1; null where nothing is reported. */
  remoteLoss: number | null;
  /** What congestion control believes the uplink can carry, bits/s. */
  availableBitrate: number | null;
  sending: SendingStats[];
  receiving: ReceivingStats[];
}

export async function connectionStats(connection: RTCPeerConnection): Promise<ConnectionStats> {
  return summarise(await statsEntries(connection), performance.now());
}

/** What the browser counts (`RTCStatsReport`, W3C webrtc-stats). */
export async function statsEntries(connection: RTCPeerConnection): Promise<Record<string, unknown>[]> {
  const report = await connection.getStats();
  const entries: Record<string, unknown>[] = [];
  report.forEach((entry: Record<string, unknown>) => entries.push(entry));
  return entries;
}

/** `entries` as in an `RTCStatsReport` (W3C webrtc-stats). */
export function summarise(entries: readonly Record<string, unknown>[], at: number): ConnectionStats {
  const ofType = (type: string) => entries.filter((entry) => entry["type"] === type);
  const pair = ofType("candidate-pair").find((entry) => entry["nominated"] === true && entry["state"] === "succeeded");
  const losses = ofType("remote-inbound-rtp").flatMap((entry) => number(entry["fractionLost"]) ?? []);
  const rtt = number(pair?.["currentRoundTripTime"]);
  return {
    at,
    rttMs: rtt === null ? null : rtt * 1000,
    remoteLoss: losses.length > 0 ? Math.max(...losses) : null,
    availableBitrate: number(pair?.["availableOutgoingBitrate"]),
    sending: ofType("outbound-rtp").map(sending),
    receiving: ofType("inbound-rtp").map(receiving),
  };
}

/** Bits a second between two samples of one counter of bytes; null where time or counter went back. */
export function bitrate(before: { at: number; bytes: number }, after: { at: number; bytes: number }): number | null {
  const ms = after.at - before.at;
  return ms > 0 && after.bytes >= before.bytes ? ((after.bytes - before.bytes) * 8000) / ms : null;
}

function sending(entry: Record<string, unknown>): SendingStats {
  return {
    kind: entry["kind"] === "audio" ? "audio" : "video",
    rid: string(entry["rid"]),
    active: entry["active"] !== false,
    bytes: number(entry["bytesSent"]) ?? 0,
    width: number(entry["frameWidth"]),
    height: number(entry["frameHeight"]),
    framesPerSecond: number(entry["framesPerSecond"]),
    encoder: string(entry["encoderImplementation"]),
    limitedBy: string(entry["qualityLimitationReason"]),
  };
}

function receiving(entry: Record<string, unknown>): ReceivingStats {
  return {
    kind: entry["kind"] === "audio" ? "audio" : "video",
    mid: string(entry["mid"]),
    bytes: number(entry["bytesReceived"]) ?? 0,
    packetsLost: number(entry["packetsLost"]) ?? 0,
    framesDecoded: number(entry["framesDecoded"]) ?? 0,
    width: number(entry["frameWidth"]),
    height: number(entry["frameHeight"]),
    totalAudioEnergy: number(entry["totalAudioEnergy"]) ?? 0,
    concealedSamples: number(entry["concealedSamples"]) ?? 0,
  };
}

const number = (v: unknown): number | null => (typeof v === "number" && Number.isFinite(v) ? v : null);
const string = (v: unknown): string | null => (typeof v === "string" ? v : null);

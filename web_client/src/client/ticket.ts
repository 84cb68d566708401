/**
 * The answer that the page writes itself, from its own offer and a ticket (PROTOCOL.md, "Tickets"). It is what the server answers,
 * letter for letter: `media/answer.py` and this file are held together by the answers in `tests/answers.json`.
 */

export interface TicketStream {
  slot: string;
  ssrc: number;
  rtx_ssrc: number;
  fec_ssrc: number;
  cname: string;
  stream: string;
}

export interface Ticket {
  session: string;
  ufrag: string;
  pwd: string;
  lifetime_s: number;
  fingerprint: string;
  candidates: string[];
  codecs: string[];
  extensions: string[];
  feedback: string[];
  video: TicketStream[];
  audio: TicketStream[];
}

/** Ids above do not fit the one-byte form of header extensions, and Firefox takes no other. */
const MAX_EXTENSION_ID = 14;

/** Returns null where the offer is none that a ticket is for: the ordinary exchange goes on then. */
export function answerFor(offer: string, ticket: Ticket): string | null {
  const [session = [], ...media] = sectionsOf(offer);
  if (!media.every((section) => setupOf(section, session) === "actpass")) return null;
  const free = { video: [...ticket.video], audio: [...ticket.audio] };
  const parts = media.map((lines) => {
    const section = new Section(lines);
    const streams = section.kind === "video" || section.kind === "audio" ? free[section.kind] : [];
    const stream = section.receives ? streams.shift() : undefined;
    return { section, stream, codecs: stream === undefined ? [] : acceptedCodecs(section, ticket) };
  });
  // A slot without a codec in common is an error that the server has words for.
  if (parts.some(({ stream, codecs }) => stream !== undefined && codecs.length === 0)) return null;
  const mids = parts.filter(({ codecs }) => codecs.length > 0).map(({ section }) => section.mid);
  if (mids.length === 0) return null;
  const lines = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=ice-lite", `a=group:BUNDLE ${mids.join(" ")}`];
  lines.push("a=extmap-allow-mixed", "a=msid-semantic: WMS *");
  for (const { section, stream, codecs } of parts) {
    lines.push(...(stream === undefined ? rejected(section) : accepted(section, stream, codecs, ticket)));
  }
  return `${lines.join("\r\n")}\r\n`;
}

/** Whether `value` is a ticket that can be used. */
export function isTicket(value: unknown): value is Ticket {
  if (typeof value !== "object" || value === null) return false;
  const ticket = value as Record<keyof Ticket, unknown>;
  const texts = [ticket.session, ticket.ufrag, ticket.pwd, ticket.fingerprint];
  const lists = [ticket.candidates, ticket.codecs, ticket.extensions, ticket.feedback];
  return (
    texts.every((text) => typeof text === "string") &&
    typeof ticket.lifetime_s === "number" &&
    lists.every((list) => Array.isArray(list) && list.every((item) => typeof item === "string")) &&
    [ticket.video, ticket.audio].every((list) => Array.isArray(list) && list.every(isStream))
  );
}

function isStream(value: unknown): value is TicketStream {
  if (typeof value !== "object" || value === null) return false;
  const { slot, ssrc, rtx_ssrc, fec_ssrc, cname, stream } = value as Record<keyof TicketStream, unknown>;
  return [slot, cname, stream].every((text) => typeof text === "string") && [ssrc, rtx_ssrc, fec_ssrc].every(Number.isSafeInteger);
}

interface OfferedCodec {
  readonly name: string;
  readonly payloadType: string;
  readonly encoding: string;
  readonly fmtp: string;
  readonly rtx: string | undefined;
}

/** A media section of the offer. */
class Section {
  readonly kind: string;
  readonly protocol: string;
  readonly formats: readonly string[];
  private readonly rejected: boolean;

  constructor(private readonly lines: readonly string[]) {
    const [kind = "", port, protocol = "", ...formats] = (lines[0] ?? "").slice(2).split(" ");
    this.kind = kind;
    this.protocol = protocol;
    this.formats = formats;
    this.rejected = port === "0" && !lines.includes("a=bundle-only");
  }

  get mid(): string {
    return this.every("mid")[0] ?? "";
  }

  get receives(): boolean {
    return !this.rejected && (this.lines.includes("a=recvonly") || this.lines.includes("a=sendrecv"));
  }

  get codecs(): OfferedCodec[] {
    const maps = this.byPayloadType("rtpmap");
    const formats = this.byPayloadType("fmtp");
    const rtx = new Map<string | undefined, string>();
    for (const [payloadType, encoding] of maps) {
      if (encoding.toLowerCase().startsWith("rtx/")) rtx.set(parameters(formats.get(payloadType) ?? "").get("apt"), payloadType);
    }
    return this.formats.flatMap((payloadType) => {
      const encoding = maps.get(payloadType);
      if (encoding === undefined || encoding.toLowerCase().startsWith("rtx/")) return [];
      const fmtp = formats.get(payloadType) ?? "";
      return [{ name: canonicalName(encoding, fmtp), payloadType, encoding, fmtp, rtx: rtx.get(payloadType) }];
    });
  }

  /** Ids by URI, in the order of the offer. */
  get extensions(): [string, number][] {
    return this.every("extmap").map((line) => {
      const [id = "", uri = ""] = line.split(" ");
      return [uri, Number.parseInt(id, 10)];
    });
  }

  private byPayloadType(attribute: string): Map<string, string> {
    return new Map(
      this.every(attribute).map((line) => {
        const space = line.indexOf(" ");
        return [line.slice(0, space), line.slice(space + 1).trim()];
      }),
    );
  }

  private every(attribute: string): string[] {
    const prefix = `a=${attribute}:`;
    return this.lines.filter((line) => line.startsWith(prefix)).map((line) => line.slice(prefix.length).trim());
  }
}

/** The codecs that the ticket names, and RED of them (RFC 2198), in the order of the offer. */
function acceptedCodecs(section: Section, ticket: Ticket): OfferedCodec[] {
  const offered = section.codecs;
  const named = offered.filter((codec) => accepts(ticket.codecs, codec.name));
  const redundant = section.kind === "audio" ? named.map((codec) => offered.find((red) => isRedundancyOf(codec, red))) : [];
  return offered.filter((codec) => named.includes(codec) || redundant.includes(codec));
}

/** As what repair packets are taken (draft-ietf-payload-flexible-fec-scheme-03), if they are sent. */
function repairCodec(section: Section, { feedback }: Ticket): OfferedCodec | undefined {
  if (section.kind !== "video" || !feedback.includes("transport-cc")) return undefined;
  return section.codecs.find((codec) => codec.name === "flexfec-03");
}

/** "111/111" in its format parameters is two generations of payload type 111. */
function isRedundancyOf(codec: OfferedCodec, red: OfferedCodec): boolean {
  const clock = ({ encoding }: OfferedCodec): string => encoding.slice(encoding.indexOf("/"));
  return red.name === "red" && clock(red) === clock(codec) && red.fmtp.split("/")[0]?.trim() === codec.payloadType;
}

function accepted(section: Section, stream: TicketStream, codecs: OfferedCodec[], ticket: Ticket): string[] {
  const rtx = codecs.flatMap((codec) => codec.rtx ?? []);
  const fec = repairCodec(section, ticket);
  const { kind, mid } = section;
  const types = [...codecs.map((codec) => codec.payloadType), ...rtx, ...(fec === undefined ? [] : [fec.payloadType])];
  return [
    `m=${kind} 9 ${section.protocol} ${types.join(" ")}`,
    ...["c=IN IP4 0.0.0.0", "a=rtcp:9 IN IP4 0.0.0.0", `a=mid:${mid}`, "a=sendonly", "a=rtcp-mux", "a=rtcp-rsize"],
    ...[`a=fingerprint:sha-256 ${ticket.fingerprint}`, "a=setup:active", `a=ice-ufrag:${ticket.ufrag}`, `a=ice-pwd:${ticket.pwd}`],
    ...ticket.candidates.map((candidate) => `a=candidate:${candidate}`),
    "a=end-of-candidates",
    ...section.extensions
      .filter(([uri, id]) => id <= MAX_EXTENSION_ID && ticket.extensions.includes(uri))
      .map(([uri, id]) => `a=extmap:${id} ${uri}`),
    ...codecs.flatMap((codec) => codecLines(codec, feedbackOf(kind, ticket))),
    ...(fec === undefined ? [] : codecLines(fec, [])),
    ...streamLines(stream, kind === "video" && rtx.length > 0, fec !== undefined),
  ];
}

/** Video's; of it sound has what tells which packets arrive. */
function feedbackOf(kind: Section["kind"], { feedback }: Ticket): readonly string[] {
  return kind === "video" ? feedback : feedback.filter((value) => value === "transport-cc");
}

function rejected({ kind, protocol, formats, mid }: Section): string[] {
  return [`m=${kind} 0 ${protocol} ${formats.join(" ")}`, "c=IN IP4 0.0.0.0", `a=mid:${mid}`, "a=inactive"];
}

function codecLines({ payloadType, encoding, fmtp, rtx }: OfferedCodec, feedback: readonly string[]): string[] {
  const lines = [`a=rtpmap:${payloadType} ${encoding}`];
  if (fmtp !== "") lines.push(`a=fmtp:${payloadType} ${fmtp}`);
  lines.push(...feedback.map((value) => `a=rtcp-fb:${payloadType} ${value}`));
  if (rtx !== undefined) lines.push(`a=rtpmap:${rtx} rtx/${encoding.split("/")[1]}`, `a=fmtp:${rtx} apt=${payloadType}`);
  return lines;
}

function streamLines({ slot, ssrc, rtx_ssrc, fec_ssrc, cname, stream }: TicketStream, rtx: boolean, fec: boolean): string[] {
  const ssrcs = [ssrc, ...(rtx ? [rtx_ssrc] : []), ...(fec ? [fec_ssrc] : [])];
  return [
    `a=msid:${stream} ${slot}`,
    ...(rtx ? [`a=ssrc-group:FID ${ssrc} ${rtx_ssrc}`] : []),
    ...(fec ? [`a=ssrc-group:FEC-FR ${ssrc} ${fec_ssrc}`] : []),
    ...ssrcs.flatMap((number) => [`a=ssrc:${number} cname:${cname}`, `a=ssrc:${number} msid:${stream} ${slot}`]),
  ];
}

/** A decoder for one profile cannot be given another, so it is part of the name; as in `media/offer.py`. */
function canonicalName(encoding: string, fmtp: string): string {
  const name = encoding.split("/")[0] ?? "";
  const given = parameters(fmtp);
  switch (name.toUpperCase()) {
    case "H264":
      return `H264/${(given.get("profile-level-id") ?? "42000a").toLowerCase().slice(0, 4)}/${given.get("packetization-mode") ?? "0"}`;
    case "VP9":
      return `VP9/${given.get("profile-id") ?? "0"}`;
    case "AV1":
      return `AV1/${given.get("profile") ?? "0"}`;
    case "VP8":
      return "VP8";
    case "OPUS":
      return "opus";
    case "RED":
      return "red";
    default:
      return name;
  }
}

function parameters(fmtp: string): Map<string, string> {
  return new Map(
    fmtp.split(";").map((part) => {
      const [key = "", ...value] = part.split("=");
      return [key.trim().toLowerCase(), value.join("=").trim()];
    }),
  );
}

function accepts(patterns: readonly string[], name: string): boolean {
  return patterns.some((pattern) => {
    const [head = "", tail] = pattern.split("*");
    return tail === undefined ? name === pattern : name.startsWith(head) && name.endsWith(tail);
  });
}

/** The lines of the session part, then of each media section. */
function sectionsOf(sdp: string): string[][] {
  const sections: string[][] = [[]];
  for (const line of sdp.split(/\r?\n/)) {
    if (line.startsWith("m=")) sections.push([]);
    sections.at(-1)?.push(line);
  }
  return sections;
}

function setupOf(section: readonly string[], session: readonly string[]): string {
  const line = [...section, ...session].find((candidate) => candidate.startsWith("a=setup:"));
  return line?.slice("a=setup:".length).trim() ?? "actpass";
}

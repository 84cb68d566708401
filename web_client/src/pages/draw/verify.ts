/** Checks a draw by the formula of docs/draw.md, with nothing but its record. */

/** What `GET /draws/{session}/{draw}` answers to programs. */
export interface DrawRecord {
  readonly id: string;
  readonly title: string;
  readonly state: "open" | "closed" | "drawn" | "cancelled";
  readonly prizes: number;
  readonly commitment: string;
  /** Null until it is drawn; as is `digest`. */
  readonly secret: string | null;
  readonly digest: string | null;
  /** Those that won, in the order of the prizes. */
  readonly tickets: readonly number[];
  /** Ticket and nonce of each entry. */
  readonly entries: readonly (readonly [number, string])[];
}

/** What was computed here, and whether the record says the same. */
export interface Verdict {
  /** Whether tickets are 1, 2, 3, … and each is there once. */
  readonly numbered: boolean;
  readonly commitment: { readonly computed: string; readonly holds: boolean };
  readonly digest: { readonly computed: string; readonly holds: boolean };
  readonly winners: { readonly computed: readonly number[]; readonly holds: boolean };
}

const STATES: readonly string[] = ["open", "closed", "drawn", "cancelled"];
const HEX_64 = /^[0-9a-f]{64}$/;
const NUMBERS = 1n << 64n;

/** Reads a record; null where it is none. A drawn one has a secret and a digest. */
export function readRecord(json: unknown): DrawRecord | null {
  if (typeof json !== "object" || json === null) return null;
  const { id, title, state, prizes, commitment, secret, digest, tickets, entries } = json as Record<string, unknown>;
  const texts = [id, title].every((value) => typeof value === "string") && typeof state === "string" && STATES.includes(state);
  const drawn = state === "drawn";
  const hexes = isHex(commitment) && (drawn ? isHex(secret) && isHex(digest) : true);
  const lists = isCount(prizes) && isList(tickets, isCount) && isList(entries, isEntry);
  return texts && hexes && lists ? (json as DrawRecord) : null;
}

/** Computes everything anew. Null before it is drawn. */
export async function verifyDraw(record: DrawRecord): Promise<Verdict | null> {
  const { secret, digest, entries, prizes, tickets } = record;
  if (record.state !== "drawn" || secret === null || digest === null) return null;
  const inOrder = [...entries].sort(([a], [b]) => a - b);
  const octets = Uint8Array.from(secret.match(/../g) ?? [], (pair) => parseInt(pair, 16));
  const commitment = await sha256(octets);
  const over = await sha256(utf8(inOrder.map(([ticket, nonce]) => `${ticket} ${nonce}\n`).join("")));
  const winners = await winningTickets(octets, over, entries.length, prizes);
  return {
    numbered: inOrder.every(([ticket], index) => ticket === index + 1),
    commitment: { computed: commitment, holds: commitment === record.commitment },
    digest: { computed: over, holds: over === digest },
    winners: { computed: winners, holds: winners.join() === tickets.join() },
  };
}

/** Whether all of it holds. */
export function holds({ numbered, commitment, digest, winners }: Verdict): boolean {
  return numbered && commitment.holds && digest.holds && winners.holds;
}

async function winningTickets(secret: BufferSource, digest: string, entries: number, prizes: number): Promise<number[]> {
  const key = await crypto.subtle.importKey("raw", secret, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  const count = BigInt(entries);
  const won: number[] = [];
  for (let k = 0; won.length < Math.min(prizes, entries); k++) {
    const mac = await crypto.subtle.sign("HMAC", key, utf8(`${digest}:${k}`));
    const number = new DataView(mac).getBigUint64(0);
    // Else the first tickets would be a little likelier than the last.
    if (number >= NUMBERS - (NUMBERS % count)) continue;
    const ticket = Number(number % count) + 1;
    if (!won.includes(ticket)) won.push(ticket);
  }
  return won;
}

async function sha256(octets: BufferSource): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", octets));
  return [...digest].map((octet) => octet.toString(16).padStart(2, "0")).join("");
}

function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

const isHex = (value: unknown): boolean => typeof value === "string" && HEX_64.test(value);
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) > 0;
const isList = (value: unknown, each: (item: unknown) => boolean): boolean => Array.isArray(value) && value.every(each);
const isEntry = (value: unknown): boolean => Array.isArray(value) && value.length === 2 && isCount(value[0]) && typeof value[1] === "string";

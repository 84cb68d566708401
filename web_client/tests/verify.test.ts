import { describe, expect, it } from "vitest";
import { holds, readRecord, verifyDraw, type DrawRecord } from "../src/pages/draw/verify";

/** Made by qa_queue/draw/tickets.py. */
const RECORD: DrawRecord = {
  id: "d1",
  title: "Cream",
  state: "drawn",
  prizes: 3,
  commitment: "630dcd2966c4336691125448bbb25b4ff412a49c732db2c8abc1b8581bd710dd",
  secret: "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
  digest: "380f9b54aa2663d193baf2115cf16a4a0f3c1b11e1d8c43a7291cb4c1e065dcc",
  tickets: [5, 2, 3],
  entries: [
    [1, "a1b2"],
    [2, "我自己的"],
    [3, "c3"],
    [4, "d4 with spaces"],
    [5, "e5"],
  ],
};

async function verdictOf(change: Partial<DrawRecord>) {
  const verdict = await verifyDraw({ ...RECORD, ...change });
  if (verdict === null) throw new Error("not drawn");
  const { numbered, commitment, digest, winners } = verdict;
  return { all: holds(verdict), numbered, commitment: commitment.holds, digest: digest.holds, winners: winners.holds };
}

const GOOD = { all: true, numbered: true, commitment: true, digest: true, winners: true };
const flipped = (hex: string | null): string => `${hex?.startsWith("0") ? "1" : "0"}${hex?.slice(1)}`;

describe("a draw is computed anew", () => {
  it("holds as the server made it, in whatever order the entries come", async () => {
    expect(await verdictOf({})).toEqual(GOOD);
    expect(await verdictOf({ entries: [...RECORD.entries].reverse() })).toEqual(GOOD);
    // All win where there are more prizes than entries.
    expect(await verdictOf({ prizes: 9, tickets: [5, 2, 3, 1, 4] })).toEqual(GOOD);
    const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    expect(await verdictOf({ entries: [], tickets: [], digest: empty })).toEqual(GOOD);
  });

  it.each<[string, Partial<DrawRecord>, Partial<typeof GOOD>]>([
    ["another winner", { tickets: [4, 2, 3] }, { winners: false }],
    ["winners in another order", { tickets: [2, 5, 3] }, { winners: false }],
    ["a winner too few", { tickets: [5, 2] }, { winners: false }],
    ["a winner too many", { tickets: [5, 2, 3, 1] }, { winners: false }],
    ["another secret", { secret: flipped(RECORD.secret) }, { commitment: false, winners: false }],
    ["another commitment", { commitment: flipped(RECORD.commitment) }, { commitment: false }],
    ["another digest", { digest: flipped(RECORD.digest) }, { digest: false }],
    ["an entry that is gone", { entries: RECORD.entries.slice(0, 4) }, { digest: false, winners: false }],
    ["an entry that was put in", { entries: [...RECORD.entries, [6, "late"]] }, { digest: false, winners: false }],
    ["a ticket that is there twice", { entries: [...RECORD.entries.slice(0, 4), [4, "e5"]] }, { numbered: false, digest: false }],
  ])("does not hold with %s", async (_what, change, wrong) => {
    const verdict = await verdictOf(change);
    expect(verdict).toMatchObject({ ...wrong, all: false });
    // What was not touched, and does not follow from it, still holds.
    if (!("secret" in change || "commitment" in change)) expect(verdict.commitment).toBe(true);
  });

  it("says nothing of a draw that is not drawn", async () => {
    for (const state of ["open", "closed", "cancelled"] as const) expect(await verifyDraw({ ...RECORD, state })).toBeNull();
  });
});

describe("a record", () => {
  const json = () => JSON.parse(JSON.stringify(RECORD)) as Record<string, unknown>;

  it("is read as the server sends it", () => {
    expect(readRecord(json())).toEqual(RECORD);
    expect(readRecord({ ...json(), state: "open", secret: null, digest: null, tickets: [], entries: [] })).not.toBeNull();
  });

  it.each<[string, unknown]>([
    ["nothing", null],
    ["a list", []],
    ["a text", "drawn"],
    ["no commitment", { ...json(), commitment: undefined }],
    ["a drawn one without its secret", { ...json(), secret: null }],
    ["a short secret", { ...json(), secret: "00" }],
    ["an unknown state", { ...json(), state: "won" }],
    ["half a prize", { ...json(), prizes: 0.5 }],
    ["a ticket 0", { ...json(), tickets: [0] }],
    ["an entry without a nonce", { ...json(), entries: [[1]] }],
    ["entries that are none", { ...json(), entries: { 1: "a" } }],
  ])("%s is none", (_what, value) => {
    expect(readRecord(value)).toBeNull();
  });
});

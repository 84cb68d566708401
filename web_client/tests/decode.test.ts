import { describe, expect, it } from "vitest";
import { decode } from "../src/client/decode";
import type { ServerMessage } from "../src/client/protocol";
import { events, head, joined, NOTHING_NOW, question, snapshot } from "./support";

const MESSAGES: ServerMessage[] = [
  joined({ token: "t", answer: "sdp", media_error: { code: "bad_offer", message: "m" }, snapshot: snapshot({ questions: [question("a")] }) }),
  joined({ snapshot: null, events: [{ kind: "now", ...head(1), now: NOTHING_NOW }] }),
  { type: "receiving", answer: "sdp", slots: [{ slot: "main", mid: "0", source: null }] },
  { type: "published", publication: "p", answer: "sdp" },
  { type: "unpublished" },
  { type: "ack", cmd: "c", seq: 3, id: null },
  events(
    0,
    { kind: "question", ...head(1), question: question("a"), mine: true },
    { kind: "voted", ...head(2), question: "a", votes: 1, mine: false },
    { kind: "voted", ...head(3), question: "a", votes: 1 },
    { kind: "hand", ...head(4), person: "p", hand: null },
  ),
  { type: "order", order: "fair", questions: ["a"] },
  { type: "log_hash", seq: 1, sha256: "00" },
  { type: "time", t0: 1, t1: 2, t2: 3 },
  { type: "duplicates", question: "a", candidates: [{ question: "b", score: 91.5 }] },
  { type: "presence", present: 3 },
  { type: "slots", slots: [{ slot: "main", mid: "", source: { publisher: "h", name: "Host", kind: "camera", publication: "p" } }] },
  { type: "encodings", publication: "p", kind: "camera", active: ["q"] },
  { type: "speakers", speakers: ["h"] },
  { type: "media_closed", connection: "receive", reason: "dtls" },
  { type: "waiting", place: 7 },
  { type: "error", code: "busy", message: "", cmd: "c", retry_after_ms: 5 },
];

describe("decode", () => {
  it.each(MESSAGES.map((m) => [m.type, m] as const))("takes a well-formed %s", (_type, message) => {
    expect(decode(JSON.stringify(message))).toEqual(message);
  });

  it("refuses a message when any one field is missing or mistyped", () => {
    const optional = new Set(["cmd", "retry_after_ms"]);
    for (const message of MESSAGES) {
      for (const field of Object.keys(message)) {
        const { [field]: _gone, ...rest } = message as unknown as Record<string, unknown>;
        const fraction = message.type === "time" ? "1" : -1.5; // clocks may have fractions
        const broken = [...(optional.has(field) ? [] : [rest]), { ...rest, [field]: { odd: true } }, { ...rest, [field]: fraction }];
        for (const value of broken) expect(decode(JSON.stringify(value)), `${message.type}.${field}`).toBeNull();
      }
    }
  });

  it("refuses what is wrong deep inside", () => {
    const wrong = { ...question("a"), author: { id: "p1" } };
    expect(decode(JSON.stringify(events(0, { kind: "question", ...head(1), question: wrong as never })))).toBeNull();
    expect(decode(JSON.stringify(joined({ snapshot: snapshot({ questions: [{ ...question("a"), state: "odd" as never }] }) })))).toBeNull();
  });

  it("ignores fields that it does not know", () => {
    expect(decode('{"type":"presence","present":1,"newer":[]}')).toMatchObject({ present: 1 });
  });

  it("lets events of kinds that it does not know through by position only", () => {
    const message = (event: string) => decode(`{"type":"events","after":0,"seq":1,"events":[${event}]}`);
    expect(message('{"kind":"sung","seq":1,"at":2,"song":{}}')).not.toBeNull();
    expect(message('{"kind":"sung","seq":"1","at":2}')).toBeNull();
    expect(message('{"kind":"constructor","seq":1,"at":2}')).not.toBeNull();
  });
});

import { describe, expect, it } from "vitest";
import { decode } from "../src/client/decode";
import type { ServerMessage } from "../src/client/protocol";
import { joined, question } from "./support";

const MESSAGES: ServerMessage[] = [
  joined({ token: "t", answer: "sdp", media_error: { code: "bad_offer", message: "m" }, snapshot: { questions: [question("a")], answering: "a" } }),
  joined({ snapshot: null, events: [{ kind: "answered", seq: 1, at: 2, question: "a" }] }),
  { type: "receiving", answer: "sdp", slots: [{ slot: "main", mid: "0", source: null }] },
  { type: "published", publication: "p", answer: "sdp" },
  { type: "unpublished" },
  { type: "ack", cmd: "c", seq: 3, question: null },
  {
    type: "events",
    events: [
      { kind: "asked", seq: 1, at: 2, question: question("a") },
      { kind: "voted", seq: 2, at: 2, question: "a", votes: 1, mine: false },
      { kind: "voted", seq: 3, at: 2, question: "a", votes: 1 },
      { kind: "answering", seq: 4, at: 2, question: null },
    ],
  },
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
        const broken = [...(optional.has(field) ? [] : [rest]), { ...rest, [field]: { odd: true } }, { ...rest, [field]: -1.5 }];
        for (const value of broken) expect(decode(JSON.stringify(value)), `${message.type}.${field}`).toBeNull();
      }
    }
  });

  it("ignores fields that it does not know", () => {
    expect(decode('{"type":"presence","present":1,"newer":[]}')).toMatchObject({ present: 1 });
  });

  it("lets events of kinds that it does not know through by position only", () => {
    expect(decode('{"type":"events","events":[{"kind":"polled","seq":1,"at":2,"poll":{}}]}')).not.toBeNull();
    expect(decode('{"type":"events","events":[{"kind":"polled","seq":"1","at":2}]}')).toBeNull();
    expect(decode('{"type":"events","events":[{"kind":"constructor","seq":1,"at":2}]}')).not.toBeNull();
  });
});

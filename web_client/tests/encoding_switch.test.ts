import { expect, it } from "vitest";
import { EncodingSwitch } from "../src/client/encoding_switch";

/** A sender that takes one change at a time, as browsers do; `finish` ends the one under way. */
class Sender {
  encodings = ["q", "h", "f"].map((rid) => ({ rid, active: true }));
  readonly finish: (() => void)[] = [];
  private fresh = false;

  getParameters(): RTCRtpSendParameters {
    this.fresh = true;
    return { encodings: structuredClone(this.encodings) } as RTCRtpSendParameters;
  }

  setParameters(parameters: RTCRtpSendParameters): Promise<void> {
    if (!this.fresh) throw new DOMException("read before you write", "InvalidStateError");
    this.fresh = false;
    return new Promise((resolve, reject) => {
      this.finish.push(() => {
        if (parameters.encodings.every((encoding) => !encoding.active)) return reject(new Error("refused"));
        this.encodings = parameters.encodings as typeof this.encodings;
        resolve();
      });
    });
  }

  get active(): string[] {
    return this.encodings.filter((encoding) => encoding.active).map((encoding) => encoding.rid);
  }
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

it("sends what was asked for last, one change at a time", async () => {
  const sender = new Sender();
  const change = new EncodingSwitch(sender);
  change.send(["q"]);
  change.send(["h"]);
  change.send(["q", "f"]);
  expect(sender.finish).toHaveLength(1);
  sender.finish[0]?.();
  await settled();
  expect([sender.active, sender.finish.length]).toEqual([["q"], 2]);
  sender.finish[1]?.();
  await settled();
  expect([sender.active, sender.finish.length]).toEqual([["q", "f"], 2]);
});

it("goes on after a refusal", async () => {
  const sender = new Sender();
  const change = new EncodingSwitch(sender);
  change.send(["unknown"]);
  sender.finish[0]?.();
  await settled();
  change.send(["f"]);
  sender.finish[1]?.();
  await settled();
  expect(sender.active).toEqual(["f"]);
});

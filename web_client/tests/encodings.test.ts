import { describe, expect, test } from "vitest";
import { cameraEncodings } from "../src/client/encodings";

describe("camera encodings", () => {
  test.each([
    [1280, 720, ["q", "h", "f"]],
    [960, 540, ["q", "h", "f"]],
    [720, 1280, ["q", "h", "f"]],
    [640, 480, ["h", "f"]],
    [640, 360, ["h", "f"]],
    [320, 240, ["f"]],
    [undefined, undefined, ["q", "h", "f"]],
  ])("%sx%s keeps the full size", (width, height, rids) => {
    expect(cameraEncodings({ width, height }).map((encoding) => encoding.rid)).toEqual(rids);
  });

  test("a smaller picture gets less, and 720p what was tuned for it", () => {
    const best = (width: number, height: number) => cameraEncodings({ width, height }).at(-1)?.maxBitrate ?? 0;
    expect(best(1280, 720)).toBe(1_700_000);
    expect(best(640, 360)).toBe(850_000);
    expect(best(1920, 1080)).toBeGreaterThan(best(1280, 720));
  });
});

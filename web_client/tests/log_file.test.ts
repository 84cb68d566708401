import { afterEach, describe, expect, it, vi } from "vitest";
import { linesOf, readLog, runningHashes } from "../src/pages/host/desk/log_file";

describe("the log as a file", () => {
  afterEach(() => void vi.unstubAllGlobals());

  it("has the running hash of docs/log.md at each position", async () => {
    const lines = linesOf('{"seq":1}\n{"seq":2,"text":"多少?"}\n');
    // Made by the lines of Python in docs/log.md.
    const first = "0a00898550374c41186879d92f30325cd0a550ce8c5da4d9aeef34a95c0b85ea";
    const second = "5ea2f4f5da273c50312bb92caa3be23962495b555bd5b37e53d00c95f91c9725";
    expect(await runningHashes(lines, [1, 2, 3])).toEqual(new Map([[1, first], [2, second]]));
    expect(await runningHashes(['{"seq":9}', lines[1] ?? ""], [2])).not.toEqual(new Map([[2, second]]));
    expect(await runningHashes([], [0, 1])).toEqual(new Map());
  });

  it("is asked for with the person's own token, and a refusal keeps its code", async () => {
    const asked: [string, RequestInit][] = [];
    const answers = (response: () => Response) =>
      vi.stubGlobal("fetch", (url: string, init: RequestInit) => (asked.push([url, init]), Promise.resolve().then(response)));
    answers(() => new Response("{}\n"));
    expect(await readLog("s", "tok", "csv")).toEqual({ text: "{}\n" });
    expect(asked[0]?.[0]).toBe("/api/v1/sessions/s/log?format=csv");
    expect(asked[0]?.[1].headers).toEqual({ Authorization: "Bearer tok" });
    answers(() => new Response('{"code":"forbidden"}', { status: 403 }));
    expect(await readLog("s", "tok", "jsonl")).toEqual({ code: "forbidden" });
    answers(() => new Response("<html>", { status: 502 }));
    expect(await readLog("s", "tok", "jsonl")).toEqual({ code: "busy" });
    answers(() => {
      throw new TypeError("no network");
    });
    expect(await readLog("s", null, "jsonl")).toEqual({ code: "busy" });
  });
});

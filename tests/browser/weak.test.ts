/** The bench of weak networks, small: one case over a narrow link, and what it tells. */

import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { PYTHON, ROOT } from "./harness/paths";

/** Its last line. */
async function bench(...options: string[]): Promise<Record<string, Record<string, number>>> {
  const child = spawn(PYTHON, ["-m", "loadtests.weak", ...options], { cwd: ROOT });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise((resolve) => child.once("exit", resolve));
  if (code !== 0) throw new Error(`the bench ended with ${code}:\n${output}`);
  return JSON.parse(output.trim().split("\n").at(-1) ?? "") as Record<string, Record<string, number>>;
}

test("a trace of a narrow link is played to a browser, figured and drawn", { timeout: 180_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "livetrial-weak-"));
  try {
    const page = join(folder, "weak.html");
    const { norway_metro_10: found } = await bench("--cases", "norway_metro_10", "--seconds", "9", "--page", page);
    expect(found).toBeDefined();
    // Goals are for quiet machines; here it is enough that each figure is of something that happened.
    for (const name of ["utilisation", "best_layer", "freeze_ratio", "concealed_ratio"]) {
      expect(found?.[name], name).toBeGreaterThanOrEqual(0);
      expect(found?.[name], name).toBeLessThanOrEqual(1);
    }
    expect(found?.["utilisation"]).toBeGreaterThan(0);
    expect(found?.["fps"]).toBeGreaterThan(1);
    expect(found?.["queue_p95_ms"]).toBeGreaterThan(0);
    expect(readFileSync(page, "utf8")).toContain("<svg");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

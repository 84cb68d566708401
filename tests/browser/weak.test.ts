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

test("a step of a narrow link is played to a browser, figured and drawn", { timeout: 180_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "livetrial-weak-"));
  try {
    const page = join(folder, "weak.html");
    const { step } = await bench("--cases", "step", "--seconds", "9", "--page", page);
    expect(step).toBeDefined();
    // Goals are for quiet machines; here it is enough that each figure is of something that happened.
    for (const name of ["utilisation", "best_layer", "freeze_ratio", "concealed_ratio"]) {
      expect(step?.[name], name).toBeGreaterThanOrEqual(0);
      expect(step?.[name], name).toBeLessThanOrEqual(1);
    }
    expect(step?.["utilisation"]).toBeGreaterThan(0);
    expect(step?.["fps"]).toBeGreaterThan(1);
    expect(step?.["queue_p95_ms"]).toBeGreaterThan(0);
    expect(step?.["down_ms"]).toBeGreaterThanOrEqual(0);
    expect(readFileSync(page, "utf8")).toContain("<svg");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

/** Joins over the test link, as `make bench-join` measures them: with the order of events in the link's packet log. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { PYTHON, ROOT } from "./paths";

/** Joins of one kind; the fields are those of `loadtests/join/report.py`. */
export interface JoinCell {
  browser: "chromium" | "firefox";
  mode: "ticket" | "ordinary" | "warm" | "back";
  joins: number;
  fallback: number[];
  failed: string[];
  stages: Record<string, number>;
  crossings: number[];
  orders: string[][];
}

/** Measures `joins` of each kind over a link with this round-trip time. */
export async function measureJoins(joins: number, roundTripMs: number): Promise<JoinCell[]> {
  const options = ["--joins", `${joins}`, "--modes", "ticket,ordinary,warm,back", "--r-ms", `${roundTripMs}`, "--no-loss", "--no-storm"];
  const bench = spawn(PYTHON, ["-m", "loadtests.join", ...options], { cwd: ROOT });
  let printed = "";
  let errors = "";
  bench.stdout.on("data", (chunk: Buffer) => (printed += chunk.toString()));
  bench.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
  const [code] = (await once(bench, "close")) as [number | null];
  if (code !== 0) throw new Error(`the bench ended with ${code}:\n${printed}\n${errors}`);
  return (JSON.parse(printed.trim().split("\n").at(-1) ?? "") as { cells: JoinCell[] }).cells;
}

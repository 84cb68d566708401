/** A real server on free ports with a data directory of its own. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LIVETRIAL, ROOT } from "./paths";

const API_KEY = "browser-tests";

export interface SessionLinks {
  id: string;
  links: { host: string; moderator: string; member: string; whip: string; whep: string };
  tokens: { host: string; moderator: string; member: string };
}

export class Server {
  private process: ChildProcess | null = null;
  private output = "";

  private constructor(
    readonly port: number,
    readonly mediaPort: number,
    private readonly dataDir: string,
    private readonly demo: boolean,
    private readonly settings: Record<string, string>,
  ) {}

  /** `settings` are `LIVETRIAL_*` variables. */
  static async start(options: { demo?: boolean; settings?: Record<string, string> } = {}): Promise<Server> {
    const dataDir = mkdtempSync(join(tmpdir(), "livetrial-"));
    const server = new Server(await freePort(), await freePort(), dataDir, options.demo ?? false, options.settings ?? {});
    await server.launch();
    return server;
  }

  get url(): string {
    return `http://localhost:${this.port}`;
  }

  /** Start the process (again) on the same ports and data. */
  async launch(): Promise<void> {
    const demo = this.demo ? "--demo" : "--no-demo";
    const ports = ["--http-port", `${this.port}`, "--media-port", `${this.mediaPort}`];
    const child = spawn(LIVETRIAL, ["serve", ...ports, "--data-dir", this.dataDir, demo], {
      cwd: ROOT,
      env: { ...process.env, LIVETRIAL_API_KEY: API_KEY, ...this.settings },
    });
    this.process = child;
    this.output = "";
    await new Promise<void>((resolve, reject) => {
      const read = (chunk: Buffer) => {
        this.output += chunk.toString();
        if (this.output.includes("livetrial is ready")) resolve();
      };
      child.stdout?.on("data", read);
      child.stderr?.on("data", read);
      child.once("exit", (code) => reject(new Error(`the server ended with ${code}:\n${this.output}`)));
    });
  }

  /** Everything the server has printed since it was launched. */
  get log(): string {
    return this.output;
  }

  async kill(signal: "SIGKILL" | "SIGINT"): Promise<void> {
    const child = this.process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.removeAllListeners("exit");
    const ended = once(child, "exit");
    child.kill(signal);
    await ended;
  }

  /** End the process and remove its data. */
  async stop(): Promise<void> {
    await this.kill("SIGINT");
    rmSync(this.dataDir, { recursive: true, force: true });
  }

  async createSession(body: Record<string, unknown> = {}): Promise<SessionLinks> {
    const response = await fetch(`${this.url}/api/v1/sessions`, {
      method: "POST",
      headers: { "Content-Type": "application/json", Authorization: `Bearer ${API_KEY}` },
      body: JSON.stringify({ title: "Browser test", ...body }),
    });
    if (!response.ok) throw new Error(`creating a session: ${response.status} ${await response.text()}`);
    return (await response.json()) as SessionLinks;
  }

  /** Wait until a number from /metrics is at least so large. */
  async untilMetric(name: string, least: number): Promise<void> {
    const end = Date.now() + 60_000;
    for (let value = await this.metric(name); value < least; value = await this.metric(name)) {
      if (Date.now() > end) throw new Error(`${name} stays at ${value}, below ${least}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** A number from /metrics. */
  async metric(name: string): Promise<number> {
    const text = await (await fetch(`${this.url}/metrics`)).text();
    const line = text.split("\n").find((candidate) => candidate.startsWith(`${name} `));
    if (line === undefined) throw new Error(`/metrics has no ${name}`);
    return Number(line.slice(name.length + 1));
  }
}

/** Below the range that the kernel gives to outgoing connections (32768 and up): no browser takes the port between two launches. */
const PORTS = { first: 20_000, count: 12_000 };

export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = PORTS.first + Math.floor(Math.random() * PORTS.count);
    const probe = createServer();
    probe.listen(port);
    // `once` rejects when the server emits an error instead.
    const free = await once(probe, "listening").then(() => true, () => false);
    if (!free) continue;
    probe.close();
    await once(probe, "close");
    return port;
  }
  throw new Error("no free port");
}

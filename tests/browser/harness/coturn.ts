/** A real TURN server on loopback, set up as docs/deploy.md and docker-compose.yml do. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./server";

const SECRET = "a secret of the browser tests";
const ADDRESS = "127.0.0.1";

export class Coturn {
  private constructor(
    private readonly process: ChildProcess,
    private readonly folder: string,
    private readonly port: number,
  ) {}

  static async start(): Promise<Coturn> {
    const port = await freePort();
    const folder = mkdtempSync(join(tmpdir(), "coturn-"));
    const own = ["-n", "--log-file=stdout", `--pidfile=${folder}/pid`, `--userdb=${folder}/db`, "--no-cli", "--allow-loopback-peers"];
    const where = [`--listening-ip=${ADDRESS}`, `--relay-ip=${ADDRESS}`, `--listening-port=${port}`, "--no-tls", "--no-dtls"];
    const who = ["--fingerprint", "--use-auth-secret", `--static-auth-secret=${SECRET}`, "--realm=livetrial"];
    const process = spawn("turnserver", [...own, ...where, ...who]);
    const coturn = new Coturn(process, folder, port);
    let output = "";
    await new Promise<void>((resolve, reject) => {
      process.stdout?.on("data", (chunk: Buffer) => {
        output += chunk.toString();
        if (output.includes("UDP listener opened on")) resolve();
      });
      process.once("error", reject);
      process.once("exit", (code) => reject(new Error(`coturn ended with ${code}:\n${output}`)));
    });
    return coturn;
  }

  /** Settings of a server that hands it out. */
  get settings(): Record<string, string> {
    return { LIVETRIAL_TURN_URLS: `turn:${ADDRESS}:${this.port}?transport=udp`, LIVETRIAL_TURN_SECRET: SECRET };
  }

  async stop(): Promise<void> {
    this.process.removeAllListeners("exit");
    const ended = once(this.process, "exit");
    this.process.kill("SIGTERM");
    await ended;
    rmSync(this.folder, { recursive: true, force: true });
  }
}

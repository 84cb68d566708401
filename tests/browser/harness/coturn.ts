/** A real TURN server on this machine, set up as docs/deploy.md and docker-compose.yml do. */

import { type ChildProcess, spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { OWN_ADDRESS } from "./address";
import { freePort } from "./server";

const SECRET = "a secret of the browser tests";

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
    const where = [`--listening-ip=${OWN_ADDRESS}`, `--relay-ip=${OWN_ADDRESS}`, `--listening-port=${port}`, "--no-tls", "--no-dtls"];
    const who = ["--fingerprint", "--use-auth-secret", `--static-auth-secret=${SECRET}`, "--realm=livetrial"];
    const process = spawn("turnserver", [...own, ...where, ...who], { stdio: "ignore" });
    const coturn = new Coturn(process, folder, port);
    await Promise.race([
      untilAnswered(port),
      new Promise<never>((_, reject) => {
        process.once("error", reject);
        process.once("exit", (code) => reject(new Error(`coturn ended with ${code}`)));
      }),
    ]);
    return coturn;
  }

  /** Settings of a server that hands it out. */
  get settings(): Record<string, string> {
    return { LIVETRIAL_TURN_URLS: `turn:${OWN_ADDRESS}:${this.port}?transport=udp`, LIVETRIAL_TURN_SECRET: SECRET };
  }

  async stop(): Promise<void> {
    this.process.removeAllListeners("exit");
    const ended = once(this.process, "exit");
    this.process.kill("SIGTERM");
    await ended;
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Ask by STUN binding requests (RFC 8489) until one is answered: what it prints comes late. */
async function untilAnswered(port: number): Promise<void> {
  const socket = createSocket("udp4");
  const request = Buffer.from("000100002112a442" + "00".repeat(12), "hex");
  const answered = once(socket, "message");
  const asking = setInterval(() => socket.send(request, port, OWN_ADDRESS), 100);
  await answered;
  clearInterval(asking);
  socket.close();
}

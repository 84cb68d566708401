/**
 * What outlives the page: tokens in localStorage, so that a person stays the same person, and unacknowledged commands in
 * sessionStorage, which belongs to one tab. Storage may be missing or full (private windows); then nothing is kept.
 */

import { COMMAND_TYPES, type Command } from "./protocol";
import type { Credentials } from "./session_io";

export type Storage = Pick<globalThis.Storage, "getItem" | "setItem" | "removeItem">;

export class Keeper {
  constructor(
    private readonly scope: string,
    private readonly local: Storage | null,
    private readonly tab: Storage | null,
  ) {}

  /** `link` is the token that the page came with, if any. Another link than before may be for another role or person, so it starts anew. */
  credentials(link: string | null): Credentials {
    const kept: Credentials = { link: read(this.local, this.key("link")), personal: read(this.local, this.key("personal")) };
    if (link === null || link === kept.link) return kept;
    const fresh: Credentials = { link, personal: null };
    this.keepCredentials(fresh);
    return fresh;
  }

  keepCredentials({ link, personal }: Credentials): void {
    write(this.local, this.key("link"), link);
    write(this.local, this.key("personal"), personal);
  }

  /** The id of this browser, the same in all sessions; null where it cannot be kept. */
  device(make: () => string): string | null {
    const kept = read(this.local, DEVICE_KEY);
    if (kept !== null && DEVICE.test(kept)) return kept;
    write(this.local, DEVICE_KEY, make());
    return read(this.local, DEVICE_KEY);
  }

  commands(): Command[] {
    try {
      const stored: unknown = JSON.parse(read(this.tab, this.key("outbox")) ?? "[]");
      return Array.isArray(stored) ? stored.filter(isCommand) : [];
    } catch {
      return [];
    }
  }

  keepCommands(commands: readonly Command[]): void {
    write(this.tab, this.key("outbox"), commands.length > 0 ? JSON.stringify(commands) : null);
  }

  private key(name: string): string {
    return `${this.scope}:${name}`;
  }
}

/** A storage of the browser, or null where it may not be used. */
export function browserStorage(kind: "localStorage" | "sessionStorage"): Storage | null {
  try {
    return globalThis[kind];
  } catch {
    return null;
  }
}

const DEVICE_KEY = "livetrial:device-id";
const DEVICE = /^[A-Za-z0-9_-]{16,64}$/;

function isCommand(value: unknown): value is Command {
  const command = value as Partial<Command> | null;
  return typeof command?.cmd === "string" && COMMAND_TYPES.has(command.type);
}

function read(storage: Storage | null, key: string): string | null {
  try {
    return storage?.getItem(key) ?? null;
  } catch {
    return null;
  }
}

function write(storage: Storage | null, key: string, value: string | null): void {
  try {
    if (value === null) storage?.removeItem(key);
    else storage?.setItem(key, value);
  } catch {
    // Full or forbidden: the session works, it only will not outlive the page.
  }
}

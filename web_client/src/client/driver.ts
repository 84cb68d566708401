/** The thin shell around `Session`: one WebSocket, one timer, and the page's wake-up calls. No decisions here. */

import type { Session } from "./session";
import type { Output } from "./session_io";

export interface SocketHandlers {
  opened(): void;
  received(text: string): void;
  closed(code: number): void;
}

export interface Socket {
  send(text: string): void;
  /** After this no handler is called. */
  close(): void;
}

/** What the shell needs from the world; tests give their own. */
export interface Env {
  /** Milliseconds of a clock that never goes back. */
  now(): number;
  openSocket(handlers: SocketHandlers): Socket;
  /** Calls back after `ms`; returns what cancels it. */
  after(ms: number, callback: () => void): () => void;
}

export class Driver {
  private socket: Socket | null = null;
  private cancelTimer: (() => void) | null = null;
  private running = false;

  /** `onOutput` gets everything that is not about the socket. */
  constructor(
    private readonly session: Session,
    private readonly env: Env,
    private readonly onOutput: (output: Output) => void,
  ) {}

  /** Tells the session something, then carries out what it wants. */
  run<T>(input: (session: Session, now: number) => T): T {
    const result = input(this.session, this.env.now());
    this.pump();
    return result;
  }

  /** Handlers of an output may call `run` themselves; the outer call then carries on with what they caused, in order. */
  private pump(): void {
    if (this.running) return;
    this.running = true;
    try {
      for (let outputs = this.session.drain(); outputs.length > 0; outputs = this.session.drain()) {
        for (const output of outputs) this.perform(output);
      }
    } finally {
      this.running = false;
    }
    this.setTimer();
  }

  private perform(output: Output): void {
    if (output.kind === "open") this.open();
    else if (output.kind === "close") this.drop();
    else if (output.kind === "send") this.socket?.send(output.text);
    this.onOutput(output);
  }

  private open(): void {
    this.drop();
    this.socket = this.env.openSocket({
      opened: () => this.run((session, now) => session.socketOpened(now)),
      received: (text) => this.run((session, now) => session.socketReceived(text, now)),
      closed: (code) => {
        this.socket = null;
        this.run((session, now) => session.socketClosed(code, now));
      },
    });
  }

  private drop(): void {
    this.socket?.close();
    this.socket = null;
  }

  private setTimer(): void {
    this.cancelTimer?.();
    const due = this.session.deadline();
    this.cancelTimer =
      due === null
        ? null
        : this.env.after(Math.max(0, due - this.env.now()), () => this.run((session, now) => session.tick(now)));
  }
}

/** The browser's own socket, clock and timers. */
export function browserEnv(url: string): Env {
  return {
    now: () => performance.now(),
    openSocket: (handlers) => openWebSocket(url, handlers),
    after(ms, callback) {
      // Rounded up: a timer that fires a fraction early would find nothing due and be set again for zero.
      const id = setTimeout(callback, Math.ceil(ms));
      return () => clearTimeout(id);
    },
  };
}

function openWebSocket(url: string, handlers: SocketHandlers): Socket {
  const socket = new WebSocket(url);
  socket.onopen = () => handlers.opened();
  socket.onmessage = ({ data }) => handlers.received(typeof data === "string" ? data : "");
  socket.onclose = ({ code }) => handlers.closed(code);
  return {
    send: (text) => socket.send(text),
    close: () => {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    },
  };
}

import { describe, expect, it } from "vitest";
import { Driver, type Env, type SocketHandlers } from "../src/client/driver";
import { Session } from "../src/client/session";
import { joined, vote } from "./support";

/** A world of its own: a clock that is moved by hand, and sockets that are lists. */
class World implements Env {
  time = 0;
  timer: { due: number; callback: () => void } | null = null;
  readonly sockets: { handlers: SocketHandlers; sent: string[]; closed: boolean }[] = [];

  now = (): number => this.time;

  openSocket = (handlers: SocketHandlers) => {
    const socket = { handlers, sent: [] as string[], closed: false };
    this.sockets.push(socket);
    return { send: (text: string) => void socket.sent.push(text), close: () => void (socket.closed = true) };
  };

  after = (ms: number, callback: () => void) => {
    const timer = { due: this.time + ms, callback };
    this.timer = timer;
    return () => {
      if (this.timer === timer) this.timer = null;
    };
  };

  fire(): void {
    const timer = this.timer;
    if (timer === null) throw new Error("no timer is set");
    this.time = timer.due;
    timer.callback();
  }
}

function start() {
  const world = new World();
  const session = new Session({ session: "demo", credentials: { link: null, personal: null }, random: () => 0.5 });
  const seen: string[] = [];
  const driver: Driver = new Driver(session, world, (output) => {
    seen.push(output.kind);
    if (output.kind === "open") driver.run((s, now) => s.offerReady(output.attempt, null, now));
  });
  driver.run((s, now) => s.start(now));
  return { world, session, driver, seen };
}

describe("driver", () => {
  it("joins through a real exchange of frames, and sends commands", () => {
    const { world, session, driver } = start();
    const [socket] = world.sockets;
    socket?.handlers.opened();
    expect(JSON.parse(socket?.sent[0] ?? "")).toMatchObject({ type: "join", session: "demo" });
    socket?.handlers.received(JSON.stringify(joined()));
    expect(session.status.name).toBe("live");
    driver.run((s, now) => s.command(vote("c1"), now));
    expect(JSON.parse(socket?.sent[1] ?? "")).toEqual(vote("c1"));
  });

  it("opens another socket when the timer says so, and sends again what was not acknowledged", () => {
    const { world, driver } = start();
    world.sockets[0]?.handlers.opened();
    world.sockets[0]?.handlers.received(JSON.stringify(joined()));
    driver.run((s, now) => s.command(vote("c1"), now));
    world.sockets[0]?.handlers.closed(1006);
    expect(world.sockets).toHaveLength(1);
    world.fire();
    expect(world.sockets).toHaveLength(2);
    world.sockets[1]?.handlers.opened();
    world.sockets[1]?.handlers.received(JSON.stringify(joined()));
    expect(world.sockets[1]?.sent.map((text) => (JSON.parse(text) as { type: string }).type)).toEqual(["join", "vote"]);
  });

  it("survives frames that are no messages, and counts them", () => {
    const { world, session } = start();
    const socket = world.sockets[0];
    socket?.handlers.opened();
    for (const text of ["", "{", "[]", "null", '{"type":"joined"}', '{"type":"__proto__"}', '{"type":"later"}', "\u0000"]) {
      socket?.handlers.received(text);
    }
    expect(session.malformed).toBe(8);
    socket?.handlers.received(JSON.stringify(joined()));
    expect(session.status.name).toBe("live");
  });

  it("closes the old socket before it opens another", () => {
    const { world, driver } = start();
    world.sockets[0]?.handlers.opened();
    world.sockets[0]?.handlers.received(JSON.stringify(joined()));
    driver.run((s, now) => s.wake(now, true));
    expect(world.sockets.map((socket) => socket.closed)).toEqual([true, false]);
  });
});

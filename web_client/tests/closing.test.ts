import { describe, expect, it } from "vitest";
import { afterClose } from "../src/client/closing";
import { Bench } from "./support";

describe("close codes", () => {
  it.each([1000, 1001, 1005, 1006, 1011, 1012, 1013, 4408, 4413, 4999])("%i reconnects", (code) => {
    expect(afterClose(code, null)).toBe("reconnect");
    const bench = new Bench();
    bench.goLive();
    bench.session.socketClosed(code, 0);
    expect(bench.session.status.name).toBe("reconnecting");
    expect(bench.session.deadline()).not.toBeNull();
  });

  it.each([
    [1009, null, "message_too_long"],
    [4400, null, "protocol_broken"],
    [4401, "token_expired", "token_expired"],
    [4401, "token_invalid", "token_invalid"],
    [4401, null, "token_invalid"],
    [4404, "session_unknown", "session_unknown"],
  ])("%i after %s ends the session: %s", (code, error, reason) => {
    const bench = new Bench({ credentials: { link: "L", personal: null } });
    bench.session.start(0);
    bench.join();
    if (error !== null) bench.receive({ type: "error", code: error, message: "" });
    bench.session.socketClosed(code, 0);
    expect(bench.session.status).toEqual({ name: "closed", reason });
    expect(bench.session.deadline()).toBeNull();
    bench.session.wake(1, true);
    expect(bench.take().some((o) => o.kind === "open")).toBe(false);
  });

  it("leaving closes the socket and stays closed", () => {
    const bench = new Bench();
    bench.goLive();
    bench.session.leave();
    expect(bench.take().map((o) => o.kind)).toEqual(["close", "status"]);
    expect(bench.session.status).toEqual({ name: "closed", reason: "left" });
  });
});

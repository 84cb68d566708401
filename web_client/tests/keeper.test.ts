import { describe, expect, it } from "vitest";
import { Keeper, type Storage } from "../src/client/keeper";
import { vote } from "./support";

function memory(): Storage & { items: Map<string, string> } {
  const items = new Map<string, string>();
  return {
    items,
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => void items.set(key, value),
    removeItem: (key) => void items.delete(key),
  };
}

describe("keeper", () => {
  it("keeps a person over visits, also when the same link is opened again", () => {
    const local = memory();
    const first = new Keeper("s", local, null);
    expect(first.credentials("L")).toEqual({ link: "L", personal: null });
    first.keepCredentials({ link: "L", personal: "P" });
    const again = new Keeper("s", local, null);
    expect(again.credentials(null)).toEqual({ link: "L", personal: "P" });
    expect(again.credentials("L")).toEqual({ link: "L", personal: "P" });
  });

  it("starts anew with another link, and keeps scopes apart", () => {
    const local = memory();
    new Keeper("s", local, null).keepCredentials({ link: "L", personal: "P" });
    expect(new Keeper("other", local, null).credentials(null)).toEqual({ link: null, personal: null });
    expect(new Keeper("s", local, null).credentials("L2")).toEqual({ link: "L2", personal: null });
  });

  it("keeps commands of a tab, and forgets them when none is left", () => {
    const tab = memory();
    const keeper = new Keeper("s", null, tab);
    keeper.keepCommands([vote("a"), vote("b")]);
    expect(new Keeper("s", null, tab).commands()).toEqual([vote("a"), vote("b")]);
    keeper.keepCommands([]);
    expect(tab.items.size).toBe(0);
  });

  it.each(["", "{", "null", "{}", '[1, null, {"type":"vote"}, {"type":"join","cmd":"x"}]'])("takes %j for nothing", (stored) => {
    const tab = memory();
    tab.items.set("s:outbox", stored);
    expect(new Keeper("s", null, tab).commands()).toEqual([]);
  });

  it("works without storage, and with one that is full", () => {
    const full: Storage = {
      getItem: () => null,
      setItem: () => {
        throw new Error("QuotaExceededError");
      },
      removeItem: () => undefined,
    };
    for (const storage of [null, full]) {
      const keeper = new Keeper("s", storage, storage);
      expect(keeper.credentials("L")).toEqual({ link: "L", personal: null });
      keeper.keepCommands([vote("a")]);
      expect(keeper.commands()).toEqual([]);
    }
  });
});

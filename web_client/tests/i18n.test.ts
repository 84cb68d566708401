import { describe, expect, it } from "vitest";
import { ERROR_CODES } from "../src/client/protocol";
import { chooseLang } from "../src/i18n/choose";
import { en } from "../src/i18n/en";
import { zh } from "../src/i18n/zh";

/** Every string of a dictionary by its path; functions are called with a number that must show in their result. */
function strings(value: unknown, path = ""): [string, string][] {
  if (typeof value === "string") return [[path, value]];
  if (typeof value === "function") {
    const parameters = value.length === 2 ? [42, "42"] : ["42"];
    return [[path, (value as (...args: unknown[]) => string)(...parameters)]];
  }
  return Object.entries(value as object).flatMap(([key, inner]) => strings(inner, `${path}.${key}`));
}

describe("languages", () => {
  it("have the same strings, none of them empty", () => {
    const paths = (messages: object) => strings(messages).map(([path]) => path);
    expect(paths(zh)).toEqual(paths(en));
    for (const [path, text] of [...strings(zh), ...strings(en)]) expect(text.trim(), path).not.toBe("");
  });

  it("are what they say they are", () => {
    const han = /\p{Script=Han}/u;
    const other = new Set([".switchTo", ".questions.by", ".fullStop"]); // the name of the other language, a person's name, a sign
    for (const [path, text] of strings(zh)) if (!other.has(path)) expect(han.test(text), `${path}: ${text}`).toBe(true);
    for (const [path, text] of strings(en)) if (!other.has(path)) expect(han.test(text), `${path}: ${text}`).toBe(false);
  });

  it("show the values that they are given", () => {
    for (const messages of [zh, en]) {
      const { votes, watching, retryIn, ask } = messages;
      for (const text of [votes(42, "42"), watching(42, "42"), retryIn("42"), ask.counter("42", "500"), ask.tooLong("42")]) {
        expect(text).toContain("42");
      }
    }
    expect(en.votes(1, "1")).toBe("1 vote");
  });

  it("say something of its own for every error code", () => {
    for (const messages of [zh, en]) {
      const texts = ERROR_CODES.map((code) => messages.errors[code]);
      expect(new Set(texts).size).toBe(ERROR_CODES.length);
      expect(texts).not.toContain(messages.errors.unknown);
    }
  });
});

describe("choice of language", () => {
  it.each([
    ["zh", ["en-GB"], "zh"],
    [null, ["zh-CN", "en"], "zh"],
    [null, ["zh-Hant-TW"], "zh"],
    [null, ["fr", "zh"], "zh"],
    [null, ["en-US", "zh"], "en"],
    [null, ["fr"], "en"],
    [null, [], "en"],
    ["nonsense", ["zh"], "zh"],
  ])("stored %s, browser %j: %s", (stored, preferred, lang) => {
    expect(chooseLang(stored, preferred)).toBe(lang);
  });
});

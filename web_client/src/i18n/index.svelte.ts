/** The language of the page, as one reactive object: `i18n.t` are the strings, the rest formats numbers and times. */

import { recall, remember } from "../ui/stored";
import { chooseLang } from "./choose";
import { en } from "./en";
import type { ErrorText, Lang, Messages } from "./messages";
import { zh } from "./zh";

export const MESSAGES: Record<Lang, Messages> = { zh, en };
const TAGS: Record<Lang, string> = { zh: "zh-CN", en: "en" };
const STORAGE_KEY = "livetrial:lang";

class I18n {
  lang: Lang = $state(chooseLang(recall("localStorage", STORAGE_KEY), navigator.languages ?? [navigator.language]));
  readonly t: Messages = $derived(MESSAGES[this.lang]);
  private readonly numbers = $derived(new Intl.NumberFormat(TAGS[this.lang]));
  private readonly times = $derived(new Intl.DateTimeFormat(TAGS[this.lang], { hour: "2-digit", minute: "2-digit" }));

  private readonly moments = $derived(new Intl.DateTimeFormat(TAGS[this.lang], { hour: "2-digit", minute: "2-digit", second: "2-digit" }));

  get tag(): string {
    return TAGS[this.lang];
  }

  toggle(): void {
    this.lang = this.lang === "zh" ? "en" : "zh";
    remember("localStorage", STORAGE_KEY, this.lang);
  }

  number(value: number): string {
    return this.numbers.format(value);
  }

  /** Hours and minutes of a time in ms since 1970. */
  time(at: number): string {
    return this.times.format(at);
  }

  /** Likewise with seconds. */
  moment(at: number): string {
    return this.moments.format(at);
  }

  /** What an error code means, and when to try again. */
  error(code: string, retryAfterMs: number | null): string {
    const text = Object.hasOwn(this.t.errors, code) ? this.t.errors[code as ErrorText] : this.t.errors.unknown;
    if (retryAfterMs === null) return text;
    return `${text} ${this.t.retryIn(this.number(Math.max(1, Math.ceil(retryAfterMs / 1000))))}`;
  }
}

export const i18n = new I18n();

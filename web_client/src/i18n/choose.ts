import type { Lang } from "./messages";

export const LANGS: readonly Lang[] = ["zh", "en"];

/** The language that was chosen before, else the first of the browser's that there is, else English. */
export function chooseLang(stored: string | null, preferred: readonly string[]): Lang {
  const known = (tag: string | null): Lang | undefined => LANGS.find((lang) => tag?.toLowerCase().split("-")[0] === lang);
  return known(stored) ?? preferred.map(known).find((lang) => lang !== undefined) ?? "en";
}

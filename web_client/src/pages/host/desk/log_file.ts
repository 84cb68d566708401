/** The session log as a file of one's own, and its running hash (docs/log.md). */

export type LogFormat = "jsonl" | "csv";
export type LogRead = { readonly text: string } | { readonly code: string };

const TYPES: Record<LogFormat, string> = { jsonl: "application/jsonl", csv: "text/csv;charset=utf-8" };
const BEGINNING = "0".repeat(64);
/** Without it spreadsheets take UTF-8 for the code page of their country. */
const BYTE_ORDER_MARK = "\uFEFF";

/** Reads the whole log with a token of the session; where that fails, a code as PROTOCOL.md has them. */
export async function readLog(session: string, token: string | null, format: LogFormat): Promise<LogRead> {
  try {
    const response = await fetch(`/api/v1/sessions/${session}/log?format=${format}`, {
      headers: { Authorization: `Bearer ${token ?? ""}` },
      cache: "no-store",
    });
    if (response.ok) return { text: await response.text() };
    const problem = (await response.json()) as { code?: unknown };
    return { code: typeof problem.code === "string" ? problem.code : "unknown" };
  } catch {
    // No network, an answer that broke off, or none of ours.
    return { code: "busy" };
  }
}

/** Hands a text to the browser as a download. */
export function saveFile(name: string, format: LogFormat, text: string): void {
  const blob = new Blob(format === "csv" ? [BYTE_ORDER_MARK, text] : [text], { type: TYPES[format] });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // Browsers read it in a task of their own.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** The running hash after each of these positions that the lines reach. */
export async function runningHashes(lines: readonly string[], positions: readonly number[]): Promise<Map<number, string>> {
  const found = new Map<number, string>();
  let hash = BEGINNING;
  for (const [index, line] of lines.entries()) {
    hash = await sha256(hash + line);
    if (positions.includes(index + 1)) found.set(index + 1, hash);
  }
  return found;
}

/** The lines of JSON Lines. */
export function linesOf(text: string): string[] {
  return text.split("\n").filter((line) => line !== "");
}

async function sha256(text: string): Promise<string> {
  const octets = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  return [...octets].map((octet) => octet.toString(16).padStart(2, "0")).join("");
}

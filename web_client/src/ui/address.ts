/** What the address of a page says: the session in the path, tokens in the fragment (which never reaches a server). */

export interface PageAddress {
  /** Session id; null where the path names none. */
  session: string | null;
  /** `t`: this person's token. */
  token: string | null;
  /** `m`: the token in the link for members, which a host's link carries along. */
  memberToken: string | null;
}

const SESSION_PATH = /^\/(?:s|host)\/([a-z0-9][a-z0-9-]{0,39})\/?$/;

export function parseAddress(path: string, fragment: string): PageAddress {
  const parameters = new URLSearchParams(fragment.replace(/^#/, ""));
  return {
    session: SESSION_PATH.exec(path)?.[1] ?? null,
    token: parameters.get("t") || null,
    memberToken: parameters.get("m") || null,
  };
}

/** Reads the address and takes tokens out of the address bar, so that they are not shown, shared or kept in the history. */
export function takeAddress(): PageAddress {
  const address = parseAddress(location.pathname, location.hash);
  if (address.token !== null || address.memberToken !== null) {
    history.replaceState(history.state, "", location.pathname + location.search);
  }
  return address;
}

export function memberLink(origin: string, session: string, memberToken: string | null): string {
  return `${origin}/s/${session}${memberToken === null ? "" : `#t=${memberToken}`}`;
}

/** Who a page is in which session: what `join` and `switch` say of it, and the tokens by which the person stays the same. */

import type { Join } from "./protocol";
import type { Credentials, Place } from "./session_io";

export class Person {
  private credentials: Credentials;

  constructor(private readonly place: Place) {
    this.credentials = place.credentials;
  }

  /** Whether the server has named this person. */
  get isNamed(): boolean {
    return this.credentials.personal !== null;
  }

  /** Another personal token, or none; returns what is to be stored. */
  keep(personal: string | null): Credentials {
    return (this.credentials = { ...this.credentials, personal });
  }

  /** By which this person is known; null in an open session before the join. */
  get token(): string | null {
    return this.credentials.personal ?? this.credentials.link;
  }

  /** What both `join` and `switch` say. */
  get who(): Pick<Join, "session" | "token" | "name"> {
    const { session, name } = this.place;
    const { token } = this;
    return { session, ...(token === null ? {} : { token }), ...(name === undefined ? {} : { name }) };
  }

  /** A switch stays on the socket, whose device is known. */
  get device(): Pick<Join, "device"> {
    const { device } = this.place;
    return device === undefined ? {} : { device };
  }
}

import { mount } from "svelte";
import { memberLink, takeAddress } from "../../ui/address";
import { Live } from "../../ui/live.svelte";
import { recall, remember } from "../../ui/stored";
import "../../ui/theme.css";
import Host from "./Host.svelte";

const { session, token, memberToken } = takeAddress();
// An address without a valid session gets the server's own answer to it: session_unknown.
const id = session ?? "unknown";
const memberKey = `livetrial:host:${id}:member-link`;
if (memberToken !== null) remember("localStorage", memberKey, memberToken);

const live = new Live({ session: id, token, receive: false, storageKey: `livetrial:host:${id}` });
const link = memberLink(location.origin, id, recall("localStorage", memberKey));

mount(Host, { target: document.getElementById("app") as HTMLElement, props: { live, session: id, link } });

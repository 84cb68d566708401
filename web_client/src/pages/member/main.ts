import { mount } from "svelte";
import { takeAddress } from "../../ui/address";
import { Live } from "../../ui/live.svelte";
import "../../ui/theme.css";
import Member from "./Member.svelte";

const { session, token } = takeAddress();
// An address without a valid session gets the server's own answer to it: session_unknown.
const id = session ?? "unknown";
const live = new Live({ session: id, token, storageKey: `livetrial:member:${id}` });

mount(Member, { target: document.getElementById("app") as HTMLElement, props: { live, session: id } });

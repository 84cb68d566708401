import { mount } from "svelte";
import "../../ui/theme.css";
import Draw from "./Draw.svelte";

const [, , session = "", draw = ""] = location.pathname.split("/");

mount(Draw, { target: document.getElementById("app") as HTMLElement, props: { session, draw } });

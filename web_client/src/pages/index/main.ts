import { mount } from "svelte";
import "../../ui/theme.css";
import Home from "./Home.svelte";

mount(Home, { target: document.getElementById("app") as HTMLElement });

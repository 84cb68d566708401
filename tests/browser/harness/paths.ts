import { fileURLToPath } from "node:url";

/** The checkout. */
export const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
export const PYTHON = `${ROOT}.venv/bin/python`;
export const LIVETRIAL = `${ROOT}.venv/bin/livetrial`;
/** What the fake cameras play; see make_camera.py. */
export const MEDIA = `${ROOT}build/test-media`;
/** Screenshots, for people to look at. */
export const SHOTS = `${ROOT}build/screenshots`;

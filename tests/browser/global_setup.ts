import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { MEDIA, PYTHON, ROOT, SHOTS } from "./harness/paths";

export default function setup(): void {
  mkdirSync(SHOTS, { recursive: true });
  execFileSync(PYTHON, ["tests/browser/make_camera.py", MEDIA], { cwd: ROOT, env: { ...process.env, PYTHONPATH: ROOT }, stdio: "inherit" });
}

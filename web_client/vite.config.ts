import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig, type Plugin } from "vitest/config";

const SERVER = process.env["LIVETRIAL_URL"] ?? "http://localhost:8080";

/** `npm run dev` answers the addresses that the server answers in production. */
const pageRoutes: Plugin = {
  name: "livetrial-page-routes",
  configureServer(server) {
    server.middlewares.use((request, _response, next) => {
      if (request.url?.startsWith("/host/")) request.url = "/host.html";
      if (request.url?.startsWith("/s/")) request.url = "/member.html";
      if (request.url?.startsWith("/draws/") && request.headers.accept?.includes("text/html")) request.url = "/draw.html";
      next();
    });
  },
};

export default defineConfig({
  plugins: [svelte(), pageRoutes],
  build: {
    target: "es2022",
    rollupOptions: { input: ["index.html", "host.html", "member.html", "draw.html"] },
  },
  server: {
    proxy: { "/ws": { target: SERVER, ws: true }, "/api": SERVER, "/draws": SERVER },
  },
  test: { include: ["tests/**/*.test.ts"], environment: "node" },
});

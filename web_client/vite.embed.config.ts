import { defineConfig } from "vite";

/** The client module alone, as one file with a name that stays: `dist/embed/livetrial-client.js`. */
export default defineConfig({
  build: {
    target: "es2022",
    outDir: "dist/embed",
    emptyOutDir: true,
    copyPublicDir: false,
    lib: { entry: "src/client/index.ts", formats: ["es"], fileName: () => "livetrial-client.js" },
  },
});

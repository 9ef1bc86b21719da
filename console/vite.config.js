// Builds the console into the Python package. Paths in the page are relative, so it works wherever it is mounted.
import { defineConfig } from "vite";

export default defineConfig({
  base: "./",
  build: {
    outDir: "../src/aisle/console/static",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0, // data: URLs for scripts and fonts would need a wider content security policy
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
  },
});

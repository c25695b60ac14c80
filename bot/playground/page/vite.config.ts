import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

/** Everything comes from our own server: no data: modules, no inline script, no address of others. */
export default defineConfig({
  plugins: [react()],
  build: { assetsInlineLimit: 0, modulePreload: false, chunkSizeWarningLimit: 2000 },
});

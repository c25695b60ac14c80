// Somebody else's Slack (npm emulate) on a port of this machine, until its input ends.
// node emulate.mjs FOLDER PORT SEED: FOLDER has node_modules, SEED is JSON.
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, port, seed] = process.argv.slice(2);
const api = join(folder, "node_modules", "emulate", "dist", "api.js");
const { createEmulator } = await import(pathToFileURL(api).href);
const emulator = await createEmulator({
  service: "slack",
  port: Number(port),
  hostname: "127.0.0.1",
  seed: { slack: JSON.parse(seed) },
});
process.stdout.write(`${emulator.url}\n`);
process.stdin.resume();
process.stdin.on("end", async () => {
  await emulator.close();
  process.exit(0);
});

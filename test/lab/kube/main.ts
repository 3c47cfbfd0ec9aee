import { once } from "node:events";
import { parseArgs } from "node:util";
import { startLabCluster } from "./cluster.ts";

/** `--port 0 --token T`: prints `{"server":"http://127.0.0.1:NNNN"}`, serves until SIGTERM. */
const { values } = parseArgs({ options: { port: { type: "string", default: "0" }, token: { type: "string" } } });
const { token } = values;
if (token === undefined) {
  console.error("say which token clients use: --token T");
  process.exit(2);
}
const cluster = await startLabCluster({ port: Number(values.port), token });
console.log(JSON.stringify({ server: cluster.server }));
await Promise.race([once(process, "SIGTERM"), once(process, "SIGINT")]);
await cluster.stop();

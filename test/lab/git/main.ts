/** `node test/lab/git/main.ts --root DIR [--port N]`: prints `{"url": ...}` and serves until it is ended. */
import { parseArgs } from "node:util";
import { startGitServer } from "./server.ts";

const { values } = parseArgs({ options: { root: { type: "string" }, port: { type: "string", default: "0" } } });
if (values.root === undefined) throw new Error("--root DIR: the folder with the bare repositories");

const server = await startGitServer({ root: values.root, port: Number(values.port) });
console.log(JSON.stringify({ url: server.url }));
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void server.stop());

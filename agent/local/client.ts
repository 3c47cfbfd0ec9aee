import { request } from "node:http";
import { join } from "node:path";
import type { Status } from "./status.ts";

/** Where the agent of this data folder answers commands. */
export function socketOf(dataDir: string): string {
  return join(dataDir, "local", "agent.sock");
}

/** What the agent says; null where none runs on this data folder. */
export async function askStatus(dataDir: string): Promise<Status | null> {
  const body = await ask(dataDir, "GET", "/status.json");
  return body === null ? null : (JSON.parse(body) as Status);
}

/** Has the agent look at its sources now. False where none runs. */
export async function askPull(dataDir: string): Promise<boolean> {
  return (await ask(dataDir, "POST", "/pull")) !== null;
}

function ask(dataDir: string, method: string, path: string): Promise<string | null> {
  return new Promise((resolve) => {
    const nobody = () => resolve(null);
    const asking = request({ socketPath: socketOf(dataDir), method, path, timeout: 10_000, agent: false }, (answer) => {
      let body = "";
      answer.setEncoding("utf8");
      answer.on("data", (chunk: string) => {
        body += chunk;
      });
      answer.once("end", () => resolve((answer.statusCode ?? 500) < 300 ? body : null));
      answer.once("error", nobody);
    });
    asking.once("timeout", () => asking.destroy());
    asking.once("error", nobody);
    asking.end();
  });
}

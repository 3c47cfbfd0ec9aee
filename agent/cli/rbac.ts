import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { parseCanonical } from "../../shared/canonical.ts";
import { AppError } from "../../shared/errors.ts";
import { matchesAny, matchesPattern } from "../../shared/names.ts";
import { parseAs } from "../../shared/parse.ts";
import { type Delegation, ROOT_MAX_BYTES, type Root, root } from "../../shared/root.ts";
import { sqliteCacheToRead } from "../cache/sqlite.ts";
import type { AgentConfig } from "../config.ts";
import { rightsFor } from "../rights/rights.ts";
import { rightsText } from "../rights/text.ts";

interface Options {
  root?: string;
  config?: string;
  bundles?: string[];
  clusterWide?: string[];
}

/**
 * `skerry-agent rbac`: what the agent of a site needs in its cluster, for `kubectl apply -f -`. From a root in a checkout, where the agent is to be
 * installed, or from the newest one that a site has on its disk.
 */
export function rbacCommand(program: Command, readConfig: (file: string) => AgentConfig): Command {
  return program
    .command("rbac")
    .description("the least rights with which a site's agent can keep what the root delegates, as YAML for kubectl")
    .option("--root <file>", "the root, as root/2.json of the fleet's checkout")
    .option("--config <file>", "or the configuration of an agent that has it on its disk")
    .option("--bundles <pattern...>", "only for these bundles, as the site record names them: pos base*")
    .option("--cluster-wide <kind...>", "custom kinds that no namespace holds: Fleet.example.com")
    .action((options: Options) => {
      const document = rootOf(options, readConfig);
      const delegations = document.bundles.filter(({ pattern }) => isMeant(pattern, options.bundles ?? ["*"]));
      const rights = rightsFor(delegations, options.clusterWide ?? []);
      process.stdout.write(rightsText(rights, `root ${document.number} of ${document.fleet}`));
    });
}

/** Whether some bundle is both delegated by the pattern and named by one of these. */
function isMeant(pattern: Delegation["pattern"], bundles: readonly string[]): boolean {
  return (
    matchesAny(bundles, pattern.replace(/\*$/, "")) ||
    bundles.some((named) => matchesPattern(pattern, named.replace(/\*$/, "")))
  );
}

function rootOf(options: Options, readConfig: (file: string) => AgentConfig): Root {
  if ((options.root === undefined) === (options.config === undefined)) {
    throw new AppError("usage", "it needs one of --root and --config", {
      fix: "name the root, or an agent that has it",
    });
  }
  const [bytes, where] = options.root === undefined ? newest(readConfig(options.config ?? "")) : fromFile(options.root);
  return parseAs(root, parseCanonical(bytes, where, ROOT_MAX_BYTES), where);
}

function newest({ dataDir }: AgentConfig): [Uint8Array, string] {
  const file = join(dataDir, "agent.db");
  const cache = sqliteCacheToRead(file);
  try {
    const document = cache.roots().at(-1);
    if (document === undefined) throw new AppError("not-found", "this site has no root yet", { where: file });
    return [document.body, `root in ${file}`];
  } finally {
    cache.close();
  }
}

function fromFile(file: string): [Uint8Array, string] {
  try {
    return [readFileSync(file), file];
  } catch (cause) {
    throw new AppError("config", "the root cannot be read", { where: file, cause, fix: "give its path with --root" });
  }
}

import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { AppError } from "../../shared/errors.ts";
import { nameOf } from "../../shared/live.ts";
import type { Log } from "../../shared/ports.ts";
import { connect } from "../apply/connect.ts";
import { sqliteCacheToRead } from "../cache/sqlite.ts";
import type { AgentConfig } from "../config.ts";
import { shown } from "../local/status.ts";
import { type Looked, lookAt } from "../look.ts";
import { diffOf } from "../prepare/diff.ts";
import { outputOption, print } from "./status.ts";

interface Options {
  config: string;
  output?: "json";
}

const QUIET: Log = { debug() {}, info() {}, warn() {}, error() {} };
type ReadConfig = (file: string) => AgentConfig;

/**
 * `skerry-agent plan`: the steps that the agent has before it, each with its reason, and what it waits for. Like `diff` it looks from beside,
 * changes nothing, and needs no agent that runs. Both exit 0 where nothing is to be done, 3 where something is, 1 where the cluster would
 * refuse it or cannot say.
 */
export function planCommand(program: Command, readConfig: ReadConfig): Command {
  return looking(program, "plan", "the steps from what is in the cluster to what should be, and why", readConfig, {
    data: (looked) => looked.map(planData),
    words: (looked) => looked.flatMap(planLines),
  });
}

/** `skerry-agent diff`: the fields that would change, by dry runs of the API server. Of Secrets it shows hashes. */
export function diffCommand(program: Command, readConfig: ReadConfig): Command {
  return looking(
    program,
    "diff",
    "the fields in the cluster that would change, by the API server's dry runs",
    readConfig,
    {
      data: (looked) =>
        looked.map(({ bundle, runs, version, found }) => ({
          bundle,
          runs,
          version,
          ...diffOf(found.changes),
          again: found.again,
        })),
      words: (looked) => looked.flatMap(diffLines),
    },
  );
}

function looking(
  program: Command,
  name: string,
  description: string,
  readConfig: ReadConfig,
  show: { data(looked: readonly Looked[]): object; words(looked: readonly Looked[]): string[] },
): Command {
  return program
    .command(`${name} [bundle]`)
    .description(description)
    .requiredOption("--config <file>", "the configuration file of the agent (YAML)")
    .addOption(outputOption())
    .action(async (bundle: string | undefined, options: Options) => {
      const looked = await look(readConfig(options.config), bundle ?? null);
      const words = () =>
        show
          .words(looked)
          .map((line) => `${shown(line)}\n`)
          .join("");
      print(options.output, show.data(looked), words);
      process.exitCode = codeOf(looked);
    });
}

async function look(config: AgentConfig, bundle: string | null): Promise<Looked[]> {
  const file = join(config.dataDir, "agent.db");
  if (!existsSync(file)) {
    throw new AppError("config", "no agent has run here", { where: config.dataDir, fix: "check dataDir" });
  }
  const kube = await connect(config.kube);
  const cache = sqliteCacheToRead(file);
  try {
    const { site, dataDir, root, adopt } = config;
    const world = { cache, kube, site, dataDir, rootDigest: root.digest, adopt: adopt === "always", log: QUIET };
    return await lookAt(world, bundle);
  } finally {
    cache.close();
    kube.close();
  }
}

function codeOf(looked: readonly Looked[]): number {
  if (looked.some(({ found }) => found.refused !== null || found.again !== null)) return 1;
  const isDone = ({ plan, found }: Looked) =>
    plan.steps.length === 0 && found.changes.every(({ action }) => action === "unchanged");
  return looked.every(isDone) ? 0 : 3;
}

/** Neither objects nor what is opened of them: a plan is shown by names and places. */
function planData({ bundle, runs, version, plan, found }: Looked) {
  const fields = new Map(found.changes.map((change) => [change.object, change.fields.map(({ path }) => path)]));
  const steps = plan.steps.map((step) => {
    const object = nameOf(step.ref);
    const because = "because" in step ? { because: step.because } : {};
    return { do: step.do, stage: step.stage, object, ...because, fields: fields.get(object) ?? [] };
  });
  return { bundle, runs, version, digest: plan.digest, steps, waitingOn: plan.waitingOn, drifted: plan.drifted };
}

function planLines(looked: Looked): string[] {
  const { steps, waitingOn } = planData(looked);
  if (steps.length + waitingOn.length === 0) return [`${titleOf(looked)}: nothing to do`];
  const lines = steps.flatMap(({ do: does, object, because, fields }) => [
    `  ${does.padEnd(8)} ${object}${because === undefined ? "" : `  (${because})`}`,
    ...fields.slice(0, MOST).map((path) => `             ${path}`),
    ...(fields.length > MOST ? [`             and ${fields.length - MOST} more`] : []),
  ]);
  const waits = waitingOn.map(({ on, object, words }) => `  waits    ${`${object} ${words}`.trim()}  (${on})`);
  return [titleOf(looked), ...lines, ...waits, ...troubles(looked)];
}

const MOST = 8;

function diffLines(looked: Looked): string[] {
  const { objects, unchanged, left } = diffOf(looked.found.changes);
  const lines = objects.flatMap(({ object, action, fields = [], left: rest, words, warnings = [] }) => [
    `  ${action} ${object}${words === undefined ? "" : `: ${words}`}`,
    ...fields.map(({ path, from, to }) => `    ${path}: ${from ?? "-"} -> ${to ?? "-"}`),
    ...(rest === undefined ? [] : [`    and ${rest.count} fields more`]),
    ...warnings.map((text) => `    warning: ${text}`),
  ]);
  const more = left === undefined ? [] : [`  and ${left.count} objects more`];
  const head = objects.length === 0 ? `${titleOf(looked)}: nothing would change` : titleOf(looked);
  return [
    head,
    ...lines,
    ...more,
    ...(unchanged === 0 ? [] : [`  ${unchanged} objects stay as they are`]),
    ...troubles(looked),
  ];
}

function troubles({ found: { refused, again } }: Looked): string[] {
  return [
    ...(refused === null ? [] : [`  refused  ${refused.words}`]),
    ...(again === null ? [] : [`  unknown  ${again}`]),
  ];
}

function titleOf({ bundle, runs, version }: Looked): string {
  if (runs === null) return `${bundle}: nothing to ${version}`;
  return runs === version ? `${bundle} ${version}` : `${bundle}: ${runs} to ${version}`;
}

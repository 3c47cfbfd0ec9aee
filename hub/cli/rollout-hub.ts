import { setTimeout as pause } from "node:timers/promises";
import { Command } from "commander";
import { AppError } from "../../shared/errors.ts";
import { milliseconds } from "../../shared/names.ts";
import type { PhaseKind } from "../../shared/verbs.ts";
import type { RunView } from "../api/contract.ts";
import { aligned } from "./columns.ts";
import { type HubAccess, HubClient } from "./hub-client.ts";
import { detailLines, line } from "./rollout-lines.ts";
import type { Session } from "./session.ts";

/** Between two looks at a run that is watched. */
const LOOK_MS = 2_000;

/** 0: it got where it was to go. 1: it will not, or not before a person acts. 3: not yet. */
const EXIT: Readonly<Record<PhaseKind, number>> = {
  planned: 3,
  preparing: 3,
  rolling: 3,
  reverting: 3,
  completed: 0,
  paused: 1,
  reverted: 1,
  aborted: 1,
  superseded: 1,
};

interface Look extends HubAccess {
  run?: string;
  output?: string;
}

/** What every command that asks a hub takes. */
export function ofHub(command: Command): Command {
  return command
    .option("--hub <url>", "the hub; left out: SKERRY_HUB")
    .option("-o, --output <format>", "json, for programs");
}

export function rolloutLsCommand(session: Session): Command {
  return ofHub(new Command("ls").description("list rollouts with their last run, as a hub has them")).action(
    async (options: Look) => {
      const { rollouts, runs } = await new HubClient(session, options).rollouts();
      const last = rollouts.map((rollout) => ({
        ...rollout,
        run: runs.findLast((run) => run.rollout === rollout.name) ?? null,
      }));
      if (asJson(options)) return session.print(JSON.stringify(last, undefined, 2));
      const rows = last.map(({ name, version, deleted, refused, run }) => [
        name,
        run?.version ?? version ?? "-",
        run?.id ?? "-",
        run?.phase ?? "-",
        refused ?? (deleted ? "its file was deleted" : (run?.words ?? "no run yet")),
      ]);
      for (const each of aligned([["NAME", "VERSION", "RUN", "PHASE", "WHY"], ...rows])) session.print(each);
    },
  );
}

export function rolloutStatusCommand(session: Session): Command {
  const command = new Command("status")
    .description("show a run: exit 0 completed, 1 stopped, 3 not yet")
    .argument("<name>", "of the rollout")
    .option("--run <id>", "left out: its last one");
  return ofHub(command).action(async (name: string, options: Look) => {
    const client = new HubClient(session, options);
    const run = await find(client, name, options.run);
    const back = run.verbs.includes("revert") ? await client.wayBack(run) : null;
    if (asJson(options)) session.print(JSON.stringify({ ...run, return: back }, undefined, 2));
    else for (const each of detailLines(run, back)) session.print(each);
    session.end(EXIT[run.phase]);
  });
}

export function rolloutWatchCommand(session: Session): Command {
  const command = new Command("watch")
    .description(
      "print what a run waits for whenever that changes, until it has ended or waits for a person: exits as status",
    )
    .argument("<name>", "of the rollout")
    .option("--run <id>", "left out: its last one, and the one that supersedes it")
    .option("--for <duration>", "no longer than this, as in 30m");
  return ofHub(command).action(async (name: string, options: Look & { for?: string }) => {
    const client = new HubClient(session, options);
    const end = options.for === undefined ? Number.POSITIVE_INFINITY : performance.now() + durationOf(options.for);
    for (let shown = ""; ; ) {
      const run = await find(client, name, options.run);
      const text = asJson(options) ? JSON.stringify(run) : line(run);
      if (text !== shown) session.print(text);
      shown = text;
      session.end(EXIT[run.phase]);
      if (EXIT[run.phase] !== 3 || performance.now() >= end) return;
      await pause(Math.min(LOOK_MS, Math.max(0, end - performance.now())));
    }
  });
}

/** Throws `not-found`. */
export async function find(client: HubClient, rollout: string, id?: string): Promise<RunView> {
  const { rollouts, runs } = await client.rollouts();
  const run = runs.findLast((each) => each.rollout === rollout && (id === undefined || each.id === id));
  if (run !== undefined) return run;
  const refused = rollouts.find(({ name }) => name === rollout)?.refused;
  if (refused != null) throw new AppError("not-found", `${rollout} has no run: ${refused}`);
  const known = rollouts.map(({ name }) => name).join(", ");
  throw new AppError(
    "not-found",
    id === undefined ? `the hub has no rollout ${rollout}` : `${rollout} has no run ${id}`,
    {
      fix: known === "" ? "it has none" : `it has ${known}`,
    },
  );
}

/** Throws `usage`. */
export function asJson({ output }: { output?: string }): boolean {
  if (output === undefined || output === "json") return output === "json";
  throw new AppError("usage", `-o ${output} is no format`, { fix: "leave it out, or use json" });
}

function durationOf(text: string): number {
  const ms = milliseconds(text);
  if (ms > 0) return ms;
  throw new AppError("usage", `--for ${text} is no duration`, { fix: "write 90s, 30m or 2h" });
}

import { basename } from "node:path";
import { Command } from "commander";
import { alike } from "../../shared/canonical.ts";
import { AppError } from "../../shared/errors.ts";
import { sha256Hex } from "../../shared/node/sha256.ts";
import { parseAs } from "../../shared/parse.ts";
import { valuesHash } from "../../shared/render/values.ts";
import type { Rollout } from "../../shared/rollout.ts";
import type { RunView } from "../api/contract.ts";
import { type FleetExport, fleetExport } from "../api/fleet-export.ts";
import { readWhole } from "../build/signed-files.ts";
import { openRolloutFile } from "../follow/rollout-file.ts";
import { placed } from "../placed.ts";
import { plan } from "../rollout/plan.ts";
import { jobsAbove } from "../rollout/ran.ts";
import type { Plan, Target } from "../rollout/run.ts";
import { refuseValues } from "../rollout/values.ts";
import { HubClient } from "./hub-client.ts";
import { previewLines } from "./rollout-lines.ts";
import { memberOf } from "./rollout-plan-fleet.ts";
import { rolloutJsonSchema } from "./rollout-schema.ts";
import type { Session } from "./session.ts";

const SHOWN = 12;

export function rolloutSchemaCommand(session: Session): Command {
  return new Command("schema")
    .description("print the JSON Schema of rollout files, for editors")
    .action(() => session.print(JSON.stringify(rolloutJsonSchema(), undefined, 2)));
}

export function rolloutPlanCommand(session: Session): Command {
  return new Command("plan")
    .description("print which sites each wave of a rollout file would have, with no hub or with what one knows")
    .argument("<file>", "rollouts/<name>.yaml")
    .option("--fleet <export.json>", "what `GET /api/v1/fleet/export` of the hub answered; left out: the hub is asked")
    .option("--hub <url>", "the hub; left out: SKERRY_HUB")
    .option("--json", "the whole plan, for programs")
    .action(async (file: string, options: { fleet?: string; hub?: string; json?: boolean }) => {
      const bytes = await readWhole(session.path(file));
      const { spec, where } = openRolloutFile(bytes, file);
      const hub = options.fleet === undefined ? new HubClient(session, options) : null;
      const fleet = hub === null ? await readExport(session.path(options.fleet ?? "")) : await hub.fleet();
      const known = fleet.versions.find(({ bundle, version }) => bundle === spec.bundle && version === spec.version);
      try {
        const members = fleet.sites.map((site) => memberOf(site, Date.parse(fleet.at)));
        if (known?.variables !== undefined) refuseValues(spec, known.variables);
        const target = targetOf(spec, known);
        const found = plan(spec, target, members, sha256Hex(bytes));
        if (options.json === true) return session.print(JSON.stringify(found, undefined, 2));
        for (const line of inLines(found, spec, known !== undefined)) session.print(line);
        for (const { job, sites } of jobsAbove(found, members, target)) {
          session.print(`a return does not undo the Job ${job}, at ${sites} sites`);
        }
        for (const line of hub === null ? [] : await preparedLines(hub, target)) session.print(line);
      } catch (error) {
        throw placed(error, where);
      }
    });
}

/** What sites found that have prepared this very version with these values for a run: it holds for another plan of it, too. */
async function preparedLines(hub: HubClient, { bundle, version, given }: Target): Promise<string[]> {
  const { runs } = await hub.rollouts();
  const same = (run: RunView) => run.bundle === bundle && run.version === version && alike(run.values, given);
  const preview = runs.findLast((run) => same(run) && run.preview !== null)?.preview ?? null;
  return preview === null ? [] : previewLines(preview);
}

async function readExport(path: string): Promise<FleetExport> {
  const text = new TextDecoder().decode(await readWhole(path));
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new AppError("malformed", "the export is not JSON", {
      where: basename(path),
      cause,
      fix: "save it anew: `curl http://HUB/api/v1/fleet/export > export.json`",
    });
  }
  return parseAs(fleetExport, value, basename(path));
}

/** A version that the hub does not know yet is new, and new is above every floor. */
function targetOf(spec: Rollout, known: FleetExport["versions"][number] | undefined): Target {
  const unknown = {
    digest: "0".repeat(64),
    pair: [Number.MAX_SAFE_INTEGER, 1],
    floor: [1, 1],
  } satisfies Partial<Target>;
  const { digest, pair, floor } = known ?? unknown;
  const { bundle, version, values: given } = spec;
  return { bundle, version, digest, pair: [...pair], floor: [...floor], given, values: valuesHash(given) };
}

function inLines({ waves, left, doubly, own = [] }: Plan, spec: Rollout, isKnown: boolean): string[] {
  const count = waves.reduce((sum, { sites }) => sum + sites.length, 0);
  const named = new Set(spec.waves.map(({ name }) => name));
  return [
    `${spec.bundle} ${spec.version}: ${count} sites in ${waves.length} waves, ${left.length} left out`,
    ...(isKnown ? [] : ["the hub does not know this version yet: it is taken as newer than all others"]),
    ...(isKnown || Object.keys(spec.values).length === 0 ? [] : ["its values are checked once it is published"]),
    ...waves.map(({ name, sites }) => {
      const implicit = named.has(name) ? "" : " that no wave of the file has";
      const more = sites.length > SHOWN ? ` and ${sites.length - SHOWN} more` : "";
      return `wave ${name}: ${sites.length} sites${implicit}: ${sites.slice(0, SHOWN).join(" ")}${more}`;
    }),
    ...own.map(({ site, names }) => `${site} keeps the ${names.join(", ")} of its site record`),
    ...left.map(({ site, why }) => `left out ${site}: ${why}`),
    ...doubly.map(({ site, waves: both }) => `${site} fits ${both.join(" and ")}: the first of them has it`),
  ];
}

import { load } from "js-yaml";
import type { FleetMember } from "../../../hub/registry/site.ts";
import { inWordsBecause } from "../../../hub/rollout/because.ts";
import { wayBackOf } from "../../../hub/rollout/offer.ts";
import { isOver, isTaken, placeAfter } from "../../../hub/rollout/queue.ts";
import type { Effect, Input, Run, Target } from "../../../hub/rollout/run.ts";
import { startRun } from "../../../hub/rollout/start.ts";
import { step } from "../../../hub/rollout/step.ts";
import { actOf, refusalOf } from "../../../hub/rollout/verb.ts";
import { AppError, ERROR_CODES, inWords } from "../../../shared/errors.ts";
import { milliseconds, type Values } from "../../../shared/names.ts";
import { valuesHash } from "../../../shared/render/values.ts";
import { ITEM_STATES } from "../../../shared/report.ts";
import { type RunVerb, VERBS } from "../../../shared/verbs.ts";
import { digestOf, heard, memberOf, reportOf, specOf, targetOf } from "./samples.ts";
import { type Turn, World } from "./world.ts";

/**
 * Scripts in the manner of etcd raft's interaction-driven tests. A file is blocks of commands, a line `----`, and what they
 * print; comments start with `#`. Indented lines belong to the command above them. `v2` is version 1.2.0, pair 1.2.
 *
 *   fleet                          sites, one a line: id, labels, `sets=NAME` of its record, and `runs=v1` (mark=v2, floor=v1,
 *                                  previous=v1) reported long ago
 *   rollout v2 [seed=x] [back] [by=WHO] [name=pos]     plans a run from YAML (kind, bundle, version are added); a run before it of that
 *                                  rollout is superseded
 *   step [+10s]                    lets time pass and steps every run; prints phases, outcomes that changed, effects
 *   report S STATE [vN] [healthy=N] [failed=CODE] [refused=CODE] [down=N] [values=N|none|HASH] [previous=vN] [before=N|none]
 *          [floor=vN] [held] [untaken] [job=NAME] [through]     a Job that ran, a phase without return that is through; values are those of REPLICAS; left out: what the newest run gives; `before` of the previous
 *   pause|resume|approve|promote|skip|retry|revert|abort WHO [wave=W] [site=S] [run=R] REASON     says why where it is refused
 *   prepared S [CODE]              the site takes its set, and says that it is ready, or why not
 *   clock TIME                     the hub's clock from now on; gone S: the broker says that the site is gone; wiped S: it lost its disk, and takes its set
 *   promoted ROLLOUT               another rollout completed with this version
 *   wayback                        what a person is told before the newest run is sent back
 *   file WORDS, join S LABELS, leave S, sites
 */
export class Script {
  readonly #world = new World();
  readonly #inputs = new Map<string, Input[]>();
  /** What sites ran before the script began was brought by runs, too. */
  readonly #before: Target[] = [];

  run(commands: string): string {
    const output: string[] = [];
    for (const { words, body } of commandsOf(commands)) output.push(...this.#command(words, body));
    return output.map((line) => `${line}\n`).join("");
  }

  #command([verb, ...args]: string[], body: string): string[] {
    switch (verb) {
      case "fleet":
        for (const line of body.split("\n").filter((text) => text.trim() !== "")) this.#join(line.trim().split(/\s+/));
        return [];
      case "join":
        this.#join(args);
        return [];
      case "leave":
        this.#world.fleet.delete(args[0] ?? "");
        return [];
      case "rollout":
        return this.#rollout(args, body);
      case "report":
        this.#report(args);
        return [];
      case "prepared":
        this.#prepared(args);
        return [];
      case "wiped":
        this.#wiped(args[0] ?? "");
        return [];
      case "step":
        this.#world.now += milliseconds((args[0] ?? "+0").slice(1));
        return this.#step();
      case "clock":
        this.#world.now = Date.parse(args[0] ?? "");
        return [];
      case "gone":
        this.#gone(args[0] ?? "");
        return [];
      case "promoted":
        this.#tell({ kind: "promoted", rollout: args[0] ?? "", at: this.#world.now });
        return [];
      case "file":
        this.#tell({ kind: "file", words: args.join(" ") });
        return [];
      case "sites":
        return this.#sites();
      case "wayback": {
        const { sites, left, jobs } = wayBackOf(this.#newest(), this.#world.fleet);
        const not = left.map(({ site, why }) => `may not go back ${site}: ${why}`);
        return [`${sites} would go back`, ...not, ...jobs.map(({ job, sites }) => `not undone: ${job}, at ${sites}`)];
      }
      default:
        return this.#act(known(Object.keys(VERBS).filter((each) => each !== "start") as RunVerb[], verb), args);
    }
  }

  #act(verb: RunVerb, [who = "", ...words]: string[]): string[] {
    const wave = words.find((word) => word.startsWith("wave="))?.slice(5);
    const site = words.find((word) => word.startsWith("site="))?.slice(5);
    const reason = words.filter((word) => !/^(?:wave|site|run)=/.test(word)).join(" ");
    const act = actOf({ verb, who, reason, wave, site });
    const run = words.find((word) => word.startsWith("run="))?.slice(4);
    const refusal = refusalOf(this.#newest(run), act);
    if (refusal !== null) return [`refused ${refusal}`];
    this.#tell(act, run);
    return [];
  }

  #gone(id: string): void {
    const member = this.#world.member(id);
    this.#world.fleet.set(id, { ...member, site: { ...member.site, presence: "offline" } });
  }

  #wiped(id: string): void {
    const set = this.#world.sets.get(id)?.set;
    const body = reportOf({}, set === undefined ? undefined : [set.term, set.number]);
    this.#world.fleet.set(id, heard(this.#world.member(id), { ...body, items: [] }, this.#world.now));
  }

  #join([id = "", ...rest]: string[]): void {
    const entries = rest.map((pair) => pair.split("=") as [string, string]);
    const special = new Set(["runs", "bundles", "mark", "floor", "previous", "sets"]);
    const labels = Object.fromEntries(entries.filter(([key]) => !special.has(key)));
    const given = Object.fromEntries(entries);
    const sets = given["sets"] === undefined ? {} : { sets: { pos: given["sets"].split(",") } };
    const member = memberOf(id, labels, { bundles: given["bundles"]?.split(",") ?? ["pos"], ...sets });
    this.#world.join(given["runs"] === undefined ? member : this.#settled(member, given));
  }

  /** Committed long before the script began. */
  #settled(member: FleetMember, { runs, mark, floor, previous }: Record<string, string>): FleetMember {
    const number = versionOf(runs ?? "");
    this.#before.push(targetOf(number));
    const item = {
      digest: digestOf(number).slice(0, 32),
      healthyFor: 86_400,
      marks: [
        [1, mark === undefined ? number : versionOf(mark)],
        floor === undefined ? targetOf(number).floor : [1, versionOf(floor)],
      ] as [[number, number], [number, number]],
      ...(previous === undefined ? {} : { previous: digestOf(versionOf(previous)).slice(0, 32) }),
    };
    return heard(member, reportOf(item, undefined), -86_400_000);
  }

  #rollout(args: string[], body: string): string[] {
    const number = versionOf(args[0] ?? "");
    const seed = args.find((arg) => arg.startsWith("seed="))?.slice(5) ?? "a";
    const rollout = args.find((arg) => arg.startsWith("name="))?.slice(5) ?? "pos";
    const own = [...this.#world.runs.values()].filter((run) => run.rollout === rollout);
    const id = `${rollout}-${own.length + 1}`;
    const parsed = body.trim() === "" ? {} : (load(body) as { values?: Values });
    const target = targetOf(number, parsed.values);
    const startedBy = args.find((arg) => arg.startsWith("by="))?.slice(3);
    const known = [...this.#world.runs.values()].map((run) => run.target).concat(this.#before);
    const start = {
      id,
      rollout,
      commit: "0".repeat(40),
      target,
      back: args.includes("back"),
      seed,
      known: known.filter(({ digest, values }) => digest !== target.digest || values !== target.values),
      ...(startedBy !== undefined && { startedBy }),
      ...placeAfter(own.filter((run) => !isOver(run))),
    };
    try {
      const spec = specOf({ ...parsed, version: target.version });
      const run = startRun({ ...start, spec }, [...this.#world.fleet.values()], this.#world.now);
      for (const older of own) this.#tell({ kind: "superseded", by: id }, older.id);
      this.#world.runs.set(id, run);
      return [
        ...run.plan.waves.map((wave) => `wave ${wave.name}: ${wave.sites.join(" ")}`),
        ...run.plan.left.map((left) => `left ${left.site}: ${left.code}, ${left.why}`),
        ...run.plan.doubly.map((entry) => `doubly ${entry.site}: ${entry.waves.join(", ")}`),
        ...(run.plan.own ?? []).map((entry) => `own ${entry.site}: ${entry.names.join(", ")}`),
      ];
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      return [`refused ${inWords(error)}`];
    }
  }

  #report([id = "", state, ...rest]: string[]): void {
    const member = this.#world.member(id);
    const options = Object.fromEntries(rest.map((text) => text.split("=") as [string, string]));
    const newest = this.#numberOfNewest();
    const number = versionOf(rest.find((text) => /^v\d+$/.test(text)) ?? `v${newest}`);
    const failing = digestOf(newest).slice(0, 32);
    const set = this.#world.sets.get(id)?.set;
    const before = member.site.report?.body;
    const taken = "untaken" in options || set === undefined ? before?.assignment : ([set.term, set.number] as const);
    const body = reportOf(
      {
        digest: digestOf(number).slice(0, 32),
        state: known(ITEM_STATES, state),
        values: this.#valuesOf(options["values"], number === newest),
        healthyFor: Number(options["healthy"] ?? 0),
        objects: { total: 4, healthy: 4 - Number(options["down"] ?? 0), drifted: 0 },
        ...(options["failed"] === undefined
          ? {}
          : { failed: { digest: failing, ...this.#failedValues(), code: known(ERROR_CODES, options["failed"]) } }),
        ...(options["previous"] === undefined
          ? {}
          : { previous: digestOf(versionOf(options["previous"])).slice(0, 32) }),
        ...(options["job"] === undefined ? {} : { jobs: [`shop/${options["job"]} of 1.${number}.0: complete`] }),
        ...("through" in options && { flags: ["no-return" as const] }),
        ...(options["before"] === undefined ? {} : { previousValues: this.#valuesOf(options["before"], false) }),
        ...markOf(before?.items[0]?.marks, state === "committed" ? number : undefined, options["floor"]),
      },
      taken === undefined ? undefined : [taken[0], taken[1]],
    );
    const code = options["refused"];
    const refused =
      code === undefined ? {} : { refused: [{ bundle: "pos", digest: failing, code: known(ERROR_CODES, code) }] };
    const held = "held" in options ? { held: "stock-taking" } : {};
    const here = { ...member, site: { ...member.site, presence: "online" as const } };
    this.#world.fleet.set(id, heard(here, { ...body, ...refused, ...held }, this.#world.now));
  }

  /** `2` is the hash of `REPLICAS: 2`, `none` of no values; left out: what the newest run gives, for its own version. */
  #valuesOf(text: string | undefined, isTarget: boolean): string {
    if (text === undefined) return isTarget ? ([...this.#world.runs.values()].at(-1)?.target.values ?? "") : "";
    if (text === "none") return "";
    return /^[0-9a-f]{16}$/.test(text) ? text : valuesHash({ REPLICAS: Number(text) });
  }

  #failedValues(): { values?: string } {
    const values = this.#valuesOf(undefined, true);
    return values === "" ? {} : { values };
  }

  #prepared([id = "", code]: string[]): void {
    const member = this.#world.member(id);
    const set = this.#world.sets.get(id)?.set;
    const body = reportOf({}, set === undefined ? undefined : [set.term, set.number]);
    const said = {
      bundle: "pos",
      digest: digestOf(this.#numberOfNewest()).slice(0, 32),
      values: this.#valuesOf(undefined, true),
      record: member.record,
      ...(code === undefined ? {} : { code: known(ERROR_CODES, code) }),
    };
    const items = member.site.report?.body.items ?? [];
    this.#world.fleet.set(id, heard(member, { ...body, items, prepared: [said] }, this.#world.now));
  }

  #numberOfNewest(): number {
    return versionOf([...this.#world.runs.values()].at(-1)?.target.version ?? "v1");
  }

  #step(): string[] {
    const { turns, changed } = this.#world.turn(this.#inputs);
    this.#inputs.clear();
    for (const { run, effects } of turns) this.#mustBeSettled(run, effects);
    const numbers = new Map(changed.map(({ site, set }) => [site, set.number]));
    const decided = turns.filter(({ before }) => before.phase.kind !== "superseded" && before.phase.kind !== "aborted");
    return decided.flatMap((turn) => this.#lines(turn, numbers));
  }

  #lines({ before, run, because, effects }: Turn, numbers: ReadonlyMap<string, number>): string[] {
    return [
      `+${this.#world.now / 1000}s ${run.id} ${phaseOf(run)} | ${inWordsBecause(because)}`,
      ...outcomesThatChanged(before, run).map((line) => `  ${line}`),
      ...effects.map((effect) => `  ${inWordsEffect(effect, run, numbers)}`),
    ];
  }

  /** Every step of every script also proves that a second step decides nothing more. */
  #mustBeSettled(run: Run, effects: readonly Effect[]): void {
    const again = step(run, this.#world.fleet, [], this.#world.now);
    if (again.run !== run) throw new Error(`${run.id} was not settled after ${effects.length} effects`);
    const undone = again.effects.filter((effect) => !isTaken(effect, this.#world.runs, this.#world.fleet));
    if (undone.length > 0) throw new Error(`effects were not done: ${JSON.stringify(again.effects)}`);
  }

  #sites(): string[] {
    return [...this.#newest().sites].map(([site, progress]) => {
      const items = (this.#world.sets.get(site)?.set.items ?? []).map((item) => {
        const every = item.reportEvery === undefined ? "" : ` every ${item.reportEvery}`;
        const ended = item.ended === true ? ", ended" : "";
        return `${item.mode === "run" ? "assigned" : "prepares"} ${item.version} by ${item.run}/${item.wave}${every}${ended}`;
      });
      return `${site} ${progress.outcome} ${items.length === 0 ? "nothing assigned" : items.join(", ")}`;
    });
  }

  #newest(id?: string): Run {
    const run = id === undefined ? [...this.#world.runs.values()].at(-1) : this.#world.runs.get(id);
    if (run === undefined) throw new Error("no rollout yet");
    return run;
  }

  /** To a run, or to the newest, if there is one. */
  #tell(input: Input, id?: string): void {
    const run = id === undefined ? [...this.#world.runs.values()].at(-1) : this.#world.runs.get(id);
    if (run !== undefined) this.#inputs.set(run.id, [...(this.#inputs.get(run.id) ?? []), input]);
  }
}

function commandsOf(text: string): { words: string[]; body: string }[] {
  const found: { words: string[]; body: string }[] = [];
  for (const line of text.split("\n")) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const last = found.at(-1);
    if (!line.startsWith("  ")) found.push({ words: line.trim().split(/\s+/), body: "" });
    else if (last !== undefined) last.body += `${line}\n`;
  }
  return found;
}

function phaseOf({ phase, plan }: Run): string {
  if (phase.kind !== "rolling") return phase.kind;
  return `rolling ${plan.waves[phase.wave]?.name} ${phase.step}`;
}

function outcomesThatChanged(before: Run, after: Run): string[] {
  return [...after.sites].flatMap(([site, { outcome, code }]) => {
    const was = before.sites.get(site)?.outcome ?? "joined";
    return was === outcome ? [] : [`${site} ${was} -> ${outcome}${code === null ? "" : ` (${code})`}`];
  });
}

function inWordsEffect(effect: Effect, run: Run, numbers: ReadonlyMap<string, number>): string {
  switch (effect.kind) {
    case "assign": {
      const { digest, given, version } = effect.target;
      const target = digest === run.target.digest ? "" : ` ${version}`;
      const set = Object.entries(given).map(([name, value]) => ` ${name}=${String(value)}`);
      return `assign ${effect.site}${target}${set.join("")}${effect.back ? " back" : ""}${effect.retry === true ? " again" : ""} as set ${numbers.get(effect.site)}`;
    }
    case "withdraw":
      return `withdraw ${effect.site} as set ${numbers.get(effect.site)}`;
    case "prepare":
      return `prepare ${effect.site}${effect.retry === true ? " again" : ""} as set ${numbers.get(effect.site)}`;
    case "end":
    case "unprepare":
      return `${effect.kind} ${effect.site} as set ${numbers.get(effect.site)}`;
    case "notice":
      return `notice ${effect.site === null ? "" : `${effect.site}: `}${effect.words}`;
  }
}

function markOf(
  before: [[number, number], [number, number]] | undefined,
  committed: number | undefined,
  floor: string | undefined,
) {
  if (committed === undefined) return before === undefined ? {} : { marks: before };
  const highest = Math.max(committed, before?.[0][1] ?? 1);
  const marks: [[number, number], [number, number]] = [
    [1, highest],
    floor === undefined ? (before?.[1] ?? [1, 1]) : [1, versionOf(floor)],
  ];
  return { marks };
}

/** `v2` or `1.2.0`. */
function versionOf(text: string): number {
  return Number(/^(?:v|1\.)(\d+)/.exec(text)?.[1]);
}

function known<T extends string>(list: readonly T[], value: string | undefined): T {
  const found = list.find((item) => item === value);
  if (found === undefined) throw new Error(`${value} is none of ${list.join(", ")}`);
  return found;
}

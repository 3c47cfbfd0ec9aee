/**
 * The import rules, as a pure function over sources, so that the test can plant breaches. Each rule says why it is there.
 */
export interface Source {
  /** From the root of the tree, forward slashes. */
  path: string;
  text: string;
}

export interface Breach {
  path: string;
  rule: keyof typeof WHY;
  words: string;
}

export const WHY = {
  "two-programs": "agent and hub meet on the wire only; what both need is shared/",
  "shared-alone": "shared/ serves both programs, so it can know neither",
  "shared-top-is-browser-safe": "the web page bundles the files directly in shared/",
  "one-way": "data flows one way: a stage that calls a later one makes every decision depend on its own outcome",
  "adapters-at-the-edge": "only the wiring chooses what the ports are made of; stages then run on stand-ins unchanged",
  "pure-is-pure": "a decision that reads a clock, chance or the world cannot be replayed, simulated or golden-tested",
  "ui-is-light": "the page runs in a browser: the contract is all it knows of the hub",
  "no-default-exports": "a thing has one name everywhere",
  "no-barrels": "an import says where a thing lives",
  "no-cycles": "a cycle is two files that are one, badly cut",
  "small-files": "a file is one decision; past 300 lines it is several",
} as const;

/** Stages in the order of the flow. A stage imports earlier ones by type only. */
const FLOWS: Readonly<Record<string, readonly string[]>> = {
  agent: ["link", "pull", "cache", "target", "unseal", "render", "plan", "apply", "observe", "prepare", "report"],
  hub: ["follow", "ingest", "registry", "rollout", "preview", "assign", "publish", "notify", "api"],
};

/** The heads of ports: they name types of any stage, and any stage may know them. */
const PORTS = new Set([
  "agent/apply/kube.ts",
  "agent/cache/cache.ts",
  "agent/keep/keep.ts",
  "agent/link/link.ts",
  "hub/broker/bus.ts",
  "hub/registry/store.ts",
  "shared/source/source.ts",
]);

const ADAPTER =
  /^(?:agent\/cache\/(?:sqlite|schema)|agent\/apply\/(?:connect|rest)|agent\/keep\/kube-vault|agent\/link\/(?:mqtt|redial|backoff)|hub\/registry\/(?:sqlite|schema|lease|people)|hub\/broker\/(?!bus\.ts)|shared\/source\/(?:git|directory|mirror(?!-layout)))/;

/** Where nothing but arguments may decide. */
const PURE =
  /^(?:shared\/[^/]+\.ts|shared\/(?:verify|render)\/|agent\/(?:target|plan|prepare|report)\/|agent\/observe\/(?!(?:live|kind-watch)\.ts)|hub\/registry\/(?:fold|site)\.ts|hub\/(?:rollout|preview|assign)\/|hub\/api\/(?:view|site-view|run-view|contract|snapshot)\.ts|hub\/notify\/status\.ts|hub\/(?:decide|changes|intake|notices)\.ts)/;

const IMPURE: readonly (readonly [RegExp, string])[] = [
  [/\basync\b|\bawait\b/, "async"],
  [/["']node:/, "a Node module"],
  [/\bDate\.now\b|\bnew Date\(\)|\bperformance\./, "a clock"],
  [/\bMath\.random\b|\bcrypto\./, "randomness"],
  [/\bset(?:Timeout|Interval|Immediate)\b/, "a timer"],
  [/\bprocess\./, "process"],
  [/\bconsole\./, "console"],
];

interface Import {
  to: string;
  typeOnly: boolean;
}

export function breaches(sources: readonly Source[]): Breach[] {
  const graph = new Map(sources.map((source) => [source.path, importsOf(source)]));
  return [...sources.flatMap((source) => breachesOf(source, graph.get(source.path) ?? [])), ...cycles(graph)];
}

function breachesOf({ path, text }: Source, imports: readonly Import[]): Breach[] {
  const found: Breach[] = [];
  const say = (rule: Breach["rule"], words: string) => found.push({ path, rule, words });
  const [area = "", room = ""] = path.split("/");
  const stage = path.split("/").length > 2 ? room : "";
  for (const { to, typeOnly } of imports) {
    if (to.startsWith("node:")) continue;
    const [toArea = "", toRoom = ""] = to.split("/");
    const toStage = to.split("/").length > 2 ? toRoom : "";
    if (area === "shared" && toArea !== "shared") say("shared-alone", to);
    if ((area === "agent" && toArea === "hub") || (area === "hub" && toArea === "agent")) say("two-programs", to);
    if (ADAPTER.test(to) && !isWiring(path) && !(ADAPTER.test(path) && folderOf(path) === folderOf(to)))
      say("adapters-at-the-edge", to);
    if (stage === "ui" && !allowedForPage(to)) say("ui-is-light", to);
    if (area === toArea && stage !== "" && toStage !== stage && stage !== "ui" && stage !== "cli") {
      const verdict = betweenStages(path, stage, to, toStage, typeOnly);
      if (verdict !== null) say("one-way", verdict);
    }
  }
  if (PURE.test(path)) {
    const code = withoutComments(text);
    for (const [pattern, words] of IMPURE) if (pattern.test(code)) say("pure-is-pure", words);
  }
  if (
    area === "shared" &&
    stage === "" &&
    imports.some(({ to }) => to.startsWith("node:") || to.startsWith("shared/node/"))
  ) {
    say("shared-top-is-browser-safe", "Node");
  }
  if (/^export default\b/m.test(text)) say("no-default-exports", "export default");
  if (/^export (?:\*|\{[^}]*\}) from\b/m.test(text)) say("no-barrels", "re-export");
  const lines = text.split("\n").length;
  if (lines > 300) say("small-files", `${lines} lines`);
  return found;
}

/** null where the import is allowed. */
function betweenStages(path: string, stage: string, to: string, toStage: string, typeOnly: boolean): string | null {
  const area = path.split("/")[0] ?? "";
  if (area === "shared" || PORTS.has(path) || PORTS.has(to)) return null;
  // An adapter carries what its port names, whichever stage that comes from.
  if (ADAPTER.test(path) && typeOnly) return null;
  const order = FLOWS[area] ?? [];
  const [own, other] = [order.indexOf(stage), order.indexOf(toStage)];
  if (toStage === "") return `${to}: wiring`;
  if (own === -1) return typeOnly ? null : `${to}: ${stage} is outside the flow and may know its types only`;
  if (other === -1 || other > own) return `${to}: ${stage} comes before ${toStage}`;
  return typeOnly ? null : `${to}: more than a type of ${toStage}`;
}

function isWiring(path: string): boolean {
  return /^(?:(?:agent|hub)\/main\.ts$|agent\/(?:sources|open)\.ts$|(?:agent|hub)\/cli\/)/.test(path);
}

function allowedForPage(to: string): boolean {
  return to.startsWith("hub/ui/") || /^hub\/api\/contract(?:-verb)?\.ts$/.test(to) || /^shared\/[^/]+$/.test(to);
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, "").replaceAll(/^\s*\/\/.*$/gm, "");
}

/** Static imports and re-exports, and dynamic imports of a literal. */
function importsOf({ path, text }: Source): Import[] {
  const code = withoutComments(text);
  const found: Import[] = [];
  const statements = /^(?:import|export)\s+(?:(type\s+)?([^;"'=]*?)\s*from\s*)?["'](\.[^"']*)["']/gm;
  for (const [, type, names, target] of code.matchAll(statements)) {
    if (target === undefined) continue;
    const braces = /^\{([^}]*)\}$/.exec(names?.trim() ?? "");
    const all = (braces?.[1] ?? "").split(",").flatMap((name) => (name.trim() === "" ? [] : [name.trim()]));
    const typeOnly = type !== undefined || (all.length > 0 && all.every((name) => name.startsWith("type ")));
    found.push({ to: resolved(path, target), typeOnly });
  }
  for (const [, target] of code.matchAll(/["'](node:[^"']+)["']/g))
    if (target !== undefined) found.push({ to: target, typeOnly: false });
  for (const [, target] of code.matchAll(/\bimport\(\s*["'](\.[^"']*)["']\s*\)/g)) {
    if (target !== undefined) found.push({ to: resolved(path, target), typeOnly: false });
  }
  return found;
}

function resolved(from: string, target: string): string {
  const parts = folderOf(from).split("/");
  for (const step of target.split("/")) {
    if (step === "..") parts.pop();
    else if (step !== ".") parts.push(step);
  }
  return parts.join("/");
}

/** Cycles of imports that exist at run time; types are gone by then. */
function cycles(graph: ReadonlyMap<string, readonly Import[]>): Breach[] {
  const state = new Map<string, "open" | "done">();
  const found: Breach[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    if (state.get(path) === "done") return;
    if (state.get(path) === "open") {
      found.push({ path, rule: "no-cycles", words: [...trail.slice(trail.indexOf(path)), path].join(" -> ") });
      return;
    }
    state.set(path, "open");
    for (const { to, typeOnly } of graph.get(path) ?? []) if (!typeOnly && graph.has(to)) visit(to, [...trail, path]);
    state.set(path, "done");
  };
  for (const path of graph.keys()) visit(path, []);
  return found;
}

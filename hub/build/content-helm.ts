import { join } from "node:path";
import { AppError } from "../../shared/errors.ts";
import type { BuiltFile } from "./manifests.ts";
import { namespaced } from "./namespaced.ts";
import { failed, linesOf, type Rendered, readRendered, splitDocuments } from "./rendered.ts";
import { type BundleFolder, filesAt, readTexts } from "./repository.ts";
import { findTool, runTool, versionOf } from "./tool.ts";
import { inWorkshop, type Workshop } from "./tree-export.ts";

/** What charts are told that the cluster is, whatever cluster the person who builds can reach. */
const KUBE_VERSION = "v1.36.0";
const HOOK = "helm.sh/hook";

export interface HelmContent {
  /** Folder of the chart, below that of bundle.yaml. */
  chart: string;
  values: string | undefined;
  namespace: string;
}

export interface HelmPlaces {
  chart: string;
  values: string;
}

/** What `helm template` makes of a chart of the commit, as release `name`. Objects without a namespace get the bundle's. */
export async function renderHelm(
  bundle: BundleFolder,
  name: string,
  content: HelmContent,
  where: HelmPlaces,
): Promise<Rendered & { files: BuiltFile[] }> {
  const file = await findTool(["helm"]);
  if (file === null) {
    throw new AppError("config", "helm is not on the PATH", {
      where: where.chart,
      fix: "install it: https://helm.sh/docs/intro/install",
    });
  }
  await requireFile(bundle, `${content.chart}/Chart.yaml`, where.chart);
  if (content.values !== undefined) await requireFile(bundle, content.values, where.values);
  const rendered = await inWorkshop(bundle, async (workshop) => {
    const version = await versionOf(
      { file, args: ["version", "--template", "{{.Version}}"], home: workshop.home },
      /^\s*(v\d+\.\d+\S*)/,
    );
    const run = async () => {
      const args = argumentsOf(workshop, name, content);
      return await runTool({ file, args, home: workshop.home }).catch((cause: unknown) => {
        throw failed(cause, workshop.content, bundle.path, where.chart);
      });
    };
    const [first, second] = [await run(), await run()];
    if (first.out !== second.out) throw changing(first.out, second.out, bundle, content, where.chart);
    const warnings = linesOf(first.err, workshop.content, bundle.path).map((line) => `${where.chart} helm: ${line}`);
    const documents = splitDocuments(first.out).map((text) => ({ path: sourceOf(text, bundle, content), text }));
    return { documents, inputs: { helm: version, kubernetes: KUBE_VERSION }, warnings };
  });
  const read = readRendered(rendered, where.chart);
  const { kept, tests } = withoutHooks(read.files);
  const warnings = [...read.warnings, ...(await clocks(bundle, content)), ...tests];
  return { ...rendered, warnings, files: namespaced(kept, content.namespace) };
}

function argumentsOf(workshop: Workshop, name: string, { chart, values, namespace }: HelmContent): string[] {
  const valuesFile = values === undefined ? [] : ["--values", join(workshop.content, values)];
  const fixed = ["--include-crds", "--kube-version", KUBE_VERSION, "--namespace", namespace];
  return ["template", name, join(workshop.content, chart), ...fixed, ...valuesFile];
}

async function requireFile(bundle: BundleFolder, file: string, where: string): Promise<void> {
  const path = `${bundle.path}/${file}`;
  if ((await filesAt(bundle.folder, bundle.treeish, path)).length > 0) return;
  throw new AppError("config", `the commit has no ${path}`, {
    where,
    fix: "commit it; a chart of another place is brought in with `helm pull --untar`",
  });
}

/** Helm says of each document which template it comes from, as `# Source: <chart>/templates/x.yaml`. */
function sourceOf(document: string, bundle: BundleFolder, { chart }: HelmContent): string {
  const template = /^# Source: [^/\n]+\/(.+)$/m.exec(document)?.[1];
  return template === undefined ? `helm template ${bundle.path}/${chart}` : `${bundle.path}/${chart}/${template}`;
}

/** Two runs that differ: `randAlphaNum`, `genCA`, `uuidv4`, and the clock where it ticked. */
function changing(one: string, two: string, bundle: BundleFolder, content: HelmContent, where: string): AppError {
  const others = splitDocuments(two);
  const document = splitDocuments(one).find((text, index) => text !== others[index]) ?? "";
  const source = sourceOf(document, bundle, content);
  return new AppError("unsupported", `${source} gives something else each time, so nobody could build it again`, {
    where,
    fix: "give by values what it makes up by itself (passwords, certificates, dates), or turn that part off",
  });
}

/** A hook runs at a time that Helm decides. Here nobody is Helm: tests are left out, all others refused, each by name. */
function withoutHooks(files: readonly BuiltFile[]): { kept: BuiltFile[]; tests: string[] } {
  const [kept, tests, refused]: [BuiltFile[], string[], string[]] = [[], [], []];
  for (const file of files) {
    const { annotations } = file.object.metadata;
    const hook =
      typeof annotations === "object" && annotations !== null && HOOK in annotations ? String(annotations[HOOK]) : null;
    if (hook === null) kept.push(file);
    else if (/^test(?:-success|-failure)?$/.test(hook)) tests.push(`${file.where("")} is a test of Helm's, left out`);
    else refused.push(`${hook} (${file.where("")})`);
  }
  if (refused.length === 0) return { kept, tests };
  throw new AppError("unsupported", `hooks of Helm are not run: ${refused.join(", ")}`, {
    fix: "turn them off in the values, and write what is needed as an object of its own",
  });
}

/** Templates that ask for the time: two runs of one day may agree where those of two days do not. */
async function clocks(bundle: BundleFolder, { chart }: HelmContent): Promise<string[]> {
  const files = await filesAt(bundle.folder, bundle.treeish, `${bundle.path}/${chart}/`);
  const templates = files.filter(
    ({ path }) => /\/templates\/.*\.(?:ya?ml|tpl|txt)$/.test(path) && !path.endsWith("NOTES.txt"),
  );
  return (await readTexts(bundle.folder, templates)).flatMap(({ path, text }) => {
    const line = text.split("\n").findIndex((each) => /\{\{(?!-?\s*\/\*)[^}]*\b(?:now|ago)\b[^}]*\}\}/.test(each));
    return line === -1 ? [] : [`${path}:${line + 1} asks for the time: built on another day, its bytes may differ`];
  });
}

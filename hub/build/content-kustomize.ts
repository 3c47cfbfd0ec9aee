import { join } from "node:path";
import { AppError } from "../../shared/errors.ts";
import { readYamlAsKubectl } from "../../shared/node/yaml-document.ts";
import { pointer } from "../../shared/parse.ts";
import { failed, linesOf, type Rendered, splitDocuments } from "./rendered.ts";
import { type BundleFolder, filesAt, readTexts } from "./repository.ts";
import { findTool, runTool, versionOf } from "./tool.ts";
import { inWorkshop } from "./tree-export.ts";

/** Of a kustomization: keys whose values name files and folders, and so might name another machine's. */
const NAMES_FILES = new Set([
  "resources",
  "bases",
  "components",
  "crds",
  "configurations",
  "transformers",
  "generators",
  "validators",
  "patchesStrategicMerge",
  "path",
  "files",
  "envs",
]);
const REMOTE = /:\/\/|^git@|^git::|[?&]ref=|^(?:www\.)?(?:github|gitlab|bitbucket)\.(?:com|org)[/:]/i;

/** What `kustomize build` makes of a folder of the commit. Version and words are kustomize's, its own or the one inside kubectl. */
export async function renderKustomize(bundle: BundleFolder, folder: string, where: string): Promise<Rendered> {
  await refuseRemote(bundle);
  const file = await findTool(["kustomize", "kubectl"]);
  if (file === null) {
    throw new AppError("config", "neither kustomize nor kubectl is on the PATH", {
      where,
      fix: "install kustomize (https://kubectl.docs.kubernetes.io/installation/kustomize) or kubectl",
    });
  }
  const place = folder === "." ? bundle.path : `${bundle.path}/${folder}`;
  const ofKubectl = file.endsWith("kubectl");
  return await inWorkshop(bundle, async ({ content, home }) => {
    const asked = ofKubectl
      ? { args: ["version", "--client"], pattern: /^Kustomize Version: (v\S+)$/m }
      : { args: ["version"], pattern: /(v\d+\.\d+\.\d+[^\s}]*)/ };
    const version = await versionOf({ file, home, args: asked.args }, asked.pattern);
    const args = [ofKubectl ? "kustomize" : "build", join(content, folder)];
    const { out, err } = await runTool({ file, args, home }).catch((cause: unknown) => {
      throw failed(cause, content, bundle.path, where);
    });
    const title = `kustomize build ${place}`;
    const documents = splitDocuments(out).map((text) => ({ path: title, text }));
    const warnings = linesOf(err, content, bundle.path).map((line) => `${place} kustomize: ${line}`);
    return { documents, inputs: { kustomize: version }, warnings };
  });
}

/** Names the line of the first base, resource or patch that lies on another machine: it could change under a signed commit. */
async function refuseRemote(bundle: BundleFolder): Promise<void> {
  const files = await filesAt(bundle.folder, bundle.treeish, `${bundle.path}/`);
  const named = files.filter(({ path }) => /(?:^|\/)kustomization\.ya?ml$|\/Kustomization$/.test(path));
  for (const { path, text } of await readTexts(bundle.folder, named)) {
    for (const { value, lineOf } of readYamlAsKubectl(text, path).documents) {
      const found = remoteIn(value, []);
      if (found === undefined) continue;
      throw new AppError("unsupported", `${found.text} lies on another machine`, {
        where: `${path}:${lineOf(found.pointer)}`,
        fix: "copy it into the bundle's folder and commit it, so that the commit says all that is built",
      });
    }
  }
}

function remoteIn(value: unknown, path: readonly PropertyKey[]): { text: string; pointer: string } | undefined {
  if (typeof value === "string") {
    const named = path.some((part) => typeof part === "string" && NAMES_FILES.has(part));
    return named && REMOTE.test(value) ? { text: value, pointer: pointer(path) } : undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  for (const [key, item] of Object.entries(value)) {
    const found = remoteIn(item, [...path, Array.isArray(value) ? Number(key) : key]);
    if (found !== undefined) return found;
  }
  return undefined;
}

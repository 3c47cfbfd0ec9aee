import { dirname, join, posix } from "node:path";
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
  await refuseOutside(bundle);
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

/**
 * Refuses the first base, resource or patch that is not in the commit, with its line: one on another machine could change under a signed
 * commit, one in a folder around the bundle's would be whatever this machine has there.
 */
async function refuseOutside(bundle: BundleFolder): Promise<void> {
  const files = await filesAt(bundle.folder, bundle.treeish, `${bundle.path}/`);
  const named = files.filter(({ path }) => /(?:^|\/)kustomization\.ya?ml$|\/Kustomization$/.test(path));
  for (const { path, text } of await readTexts(bundle.folder, named)) {
    for (const { value, lineOf } of readYamlAsKubectl(text, path).documents) {
      for (const { name, at } of namesIn(value, [])) {
        const remote = REMOTE.test(name);
        if (!remote && `${posix.join(dirname(path), name)}/`.startsWith(`${bundle.path}/`)) continue;
        throw new AppError(
          "unsupported",
          `${name} lies ${remote ? "on another machine" : "outside the bundle's folder"}`,
          {
            where: `${path}:${lineOf(at)}`,
            fix: "copy it into the bundle's folder and commit it, so that the commit says all that is built",
          },
        );
      }
    }
  }
}

/** Every text in a place that names files, with its pointer. */
function namesIn(value: unknown, path: readonly PropertyKey[]): { name: string; at: string }[] {
  if (typeof value === "string") {
    const counts = path.some((part) => typeof part === "string" && NAMES_FILES.has(part)) && !value.includes("\n");
    return counts ? [{ name: value, at: pointer(path) }] : [];
  }
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) =>
    namesIn(item, [...path, Array.isArray(value) ? Number(key) : key]),
  );
}

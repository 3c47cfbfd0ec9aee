import { AppError } from "../../shared/errors.ts";
import type { BundleSource } from "./bundle-source.ts";
import { renderHelm } from "./content-helm.ts";
import { renderKustomize } from "./content-kustomize.ts";
import { type BuiltFile, readManifests, warningInWords } from "./manifests.ts";
import { readRendered } from "./rendered.ts";
import { type BundleFolder, type CommittedFile, filesAt, readTexts } from "./repository.ts";

/** The objects of a bundle as a commit or tree has them. */
export interface BundleContent {
  files: BuiltFile[];
  /** The tools that took part, with their versions. */
  inputs: Record<string, string>;
  warnings: string[];
}

export async function readContent(bundle: BundleFolder, source: BundleSource): Promise<BundleContent> {
  const { content } = source;
  switch (content.by) {
    case "nothing":
      return { files: [], inputs: {}, warnings: [] };
    case "manifests":
      return await readFolder(bundle, content.folder, source.where("/content/manifests"));
    case "kustomize": {
      const where = source.where("/content/kustomize");
      const rendered = await renderKustomize(bundle, content.folder, where);
      return { ...rendered, ...readRendered(rendered, where) };
    }
    case "helm": {
      const where = { chart: source.where("/content/helm"), values: source.where("/content/values") };
      return await renderHelm(bundle, source.name, content, where);
    }
  }
}

async function readFolder(bundle: BundleFolder, folder: string, where: string): Promise<BundleContent> {
  const committed = await filesAt(bundle.folder, bundle.treeish, `${bundle.path}/${folder}/`);
  committed.forEach(requireYaml);
  const { files, warnings } = readManifests(await readTexts(bundle.folder, committed));
  if (files.length > 0) return { files, inputs: {}, warnings: warnings.map(warningInWords) };
  throw new AppError("config", "there is no object in it", { where });
}

function requireYaml({ path, mode }: CommittedFile): void {
  if (/\.ya?ml$/.test(path) && mode.startsWith("100")) return;
  throw new AppError("unsupported", "only YAML files are read as manifests, no links and nothing else", {
    where: path,
    fix: "move it out of the folder of the manifests",
  });
}

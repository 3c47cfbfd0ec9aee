import { type Command, Option } from "commander";
import { canonicalJson } from "../../shared/canonical.ts";
import type { TrustedRoot } from "../../shared/verify/root.ts";
import { diffBundles } from "../build/diff.ts";
import { readFleet } from "../build/fleet.ts";
import { renderFor } from "../build/render-for.ts";
import { openRepository, type Repository } from "../build/repository.ts";
import { bundleNames, findVersion, type KnownVersion, signedBy, versionsOf } from "../build/versions.ts";
import { aligned } from "./columns.ts";
import type { Session } from "./session.ts";
import { parseVersion } from "./version-name.ts";

/** The verbs that only look, at what this repository has: nothing is fetched. */
export function addLookCommands(command: Command, session: Session): void {
  command
    .command("ls [name]")
    .description("versions that are published, as last fetched, or built here")
    .action(async (name?: string) => {
      const repository = await openRepository(session.repo());
      const names = name === undefined ? await bundleNames(repository) : [name];
      const lines = (await Promise.all(names.map((each) => versionsOf(repository, each)))).flat();
      const rows = lines.map(({ name, version, pair, state, digest }) => {
        return [`${name}@${version}`, pair.join("."), `sha256:${digest.slice(0, 12)}`, state];
      });
      for (const line of aligned(rows)) session.print(line);
    });
  command
    .command("show <name@version>")
    .description("what a version is, who signed it, and from which commit")
    .addOption(new Option("-o, --output <format>", "format").choices(["json"]))
    .action(async (which: string, { output }: { output?: "json" }) => {
      const repository = await openRepository(session.repo());
      const found = await findVersion(repository, ...parseVersion(which));
      const { newest } = await readFleet(repository.folder);
      const lines = output === undefined ? aligned(rowsOf(found, newest)) : [jsonOf(found, newest)];
      for (const line of lines) session.print(line);
    });
  command
    .command("render <name@version>")
    .description("the objects of a version as one site applies them, one on a line, secrets still sealed")
    .requiredOption("--site <id>", "whose signed record it is rendered with")
    .action(async (which: string, { site }: { site: string }) => {
      const repository = await openRepository(session.repo());
      const { newest } = await readFleet(repository.folder);
      const objects = await renderFor(repository.folder, await versionFrom(repository, which), site, newest);
      for (const object of objects) session.print(canonicalJson(object).trimEnd());
    });
  command
    .command("diff <name@version> <name@version>")
    .description("what differs between two versions, object by object")
    .action(async (one: string, two: string) => {
      const repository = await openRepository(session.repo());
      const lines = diffBundles(await versionFrom(repository, one), await versionFrom(repository, two));
      for (const line of lines.length === 0 ? ["nothing differs"] : lines) session.print(line);
    });
}

function versionFrom(repository: Repository, which: string): Promise<KnownVersion> {
  return findVersion(repository, ...parseVersion(which));
}

function jsonOf(found: KnownVersion, root: TrustedRoot): string {
  const { state, digest, manifest } = found;
  return canonicalJson({ state, digest, signedBy: signedBy(found, root), manifest }).trimEnd();
}

function rowsOf(found: KnownVersion, root: TrustedRoot): string[][] {
  const { manifest, state, digest } = found;
  const { keys, threshold } = signedBy(found, root);
  const { source } = manifest;
  const inputs = Object.entries(source.inputs).map(([tool, version]) => `${tool} ${version}`);
  return [
    ["version", `${manifest.name}@${manifest.version} ${manifest.epoch}.${manifest.seq}, ${state}`],
    ["digest", `sha256:${digest}`],
    ["signed by", `${keys.join(", ") || "nobody"} (${threshold} needed under root ${root.document.number})`],
    ["commit", `${source.commit} ${source.path} of ${source.repo || "a repository without origin"}`],
    ["created", manifest.createdAt],
    ...(inputs.length > 0 ? [["made with", inputs.join(", ")]] : []),
    ["floor", manifest.floor.join(".")],
    ...(manifest.from === undefined ? [] : [["from", manifest.from.join(".")]]),
    ...manifest.scope.map(({ sites, after }) => ["scope", `${JSON.stringify(sites)}${after ? ` after ${after}` : ""}`]),
    ...(manifest.requires ?? []).map(({ bundle, atLeast }) => ["requires", `${bundle} ${atLeast} or later`]),
    ...Object.keys(manifest.variables ?? {}).map((name) => ["variable", name]),
    ...manifest.images.map(({ ref, digest: pinned }) => ["image", `${ref}@${pinned}`]),
    ...manifest.files.map(({ path, size }) => ["file", `${path} (${size} bytes)`]),
  ];
}

import { name, short } from "../../shared/names.ts";
import { sha256Hex } from "../../shared/node/sha256.ts";
import { signedFrame } from "../../shared/node/signed-frame.ts";
import type { Journal, SignedBytes } from "../../shared/ports.ts";
import {
  at,
  type MirrorIndex,
  packSigned,
  readIndex,
  readVersionList,
  unpackSigned,
} from "../../shared/source/mirror-layout.ts";
import { recordBranch } from "../../shared/source/source.ts";
import { readFleet } from "./fleet.ts";
import type { Published } from "./publish.ts";
import { verifyStaged } from "./publish-bundle.ts";
import { type Document, standing, trustDocuments } from "./publish-documents.ts";
import { type MirrorFolder, withMirror } from "./publish-mirror-folder.ts";
import { putVersion } from "./publish-mirror-version.ts";
import { readStaged } from "./stage.ts";

/**
 * Brings the trust part, and a version where one is named, to the folder of a mirror. The index, by which all readers go,
 * is written last, so that what stops half-way leaves nothing that anybody could take for published.
 */
export async function publishToMirror(
  repository: string,
  folder: string,
  version: { name: string; version: string } | null,
  journal: Journal,
): Promise<Published> {
  const fleet = await readFleet(repository);
  const staged = version === null ? null : await readStaged(repository, version.name, version.version);
  if (staged !== null) verifyStaged(staged, fleet.newest);
  const { branches, leftOut } = await trustDocuments(repository, fleet);
  return withMirror(folder, journal, async (mirror) => {
    const published = await mirror.read(at.index);
    const before = published === null ? { bundles: {}, sites: {} } : readIndex(published);
    const documents = await newDocuments(mirror, [...branches.values()].flat());
    if (staged !== null) leftOut.push(...(await putVersion(mirror, staged)));
    await putDocuments(mirror, documents);
    await mirror.sync();
    const index = await indexOf(mirror);
    await mirror.writeList(at.index, index);
    await mirror.sync();
    return { branches: changes(before, index), leftOut };
  });
}

/** Those that the mirror does not have as they are here. What only gained signatures keeps those that it had. */
async function newDocuments(mirror: MirrorFolder, documents: readonly Document[]): Promise<Document[]> {
  const found: Document[] = [];
  for (const document of documents) {
    const { path, signed } = document;
    const packed = await mirror.read(packedPath(path));
    const published = packed === null ? null : unpackSigned(packed);
    const next = standing(document, published?.body ?? null);
    if (next === "stays") continue;
    const kept = next === "added" && published !== null ? published.signatures : [];
    // Names of keys become parts of paths, and a mirror is what anybody may have written to.
    const named = [...kept].filter(([key]) => name.safeParse(key).success);
    const merged: SignedBytes = { body: signed.body, signatures: new Map([...named, ...signed.signatures]) };
    if (published === null || !signedFrame(merged).equals(signedFrame(published))) found.push({ path, signed: merged });
  }
  return found;
}

/** For people each document and its signatures as files, and then, for programs, all of it in one. */
async function putDocuments(mirror: MirrorFolder, documents: readonly Document[]): Promise<void> {
  const signatures = new Map<string, string[]>();
  for (const folder of ["", "root/", "sites/"]) {
    for (const file of await mirror.names(folder)) {
      const [, path, key] = /^([^.]+\.json)\.([^.]+)\.sig$/.exec(file) ?? [];
      if (path === undefined || key === undefined) continue;
      signatures.set(folder + path, [...(signatures.get(folder + path) ?? []), key]);
    }
  }
  for (const { path, signed } of documents) {
    const old = (signatures.get(path) ?? []).filter((key) => !signed.signatures.has(key));
    for (const key of old) await mirror.remove(`${path}.${key}.sig`);
    await mirror.write(path, signed.body);
    for (const [key, armored] of signed.signatures) await mirror.write(`${path}.${key}.sig`, armored);
    await mirror.write(packedPath(path), packSigned(signed));
  }
}

function packedPath(path: string): string {
  return path.replace(/\.json$/, ".zst");
}

/** What the folder has now. */
async function indexOf(mirror: MirrorFolder): Promise<MirrorIndex> {
  const bundles: MirrorIndex["bundles"] = {};
  for (const file of await mirror.names("bundles")) {
    const bundle = /^([^.]+)\.zst$/.exec(file)?.[1];
    if (bundle === undefined) continue;
    const [newest] = readVersionList((await mirror.read(at.versions(bundle))) ?? Buffer.alloc(0), at.versions(bundle));
    if (newest === undefined) continue;
    const deltas = (await mirror.names(at.folder(bundle, newest.version))).filter((each) => each.startsWith("from-"));
    bundles[bundle] = [newest.version, short(newest.digest), deltas.length];
  }
  const groups = new Map<string, string[]>();
  const add = (group: string, path: string) => groups.set(group, [...(groups.get(group) ?? []), path]);
  const numbers: number[] = [0];
  for (const file of await mirror.names("root")) {
    const number = /^(\d+)\.zst$/.exec(file)?.[1];
    if (number === undefined) continue;
    numbers.push(Number(number));
    add("trust", `root/${file}`);
  }
  if ((await mirror.read(at.head)) !== null) add("trust", at.head);
  for (const file of await mirror.names("sites")) {
    const site = /^([^.]+)\.zst$/.exec(file)?.[1];
    if (site !== undefined) add(recordBranch(sha256Hex(site)), `sites/${file}`);
  }
  const sites: MirrorIndex["sites"] = {};
  let trust: MirrorIndex["trust"];
  for (const [group, paths] of groups) {
    const id = await idOf(mirror, paths);
    if (group === "trust") trust = [Math.max(...numbers), id];
    else sites[group.slice("sites-".length)] = id;
  }
  return { bundles, sites, ...(trust !== undefined && { trust }) };
}

/** Changes with any of the files. */
async function idOf(mirror: MirrorFolder, paths: readonly string[]): Promise<string> {
  const lines: string[] = [];
  for (const path of paths) lines.push(`${path} ${sha256Hex((await mirror.read(path)) ?? Buffer.alloc(0))}\n`);
  return sha256Hex(lines.join("")).slice(0, 12);
}

/** What changed, by the names that Git's branches have. */
function changes(before: MirrorIndex, after: MirrorIndex): string[] {
  const flat = ({ bundles, sites, trust }: MirrorIndex) =>
    new Map<string, string>([
      ["trust", String(trust)],
      ...Object.entries(sites).map(([group, id]): [string, string] => [`sites-${group}`, id]),
      ...Object.entries(bundles).map(([name, entry]): [string, string] => [`bundles/${name}`, String(entry)]),
    ]);
  const old = flat(before);
  return [...flat(after)].flatMap(([name, id]) => (old.get(name) === id ? [] : [name]));
}

/** A mirror's folder, written as `commitFiles` writes a Git repository: one way to fill every source under test. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { canonicalJson } from "../../../shared/canonical.ts";
import { short } from "../../../shared/names.ts";
import { sha256Hex } from "../../../shared/node/sha256.ts";
import { zstd } from "../../../shared/node/zstd.ts";
import {
  at,
  type MirrorIndex,
  packSigned,
  readIndex,
  readVersionList,
  type VersionList,
} from "../../../shared/source/mirror-layout.ts";
import type { Files } from "../git/repository.ts";

/** What the branch would hold from now on; `anew` forgets its earlier versions. Branches that a mirror has not are left out. */
export function commitToMirror(top: string, branch: string, files: Files, subject: string, anew = false): void {
  const path = join(top, at.index);
  const index: MirrorIndex = existsSync(path) ? readIndex(readFileSync(path)) : { bundles: {}, sites: {} };
  const [, kind = "", name = ""] = /^(trust|sites|bundles|deltas)(?:[/-](.+))?$/.exec(branch) ?? [];
  const id = sha256Hex(Buffer.from(JSON.stringify(files))).slice(0, 12);
  if (kind === "trust") {
    const numbers = putDocuments(top, files).flatMap((each) => Number(/^root\/(\d+)/.exec(each)?.[1] ?? []));
    index.trust = [Math.max(0, ...numbers), id];
  } else if (kind === "sites") {
    putDocuments(top, files);
    index.sites[name] = id;
  } else if (kind === "bundles") {
    const digest = putVersion(top, name, files, subject, anew);
    index.bundles[name] = [subject, short(digest), 0];
  } else if (kind === "deltas") {
    // They lie beside the version that they lead to, which is the newest.
    const digest = index.bundles[name]?.[1] ?? "";
    for (const [file, bytes] of Object.entries(files)) put(top, `${at.folder(name, subject)}/${file}`, bytes);
    index.bundles[name] = [subject, digest, Object.keys(files).length];
  }
  put(top, at.index, zstd(Buffer.from(canonicalJson(index))));
}

function putVersion(top: string, name: string, files: Files, version: string, anew: boolean): string {
  const path = at.versions(name);
  const older: VersionList =
    !anew && existsSync(join(top, path)) ? readVersionList(readFileSync(join(top, path)), path) : [];
  const body = files["bundle.json"];
  // A version that lost its manifest has a line in the list all the same.
  const digest = sha256Hex(Buffer.from(body ?? version));
  if (body !== undefined) put(top, at.manifest(name, version), packSigned(documentIn(files, "bundle.json")));
  for (const [file, bytes] of Object.entries(files)) {
    if (file.startsWith("files/")) put(top, at.blob(sha256Hex(Buffer.from(bytes))), zstd(Buffer.from(bytes)));
  }
  put(top, path, zstd(Buffer.from(canonicalJson([{ digest, pair: [1, older.length + 1], version }, ...older]))));
  return digest;
}

/** Paths of the documents. */
function putDocuments(top: string, files: Files): string[] {
  const paths = Object.keys(files).filter((path) => path.endsWith(".json"));
  for (const path of paths) put(top, path.replace(/json$/, "zst"), packSigned(documentIn(files, path)));
  return paths;
}

function documentIn(files: Files, path: string) {
  const stem = `${path}.`;
  const signatures = Object.entries(files).flatMap(([each, bytes]): [string, string][] =>
    each.startsWith(stem) ? [[each.slice(stem.length, -".sig".length), Buffer.from(bytes).toString()]] : [],
  );
  return { body: Buffer.from(files[path] ?? ""), signatures: new Map(signatures) };
}

function put(top: string, path: string, bytes: string | Uint8Array): void {
  mkdirSync(dirname(join(top, path)), { recursive: true });
  writeFileSync(join(top, path), bytes);
}

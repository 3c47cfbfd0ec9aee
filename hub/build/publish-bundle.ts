import { AppError } from "../../shared/errors.ts";
import { sha256Hex } from "../../shared/node/sha256.ts";
import { render } from "../../shared/render/render.ts";
import { close, openManifest } from "../../shared/verify/bundle.ts";
import { checkFile } from "../../shared/verify/file.ts";
import type { TrustedRoot } from "../../shared/verify/root.ts";
import { gitLine } from "./git.ts";
import { type History, messageOf, readSignedHistory } from "./history.ts";
import { filesOf } from "./publish-documents.ts";
import type { Repository } from "./repository.ts";
import type { StagedBundle } from "./stage.ts";
import { type BranchUpdate, writeBlobs, writeCommit, writeTree } from "./tree.ts";

/**
 * A branch is begun anew after so many versions: a new site fetches all of its history, an old one fetches the first version after that
 * whole, because it builds on nothing that the site has.
 */
const VERSIONS_PER_BRANCH = 100;
/** So many versions of the old branch begin the new one, for sites that are assigned one of them. */
const CARRIED = 3;

/** Everything that a site will check, checked before anybody sees it. Returns the digest. */
export function verifyStaged({ manifest, document, files }: StagedBundle, root: TrustedRoot): string {
  const opened = openManifest(document, manifest.name, root);
  const checked = files.map(({ path, bytes }, index) => {
    const sha256 = manifest.files[index]?.sha256 ?? "";
    if (sha256Hex(bytes) === sha256) return checkFile(sha256, bytes);
    throw new AppError("digest", "its bytes are not the signed ones", {
      where: `files/${path}`,
      fix: "build it again",
    });
  });
  const bundle = close(opened, new Map(checked.map((file) => [file.sha256, file])));
  render(bundle, { record: { id: "", labels: {}, values: {} }, hub: {} });
  return opened.digest;
}

/** The commit to push for a version; null where it is published already. Throws `equivocation` where another one is. */
export async function bundleUpdate(
  repository: Repository,
  staged: StagedBundle,
  chain: readonly TrustedRoot[],
): Promise<BranchUpdate | null> {
  const { manifest, document, files } = staged;
  const branch = `bundles/${manifest.name}`;
  const { signed, all } = await readSignedHistory(repository, manifest.name, chain);
  if (isPublished(all, signed, staged)) return null;
  const { folder } = repository;
  const content = [
    ...filesOf({ path: "bundle.json", signed: document }),
    ...files.map(({ path, bytes }) => ({ path: `files/${path}`, bytes })),
  ];
  const tree = await treeOf(folder, content);
  const { version, createdAt } = manifest;
  const parent = await parentOf(folder, all);
  const commit = await writeCommit(folder, { tree, parent, message: version, at: createdAt });
  return { branch, commit, expected: all.head };
}

/** Where the next version is put: after the newest one, or after the last few of them on a branch that is begun anew. */
async function parentOf(folder: string, { head, versions, earlier }: History): Promise<string | null> {
  if (versions.length < VERSIONS_PER_BRANCH) return head;
  const left = versions.slice(CARRIED).map(({ digest, manifest }): History["earlier"][number] => ({
    version: manifest.version,
    pair: [manifest.epoch, manifest.seq],
    digest,
  }));
  let parent: string | null = null;
  for (const { commit, manifest } of versions.slice(0, CARRIED).toReversed()) {
    const { version, createdAt } = manifest;
    const tree = await gitLine(folder, ["rev-parse", `${commit}^{tree}`]);
    const message: string = parent === null ? messageOf(version, [...left, ...earlier]) : version;
    parent = await writeCommit(folder, { tree, parent, message, at: createdAt });
  }
  return parent;
}

async function treeOf(folder: string, content: readonly { path: string; bytes: Uint8Array }[]): Promise<string> {
  const oids = await writeBlobs(
    folder,
    content.map(({ bytes }) => bytes),
  );
  return writeTree(
    folder,
    content.map(({ path }, index) => ({ path, oid: oids[index] ?? "" })),
  );
}

function isPublished({ versions, earlier }: History, signed: History, { manifest, document }: StagedBundle): boolean {
  const where = `bundles/${manifest.name} ${manifest.version}`;
  const known = [...versions.map(({ digest, manifest }) => ({ version: manifest.version, digest })), ...earlier];
  const same = known.find((each) => each.version === manifest.version);
  if (same !== undefined) {
    if (same.digest === sha256Hex(document.body)) return true;
    throw new AppError("equivocation", "this version is published already, with other content", {
      where,
      fix: "give it a version of its own in bundle.yaml; what was published is never replaced",
    });
  }
  const [newest] = signed.versions;
  if (manifest.prev === (newest?.digest ?? null)) return false;
  const published = newest === undefined ? "nothing" : newest.manifest.version;
  throw new AppError("equivocation", `built to follow another version: ${published} is what is published now`, {
    where,
    fix: "build and sign it again",
  });
}

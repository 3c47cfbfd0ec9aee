import { AppError } from "../../shared/errors.ts";
import { sha256Hex } from "../../shared/node/sha256.ts";
import { render } from "../../shared/render/render.ts";
import { close, openManifest } from "../../shared/verify/bundle.ts";
import { checkFile } from "../../shared/verify/file.ts";
import type { TrustedRoot } from "../../shared/verify/root.ts";
import { type History, readHistory } from "./history.ts";
import type { Repository } from "./repository.ts";
import type { StagedBundle } from "./stage.ts";
import { type BranchUpdate, writeBlobs, writeCommit, writeTree } from "./tree.ts";

/** A branch is begun anew after so many versions: a new site fetches all of its history. */
const VERSIONS_PER_BRANCH = 50;

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
export async function bundleUpdate(repository: Repository, staged: StagedBundle): Promise<BranchUpdate | null> {
  const { manifest, document, files } = staged;
  const branch = `bundles/${manifest.name}`;
  const history = await readHistory(repository, manifest.name);
  if (isPublished(history, staged)) return null;
  const { folder } = repository;
  const content = [
    { path: "bundle.json", bytes: document.body },
    ...[...document.signatures].map(([key, armored]) => ({
      path: `bundle.json.${key}.sig`,
      bytes: Buffer.from(armored),
    })),
    ...files.map(({ path, bytes }) => ({ path: `files/${path}`, bytes })),
  ];
  const oids = await writeBlobs(
    folder,
    content.map(({ bytes }) => bytes),
  );
  const tree = await writeTree(
    folder,
    content.map(({ path }, index) => ({ path, oid: oids[index] ?? "" })),
  );
  const parent = history.versions.length < VERSIONS_PER_BRANCH ? history.head : null;
  const commit = await writeCommit(folder, { tree, parent, subject: manifest.version, at: manifest.createdAt });
  return { branch, commit, expected: history.head };
}

function isPublished({ versions }: History, { manifest, document }: StagedBundle): boolean {
  const where = `bundles/${manifest.name} ${manifest.version}`;
  const same = versions.find((each) => each.manifest.version === manifest.version);
  if (same !== undefined) {
    if (same.digest === sha256Hex(document.body)) return true;
    throw new AppError("equivocation", "this version is published already, with other content", {
      where,
      fix: "give it a version of its own in bundle.yaml; what was published is never replaced",
    });
  }
  const [newest] = versions;
  if (manifest.prev === (newest?.digest ?? null)) return false;
  const published = newest === undefined ? "nothing" : newest.manifest.version;
  throw new AppError("equivocation", `built to follow another version: ${published} is what is published now`, {
    where,
    fix: "build and sign it again",
  });
}

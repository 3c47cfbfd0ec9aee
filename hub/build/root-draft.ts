import { dirname, join, resolve } from "node:path";
import * as z from "zod/mini";
import { canonicalJson } from "../../shared/canonical.ts";
import { AppError } from "../../shared/errors.ts";
import { formatPublicKey, parsePublicKey } from "../../shared/node/ssh-key.ts";
import { readYaml } from "../../shared/node/yaml.ts";
import { parseAs } from "../../shared/parse.ts";
import type { Journal } from "../../shared/ports.ts";
import { type Root, root } from "../../shared/root.ts";
import { readFleet } from "./fleet.ts";
import { namesIn, readWhole, writeWhole } from "./signed-files.ts";

const { fleet, roles, head, hubs, bundles } = root.shape;
/** `root.yaml`: a root's own keys, but that public keys and CAs are files beside it, and number and date are left out. */
const rootDraft = z.strictObject({ fleet, keys: z.record(z.string(), z.string()), roles, head, hubs, bundles });

/** Writes the next `root/<n>.json` from a draft. Returns its path; it counts once it is signed. */
export async function writeRoot(
  repository: string,
  options: { from: string; first: boolean; createdAt: string },
  journal: Journal,
): Promise<string> {
  const { from, first, createdAt } = options;
  const draft = readYaml((await readWhole(from)).toString(), from, rootDraft);
  const beside = async (file: string) => (await readWhole(resolve(dirname(from), file))).toString();
  const keys = Object.entries(draft.keys).map(async ([name, file]): Promise<[string, string]> => {
    return [name, formatPublicKey(parsePublicKey(await beside(file)))];
  });
  const number = first ? await requireNone(repository) : await nextNumber(repository, draft.fleet);
  const document: Root = {
    ...draft,
    number,
    createdAt,
    keys: Object.fromEntries(await Promise.all(keys)),
    hubs: await Promise.all(draft.hubs.map(async ({ url, ca }) => ({ url, ca: ca === "" ? "" : await beside(ca) }))),
  };
  const file = join(repository, "root", `${number}.json`);
  journal("build.write", "before");
  await writeWhole(file, canonicalJson(parseAs(root, document, from)));
  journal("build.write", "after");
  return file;
}

async function requireNone(repository: string): Promise<number> {
  if ((await namesIn(join(repository, "root"))).length === 0) return 1;
  throw new AppError("usage", "this fleet has a root already", {
    where: "root/",
    fix: "write its successor with `skerry root rotate --from root.yaml`",
  });
}

async function nextNumber(repository: string, fleet: string): Promise<number> {
  const { newest } = await readFleet(repository);
  if (newest.document.fleet === fleet) return newest.document.number + 1;
  throw new AppError("fleet", `the fleet is ${newest.document.fleet} and never changes`, { where: "root/" });
}

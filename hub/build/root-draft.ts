import { dirname, join, resolve } from "node:path";
import * as z from "zod/mini";
import { canonicalJson } from "../../shared/canonical.ts";
import { AppError } from "../../shared/errors.ts";
import { formatPublicKey, parsePublicKey } from "../../shared/node/ssh-key.ts";
import { readYamlPlaced } from "../../shared/node/yaml.ts";
import type { Journal } from "../../shared/ports.ts";
import { type Root, root } from "../../shared/root.ts";
import { readRoot } from "../../shared/verify/root.ts";
import { readFleet } from "./fleet.ts";
import { keepBytes } from "./kept-bytes.ts";
import { namesIn, readWhole, writeUnsigned } from "./signed-files.ts";

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
  const { value: draft, where } = readYamlPlaced((await readWhole(from)).toString(), from, rootDraft);
  const beside = async (file: string) => (await readWhole(resolve(dirname(from), file))).toString();
  const keys: [string, string][] = [];
  for (const [name, file] of Object.entries(draft.keys)) {
    try {
      keys.push([name, formatPublicKey(parsePublicKey(await beside(file)))]);
    } catch (error) {
      throw error instanceof AppError ? placed(error, where(`/keys/${name}`)) : error;
    }
  }
  const number = first ? await requireNone(repository) : await nextNumber(repository, draft.fleet);
  const document: Root = {
    ...draft,
    number,
    createdAt,
    keys: Object.fromEntries(keys),
    hubs: await Promise.all(draft.hubs.map(async ({ url, ca }) => ({ url, ca: ca === "" ? "" : await beside(ca) }))),
  };
  const file = join(repository, "root", `${number}.json`);
  const content = canonicalJson(document);
  try {
    readRoot({ body: Buffer.from(content), signatures: new Map() });
  } catch (error) {
    // `root/2.json /roles/site`: the same place in the draft.
    const [, pointer] = error instanceof AppError ? (/ (\/.*)$/.exec(error.where ?? "") ?? []) : [];
    throw error instanceof AppError && pointer !== undefined ? placed(error, where(pointer)) : error;
  }
  if (first) await keepBytes(repository, journal);
  journal("build.write", "before");
  await writeUnsigned(file, content);
  journal("build.write", "after");
  return file;
}

function placed({ code, message, fix }: AppError, where: string): AppError {
  return new AppError(code, message, { where, ...(fix === undefined ? {} : { fix }) });
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

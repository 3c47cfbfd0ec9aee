import { FILE_MAX_BYTES } from "../../shared/bundle.ts";
import { AppError } from "../../shared/errors.ts";
import { isMap, type KubeObject } from "../../shared/live.ts";
import { sha256Hex } from "../../shared/node/sha256.ts";
import { readYamlAsKubectl } from "../../shared/node/yaml-document.ts";
import { inTheClear, sealedObject } from "../../shared/render/sealed.ts";
import { readSopsSecret } from "../../shared/sops.ts";
import { checkFile, parseObject } from "../../shared/verify/file.ts";
import type { BundleSource } from "./bundle-source.ts";
import { placed } from "./check-rendered.ts";
import type { BuiltFile } from "./manifests.ts";
import { type BundleFolder, filesAt, readTexts } from "./repository.ts";

/** Recipients that a group can be: X25519. */
const RECIPIENT = /^age1[0-9a-z]{58}$/;

/**
 * The Secrets that `secrets` names, each a file of the bundle as SOPS sealed it, in the order of the file, by which its MAC goes. `object` is what
 * those see who cannot open it. Throws `config`, `schema`, `key`, `malformed` with file:line.
 */
export async function readSealed(bundle: BundleFolder, source: BundleSource): Promise<BuiltFile[]> {
  if (source.secrets.length === 0) return [];
  const committed = await filesAt(bundle.folder, bundle.treeish, `${bundle.path}/`);
  const found = new Map<string, (typeof committed)[number]>();
  for (const [index, glob] of source.secrets.entries()) {
    const pattern = patternOf(`${bundle.path}/${glob}`);
    const matching = committed.filter(({ path, mode }) => mode.startsWith("100") && pattern.test(path));
    if (matching.length === 0) {
      throw new AppError("config", `the commit has no ${bundle.path}/${glob}`, {
        where: source.where(`/secrets/${index}`),
      });
    }
    for (const file of matching) found.set(file.path, file);
  }
  const texts = await readTexts(bundle.folder, [...found.values()]);
  return texts.map(({ path, text }) => sealedFile(path, text, path.slice(bundle.path.length + 1)));
}

/** The same files as far as everybody can read them: what of a Secret stands there in the clear. */
export function clearOf(sealed: readonly BuiltFile[]): BuiltFile[] {
  return sealed.map((file) => ({ ...file, object: inTheClear(file.object) }));
}

/** A warning for each value that SOPS was told to leave in the clear. */
export function clearValues(sealed: readonly BuiltFile[]): string[] {
  return clearOf(sealed).flatMap(({ object, where }) =>
    (["data", "stringData"] as const).flatMap((member) =>
      Object.keys(isMap(object[member]) ? object[member] : {}).map(
        (key) => `${where(`/${member}/${key}`)} stands in the clear in a sealed file`,
      ),
    ),
  );
}

function sealedFile(place: string, text: string, name: string): BuiltFile {
  const { documents, warnings } = readYamlAsKubectl(text, place);
  const [document, second] = documents;
  const where = (pointer: string) => `${place}:${document?.lineOf(pointer) ?? 1}`;
  const [warning] = warnings;
  if (warning !== undefined) {
    throw new AppError(
      "schema",
      `\`${warning.text}\` is not to SOPS what it is to kubectl, so that its MAC could not hold`,
      {
        where: warning.where,
        fix: "edit the file with `sops`, and put that between quotes",
      },
    );
  }
  if (document === undefined || second !== undefined || !isMap(document.value)) {
    throw new AppError("schema", "a sealed file is one Secret", {
      where: where(""),
      fix: "give each Secret a file of its own",
    });
  }
  const index = indexIn(document.value);
  if (index !== undefined) {
    throw new AppError("schema", `a key that is a number, ${index}, would lose its place, by which the MAC goes`, {
      where: where(""),
      fix: "edit the file with `sops`, and give it another name",
    });
  }
  const path = name.replace(/\.ya?ml$/, ".json");
  const bytes = Buffer.from(`${JSON.stringify(document.value)}\n`);
  if (bytes.byteLength > FILE_MAX_BYTES) {
    throw new AppError("too-large", `${bytes.byteLength} bytes, at most ${FILE_MAX_BYTES}`, { where: where("") });
  }
  const file = { path, bytes, where, object: document.value as KubeObject };
  try {
    const object = parseObject(checkFile(sha256Hex(bytes), bytes), path);
    const { age } = readSopsSecret(object, `files/${path}`).metadata;
    if (!age.some(({ recipient }) => RECIPIENT.test(recipient))) {
      throw new AppError("key", "it is encrypted for no group: none of its recipients is an X25519 key of age", {
        where: `files/${path} /sops/age`,
        fix: "encrypt it for the recipients of groups, which begin with age1",
      });
    }
    return { ...file, object: sealedObject(object, path) };
  } catch (cause) {
    throw cause instanceof AppError ? placed(cause, [file], where) : cause;
  }
}

/** `*` stands for any part of one name. */
function patternOf(glob: string): RegExp {
  const parts = glob.split("*").map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`));
  return new RegExp(`^${parts.join("[^/]*")}$`);
}

/** A key that JSON would sort before all others; undefined where there is none. */
function indexIn(value: unknown): string | undefined {
  if (Array.isArray(value)) return value.map(indexIn).find((found) => found !== undefined);
  if (!isMap(value)) return undefined;
  return Object.keys(value).find((key) => /^\d+$/.test(key)) ?? indexIn(Object.values(value));
}

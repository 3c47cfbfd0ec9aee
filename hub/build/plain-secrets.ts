import { AppError } from "../../shared/errors.ts";
import { isMap, member, refOf } from "../../shared/live.ts";
import type { BuiltFile } from "./manifests.ts";

const PRIVATE_KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----/;

/**
 * Refuses Secrets with data that nobody allowed by `plainSecrets` (`namespace/name`, or a name in whichever namespace): `unsupported`,
 * each named. Sealed and external secrets are of other kinds and pass. Returns warnings: names that no Secret has, and private keys in a
 * ConfigMap. `where` is that of an entry of `plainSecrets`.
 */
export function checkPlainSecrets(
  files: readonly BuiltFile[],
  allowed: readonly string[],
  where: (index: number) => string,
): string[] {
  const secrets = files.filter(isPlainSecret).map((file) => ({ file, names: namesOf(file) }));
  const refused = secrets.filter(({ names }) => !names.some((name) => allowed.includes(name)));
  if (refused.length > 0) {
    const named = refused.map(({ file, names }) => `${names[0]} (${file.where("/kind")})`).join(", ");
    throw new AppError("unsupported", `Secrets in the clear: ${named}`, {
      fix:
        "whoever carries a bundle can read it: encrypt it with `sops` and list its file under secrets, bring a SealedSecret or an " +
        "ExternalSecret, or name it under plainSecrets where that is no harm",
    });
  }
  const unused = allowed.flatMap((name, index) =>
    secrets.some(({ names }) => names.includes(name))
      ? []
      : [`${where(index)} no Secret in the clear is called ${name}`],
  );
  const keys = files.flatMap((file) => {
    const key = file.object.kind === "ConfigMap" ? privateKeyIn(file) : undefined;
    return key === undefined
      ? []
      : [`${file.where(`/data/${key}`)} a private key in a ConfigMap, which anybody can read`];
  });
  return [...unused, ...keys];
}

function isPlainSecret({ object }: BuiltFile): boolean {
  if (object.kind !== "Secret" || object.apiVersion !== "v1") return false;
  // A JSON patch of a Secret can only be there to put something into it.
  if ("patch" in object) return true;
  return ["data", "stringData"].some((key) => object[key] !== undefined && !isEmptyMap(object[key]));
}

function isEmptyMap(value: unknown): boolean {
  return value === null || (isMap(value) && Object.keys(value).length === 0);
}

function namesOf({ object }: BuiltFile): string[] {
  const { namespace, name } = refOf(object);
  return [`${namespace}/${name}`, name];
}

function privateKeyIn({ object }: BuiltFile): string | undefined {
  return Object.entries(member(object, "data")).find(
    ([, value]) => typeof value === "string" && PRIVATE_KEY.test(value),
  )?.[0];
}

import { Command } from "commander";
import { AppError } from "../../shared/errors.ts";
import { number, rfc3339, time } from "../../shared/names.ts";
import { type AgeIdentity, parseAgeIdentity } from "../../shared/node/age-key.ts";
import { SITE_NAMESPACE } from "../../shared/site.ts";
import { readFleet } from "../build/fleet.ts";
import { keysOf, signFile } from "../build/sign.ts";
import { readWhole } from "../build/signed-files.ts";
import { writeRecord } from "../build/site-draft.ts";
import type { Session } from "./session.ts";

interface SignOptions {
  key: string;
  as?: string;
  createdAt?: string;
  number?: string;
  groupKey: readonly string[];
}

export function siteCommand(session: Session): Command {
  const command = new Command("site").description("site records");
  command
    .command("sign <site.yaml>")
    .description("write sites/<id>.json from a draft, and sign it")
    .requiredOption("--key <file>", "private key, or public key of one in an agent")
    .option("--as <name>", "name of the key")
    .option("--created-at <time>", "date of the record, RFC 3339 in UTC; left out: now")
    .option("--number <n>", "least number of the record, where a site or the hub holds a higher one than this checkout")
    .option(
      "--group-key <name=file>",
      "age key of a group that the draft names, encrypted for the site's box; one flag for each group",
      (text: string, before: readonly string[]) => [...before, text],
      [],
    )
    .action(async (draft: string, options: SignOptions) => {
      const createdAt = options.createdAt ?? rfc3339(session.now);
      if (!time.safeParse(createdAt).success) {
        throw new AppError("usage", `--created-at ${createdAt} is no time`, { fix: "write 2026-01-31T12:00:00Z" });
      }
      const least = Number(options.number ?? 1);
      if (!number.safeParse(least).success) throw new AppError("usage", `--number ${options.number} is no number`);
      const { newest } = await readFleet(session.repo());
      const root = newest.document;
      const groupKeys = await readGroupKeys(options.groupKey, (file) => session.path(file));
      const record = { from: session.path(draft), root, createdAt, least, groupKeys };
      const file = await writeRecord(session.repo(), record, session.journal);
      const keys = keysOf(root, root.roles.site);
      const keyFile = session.path(options.key);
      const request = { file, namespace: SITE_NAMESPACE, keyFile, as: options.as, keys };
      session.print(await signFile(request, session.journal));
    });
  return command;
}

/** `NAME=FILE` each. Throws `usage`, or what is wrong with a key file, which is named. */
async function readGroupKeys(
  given: readonly string[],
  path: (file: string) => string,
): Promise<ReadonlyMap<string, AgeIdentity>> {
  const keys = new Map<string, AgeIdentity>();
  for (const text of given) {
    const [, group, file] = /^([^=]+)=(.+)$/.exec(text) ?? [];
    if (group === undefined || file === undefined) {
      throw new AppError("usage", `--group-key ${text} is not NAME=FILE`, { fix: "write --group-key north=north.key" });
    }
    const bytes = await readWhole(path(file));
    try {
      keys.set(group, parseAgeIdentity(bytes.toString("utf8")));
    } catch (cause) {
      if (!(cause instanceof AppError)) throw cause;
      const fix = cause.fix === undefined ? {} : { fix: cause.fix };
      throw new AppError(cause.code, cause.message, { where: file, cause, ...fix });
    }
  }
  return keys;
}

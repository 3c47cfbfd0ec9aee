import * as z from "zod/mini";
import { canonicalJson, parseCanonical } from "../../shared/canonical.ts";
import { inWords } from "../../shared/errors.ts";
import { isMap, type KubeObject } from "../../shared/live.ts";
import { name, pair, siteId } from "../../shared/names.ts";
import { parseAgeIdentity } from "../../shared/node/age-key.ts";
import { parsePrivateKey } from "../../shared/node/ssh-private-key.ts";
import { parseAs } from "../../shared/parse.ts";
import { type Kept, NOTHING, type Reading } from "./keep.ts";

export const SECRET = { apiVersion: "v1", kind: "Secret", namespace: "skerry-system", name: "skerry-site" };
/** By it the one Secret is watched. */
export const KEEP_LABEL = "skerry.dev/keep";
const LABELLED = "site";
const KEY = "report.key";
const BOX = "box.key";
const MARKS = "marks.json";
/** What a Secret may hold at all. */
const MAX_BYTES = 1024 * 1024;

const marksDocument = z.strictObject({
  fleet: name,
  site: siteId,
  /** By bundle: highest committed pair, highest committed floor. */
  marks: z.record(name, z.strictObject({ pair, floor: pair })),
});

export interface Owner {
  fleet: string;
  site: string;
}

export function secretOf({ reportKey, boxKey, marks }: Kept, owner: Owner, version: string | null): KubeObject {
  const { apiVersion, kind, namespace, name: named } = SECRET;
  const document = canonicalJson({ ...owner, marks: Object.fromEntries(marks) });
  return {
    apiVersion,
    kind,
    metadata: {
      name: named,
      namespace,
      labels: { [KEEP_LABEL]: LABELLED },
      ...(version === null ? {} : { resourceVersion: version }),
    },
    type: "Opaque",
    data: {
      [MARKS]: base64(document),
      ...(reportKey === null ? {} : { [KEY]: base64(reportKey) }),
      ...(boxKey === null ? {} : { [BOX]: base64(boxKey) }),
    },
  };
}

/** Never throws: whatever lies there, the disk's own marks stand. */
export function readSecret(object: KubeObject | null, owner: Owner): Reading {
  if (object === null) return { found: "nothing" };
  const version = String(object.metadata["resourceVersion"] ?? "");
  const data = isMap(object["data"]) ? object["data"] : {};
  const where = `Secret ${SECRET.namespace}/${SECRET.name}`;
  const broken: string[] = [];
  const part = <T>(key: string, read: (bytes: Buffer) => T, absent: T): T => {
    const text = data[key];
    try {
      if (typeof text !== "string") throw new Error("is missing");
      return read(Buffer.from(text, "base64"));
    } catch (error) {
      broken.push(`${key}: ${inWords(error)}`);
      return absent;
    }
  };
  const marks = part(MARKS, (bytes) => parseAs(marksDocument, parseCanonical(bytes, where, MAX_BYTES), where), null);
  if (marks !== null && (marks.fleet !== owner.fleet || marks.site !== owner.site)) {
    return {
      found: "foreign",
      version,
      words: `${where} is of site ${marks.site} of fleet ${marks.fleet}: delete it if that site is gone`,
    };
  }
  if (!isMap(object.metadata["labels"]) || object.metadata["labels"][KEEP_LABEL] !== LABELLED) {
    broken.push(`its label ${KEEP_LABEL} is missing`);
  }
  const reportKey = part(KEY, textOf(parsePrivateKey), NOTHING.reportKey);
  // An agent without secrets wrote none: that is no damage.
  const boxKey = data[BOX] === undefined ? null : part(BOX, textOf(parseAgeIdentity), NOTHING.boxKey);
  const kept: Kept = { reportKey, boxKey, marks: new Map(Object.entries(marks?.marks ?? {})) };
  if (broken.length === 0) return { found: "kept", kept, version };
  return { found: "damaged", kept, version, words: `${where} is not as it was written: ${broken.join("; ")}` };
}

/** The text as it is, where it is a key. */
function textOf(parse: (text: string) => unknown): (bytes: Buffer) => string {
  return (bytes) => {
    const text = bytes.toString("utf8");
    parse(text);
    return text;
  };
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}

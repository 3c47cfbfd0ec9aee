import { AppError } from "../../shared/errors.ts";
import { DELTA_MAX_BYTES } from "../../shared/node/delta.ts";
import type { SignedBytes } from "../../shared/ports.ts";
import { deltaName, type Source } from "../../shared/source/source.ts";
import type { Files } from "../lab/git/repository.ts";

/** A source in memory, laid out as the branches of a Git server are. */
export interface MemorySource {
  source: Source;
  /** Puts exactly these files on a branch; `anew` forgets what was there before. */
  commit(branch: string, files: Files, subject: string, anew?: boolean): void;
  faults: {
    /** Every call fails with `unreachable`. */
    cut: boolean;
    /** What is read comes out broken: every call but `heads` fails with `malformed`. */
    damaged: boolean;
  };
}

interface Commit {
  id: string;
  branch: string;
  subject: string;
  files: ReadonlyMap<string, Uint8Array>;
  before: Commit | undefined;
}

const SHOWN = /^(?:main|trust|sites-[0-9a-f]|bundles\/.+|deltas\/.+)$/;

export function memorySource(): MemorySource {
  const faults = { cut: false, damaged: false };
  const heads = new Map<string, Commit>();
  const commits = new Map<string, Commit>();
  const at = (id: string): Commit => {
    if (faults.cut) throw new AppError("unreachable", "the line is cut");
    if (faults.damaged) throw new AppError("malformed", "what arrived is not whole");
    const found = commits.get(id);
    if (found === undefined) throw new AppError("not-found", `no such head or version: ${id}`);
    return found;
  };
  return {
    faults,
    commit: (branch, files, subject, anew = false) => {
      const id = `${branch}#${commits.size + 1}`;
      const content = new Map(Object.entries(files).map(([path, bytes]) => [path, new Uint8Array(Buffer.from(bytes))]));
      const commit = { id, branch, subject, files: content, before: anew ? undefined : heads.get(branch) };
      commits.set(id, commit);
      heads.set(branch, commit);
    },
    source: {
      address: "memory",
      heads: async () => {
        if (faults.cut) throw new AppError("unreachable", "the line is cut");
        return new Map([...heads].filter(([branch]) => SHOWN.test(branch)).map(([branch, { id }]) => [branch, id]));
      },
      roots: async (head, after) => {
        const { files } = at(head);
        const numbers = [...files.keys()].flatMap((path) => Number(/^root\/(\d+)\.json$/.exec(path)?.[1] ?? []));
        const later = numbers.filter((number) => number > after).toSorted((a, b) => a - b);
        return later.flatMap((number) => document(files, `root/${number}.json`) ?? []);
      },
      newest: async (head) => document(at(head).files, "head.json"),
      delta: async (head, from) => {
        const frame = at(head).files.get(deltaName(from)) ?? null;
        if (frame === null || frame.length <= DELTA_MAX_BYTES) return frame;
        throw new AppError("too-large", `more than ${DELTA_MAX_BYTES} bytes`);
      },
      record: async (head, site) => document(at(head).files, `sites/${site}.json`),
      versions: async (head) => {
        const found: Commit[] = [];
        for (let next: Commit | undefined = at(head); next !== undefined; next = next.before) found.push(next);
        return found.map(({ branch, id, subject }) => ({ branch, id, version: subject }));
      },
      manifest: async ({ id }) => {
        const found = document(at(id).files, "bundle.json");
        if (found === null) throw new AppError("not-found", "the version has no bundle.json");
        return found;
      },
      blobs: async function* ({ id }, wanted) {
        for (const { path } of wanted) {
          const bytes = at(id).files.get(`files/${path}`);
          if (bytes === undefined) throw new AppError("not-found", `the version has no file ${path}`);
          const half = Math.ceil(bytes.length / 2);
          if (half > 0) yield { path, bytes: bytes.subarray(0, half), last: false };
          yield { path, bytes: bytes.subarray(half), last: true };
        }
      },
      close: async () => {},
    },
  };
}

function document(files: ReadonlyMap<string, Uint8Array>, path: string): SignedBytes | null {
  const body = files.get(path);
  if (body === undefined) return null;
  const stem = `${path}.`;
  const signatures = [...files].filter(([each]) => each.startsWith(stem) && each.endsWith(".sig"));
  return {
    body,
    signatures: new Map(
      signatures.map(([each, bytes]) => [each.slice(stem.length, -".sig".length), Buffer.from(bytes).toString()]),
    ),
  };
}

import { AppError } from "../errors.ts";
import { apart, type HttpAuth, headerOf } from "../node/http-address.ts";
import type { Pace } from "../node/http-exchange.ts";
import type { ProxyEnv } from "../node/http-proxy.ts";
import type { SignedBytes } from "../ports.ts";
import type { GitCommit } from "./git-messages.ts";
import { GitProcess } from "./git-process.ts";
import type { BlobChunk, Source, VersionRef } from "./source.ts";

/** The fleet repository's own files, which the hub reads. */
export interface FleetFiles {
  /** Files below a folder at a head of `main`, sorted by path, which begins with the folder. */
  files(head: string, folder: string): Promise<{ path: string; bytes: Uint8Array }[]>;
  /** Which commit brought these files to what they are, by path, as far as that is known. */
  changed(head: string, paths: readonly string[]): Promise<ReadonlyMap<string, GitCommit>>;
}

export interface GitSourceOptions {
  /** `https://host/path`; a user and password in it are sent and never shown. */
  url: string;
  /** Where there is none in `url`. */
  auth?: HttpAuth;
  /** PEM of the authorities that may vouch for the server; without it, those that Node knows. */
  ca?: string;
  /** Where `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` are looked up, for one `process.env`. Default: nowhere, no proxy. */
  proxy?: ProxyEnv;
  /** Where fetched objects are kept; may be deleted at any time. */
  dir: string;
  /** Path of the script of the child process. */
  child: string;
  /** What the child process may use, in MiB. Default 256. */
  memoryMb?: number;
  /** Milliseconds without a byte after which a connection counts as lost. Default 30 s. */
  silenceMs?: number;
  /** The slowest pace of an answer. Default 20 B/s, see `SLOWEST`. */
  slowest?: Pace;
  /** Milliseconds that one call may take. Default 1 h: Git cannot resume, and a first fetch of 300 KB at 100 B/s takes so long. */
  deadlineMs?: number;
  /** Milliseconds of rest after which the child process is ended. Default 60 s. */
  idleMs?: number;
}

const MiB = 1024 * 1024;
const CHUNK_BYTES = 64 * 1024;
const FLEET_FILE_MAX_BYTES = MiB;

/**
 * Port `source` over a Git server. A head is `<branch>@<commit>`, a version's id is its commit. Throws `config` where the address
 * is none, without showing it.
 */
export function gitSource(options: GitSourceOptions): Source & FleetFiles {
  const { url, auth = options.auth } = apart(options.url);
  const memoryMb = options.memoryMb ?? 256;
  const git = new GitProcess({
    remote: {
      url,
      ...(auth !== undefined && { authorization: headerOf(auth) }),
      ...(options.ca !== undefined && { ca: options.ca }),
      ...(options.proxy !== undefined && { proxy: options.proxy }),
      ...(options.slowest !== undefined && { slowest: options.slowest }),
      dir: options.dir,
      silenceMs: options.silenceMs ?? 30_000,
      // A response is held several times while it is taken apart.
      maxResponseBytes: (memoryMb * MiB) / 4,
    },
    child: options.child,
    memoryMb,
    idleMs: options.idleMs ?? 60_000,
    deadlineMs: options.deadlineMs ?? 3_600_000,
  });
  return {
    address: url,
    heads: async (only) => {
      const commits = await git.ask("heads", { only: only ?? null });
      return new Map([...commits].map(([branch, commit]) => [branch, `${branch}@${commit}`]));
    },
    roots: async (head, after) => {
      const documents = await git.ask("documents", { ...at(head), folder: "root", names: "all" });
      return documents
        .map(([name, document]) => ({ number: /^[1-9]\d{0,8}$/.test(name) ? Number(name) : 0, document }))
        .filter(({ number }) => number > after)
        .toSorted((a, b) => a.number - b.number)
        .map(({ document }) => document);
    },
    newest: async (head) => {
      const [found] = await git.ask("documents", { ...at(head), folder: "", names: ["head"] });
      return found?.[1] ?? null;
    },
    record: async (head, site) => {
      const [found] = await git.ask("documents", { ...at(head), folder: "sites", names: [site] });
      return found?.[1] ?? null;
    },
    versions: async (head) => {
      const { branch, commit } = at(head);
      const commits = await git.ask("log", { branch, commit });
      return commits.map((each) => ({ branch, id: each.commit, version: each.subject }));
    },
    manifest: async (ref) =>
      manifestOf(await git.ask("documents", { ...place(ref), folder: "", names: ["bundle"] }), ref),
    blobs: (ref, wanted) => blobs(git, ref, wanted),
    // A pack builds on what is had: Git needs no deltas beside it.
    delta: async () => null,
    files: async (head, folder) => {
      const place = at(head);
      const paths = await git.ask("list", { ...place, folder });
      return Promise.all(paths.map(async (path) => ({ path, bytes: await fleetFile(git, place, path) })));
    },
    changed: async (head, paths) => new Map(await git.ask("changed", { ...at(head), paths })),
    close: () => git.close(),
  };
}

async function* blobs(git: GitProcess, ref: VersionRef, wanted: readonly { path: string; size: number }[]) {
  for (const { path, size } of wanted) {
    // One byte more than was signed is enough to show that there is more.
    const bytes = await git.ask("file", { ...place(ref), path: `files/${path}`, maxBytes: size + 1 });
    if (bytes === null) throw new AppError("not-found", `the version has no file ${path}`, { where: ref.branch });
    yield* chunksOf(path, bytes);
  }
}

function* chunksOf(path: string, bytes: Uint8Array): Iterable<BlobChunk> {
  let start = 0;
  do {
    const end = start + CHUNK_BYTES;
    yield { path, bytes: bytes.subarray(start, end), last: end >= bytes.length };
    start = end;
  } while (start < bytes.length);
}

async function fleetFile(git: GitProcess, place: { branch: string; commit: string }, path: string) {
  const bytes = await atMost(git, place, path, FLEET_FILE_MAX_BYTES);
  if (bytes === null) throw new AppError("internal", "a listed file is not there", { where: path });
  return bytes;
}

async function atMost(git: GitProcess, place: { branch: string; commit: string }, path: string, maxBytes: number) {
  const bytes = await git.ask("file", { ...place, path, maxBytes: maxBytes + 1 });
  if (bytes === null || bytes.length <= maxBytes) return bytes;
  throw new AppError("too-large", `more than ${maxBytes} bytes`, { where: path });
}

function manifestOf([found]: [string, SignedBytes][], ref: VersionRef): SignedBytes {
  if (found !== undefined) return found[1];
  throw new AppError("not-found", "the version has no bundle.json", { where: `${ref.branch} ${ref.version}` });
}

function place({ branch, id }: VersionRef): { branch: string; commit: string } {
  return { branch, commit: id };
}

function at(head: string): { branch: string; commit: string } {
  const [branch = "", commit = ""] = head.split("@");
  return { branch, commit };
}

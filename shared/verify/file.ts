import type { BundleFile } from "../bundle.ts";
import { AppError } from "../errors.ts";
import { isMap, type KubeObject } from "../live.ts";
import { type Sha256Stream, sha256Hex, sha256Stream } from "../node/sha256.ts";

declare const checked: unique symbol;

/** A file that has the signed size and hash. Made only here. */
export interface CheckedFile {
  readonly sha256: string;
  readonly size: number;
  readonly bytes: Uint8Array;
  readonly [checked]: true;
}

/** A file that is coming in. `take` each chunk, then `finish`. */
export interface IncomingFile {
  readonly file: BundleFile;
  readonly chunks: Uint8Array[];
  readonly hash: Sha256Stream;
  received: number;
}

export function expectFile(file: BundleFile): IncomingFile {
  return { file, chunks: [], hash: sha256Stream(), received: 0 };
}

/** Throws `digest` at the first byte too many, so that an endless file costs no more than a signed one. */
export function take(incoming: IncomingFile, chunk: Uint8Array): void {
  incoming.received += chunk.byteLength;
  if (incoming.received > incoming.file.size) {
    throw new AppError("digest", `more than the signed ${incoming.file.size} bytes`, {
      where: `files/${incoming.file.path}`,
    });
  }
  incoming.hash.take(chunk);
  incoming.chunks.push(chunk);
}

export function finish(incoming: IncomingFile): CheckedFile {
  const { file, received } = incoming;
  const where = `files/${file.path}`;
  if (received < file.size) throw new AppError("digest", `${received} of ${file.size} signed bytes`, { where });
  if (incoming.hash.hex() !== file.sha256) throw new AppError("digest", "its bytes are not the signed ones", { where });
  return { sha256: file.sha256, size: received, bytes: Buffer.concat(incoming.chunks) } as unknown as CheckedFile;
}

/** The same check for bytes that lie on disk. */
export function checkFile(sha256: string, bytes: Uint8Array): CheckedFile {
  if (sha256Hex(bytes) !== sha256)
    throw new AppError("digest", "its bytes on disk are not the signed ones", { where: `blob ${sha256}` });
  return { sha256, size: bytes.byteLength, bytes } as CheckedFile;
}

/** Deeper than any schema of a custom resource, and no danger to what walks through it. */
const MAX_DEPTH = 256;

/** One raw Kubernetes object a file, as JSON. */
export function parseObject(file: CheckedFile, path: string): KubeObject {
  const where = `files/${path}`;
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(file.bytes));
  } catch (cause) {
    throw new AppError("malformed", "not JSON", {
      where,
      cause,
      fix: "a bundle carries JSON only: build it with `skerry bundle build`, which reads YAML as kubectl does",
    });
  }
  if (isDeeper(value, MAX_DEPTH)) throw new AppError("malformed", `nested deeper than ${MAX_DEPTH} levels`, { where });
  if (!isMap(value) || typeof value["apiVersion"] !== "string" || typeof value["kind"] !== "string") {
    throw new AppError("malformed", "not a Kubernetes object: apiVersion and kind must be strings", { where });
  }
  const metadata = value["metadata"];
  if (!isMap(metadata) || typeof metadata["name"] !== "string") {
    throw new AppError("malformed", "not a Kubernetes object: metadata.name must be a string", { where });
  }
  return value as KubeObject;
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((each) => isDeeper(each, levels - 1));
}

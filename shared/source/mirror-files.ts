import type { MirrorIndex } from "./mirror-layout.ts";

/**
 * Opens a file as it lies there, compressed; null where there is none. Reading it throws `too-large` above `maxBytes`: a
 * frame can be endless and unpack to nothing. It has to be read, if only its first chunk.
 */
export type Open = (path: string, maxBytes: number) => Promise<AsyncIterable<Uint8Array> | null>;

/** How the files of a mirror are reached. Throws `unreachable`, or `malformed` for what is no plain file. */
export interface MirrorFiles {
  readonly address: string;
  /** The index, cheaply where it did not change since it was read last. */
  index(): Promise<MirrorIndex>;
  open: Open;
  close(): Promise<void>;
}

/** All of it at once. */
export async function whole(file: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of file) chunks.push(chunk);
  return Buffer.concat(chunks);
}

// By its default export: a name that an older Node lacks would fail before `require-node.ts` can say so.
import zlib from "node:zlib";
import { AppError } from "../errors.ts";

/** zstd frames (RFC 8878) that others may have made: what a reader spends on one is bounded. */

/** 16 MiB: what a reader holds of what it unpacked before, whatever the frame asks for. */
const D_PARAMS = { [zlib.constants.ZSTD_d_windowLogMax]: 24 };
const C_PARAMS = { [zlib.constants.ZSTD_c_compressionLevel]: 19 };

export function zstd(bytes: Uint8Array, dictionary: Uint8Array = new Uint8Array()): Buffer {
  return zlib.zstdCompressSync(bytes, { ...withDictionary(dictionary), params: C_PARAMS });
}

/** Throws `malformed` where it is no frame, not a whole one, or made with another dictionary; `too-large` above `maxBytes`. */
export function unzstd(frame: Uint8Array, maxBytes: number, dictionary: Uint8Array = new Uint8Array()): Buffer {
  const options = { ...withDictionary(dictionary), maxOutputLength: Math.max(1, maxBytes), params: D_PARAMS };
  try {
    const bytes = zlib.zstdDecompressSync(frame, options);
    if (bytes.length <= maxBytes) return bytes;
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw damaged(cause);
  }
  throw new AppError("too-large", `unpacks to more than ${maxBytes} bytes`);
}

/** The same, chunk by chunk; the bound is the caller's, who may stop at any time. Passes on what `frame` throws. */
export async function* unzstdChunks(frame: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const decoder = zlib.createZstdDecompress({ params: D_PARAMS });
  const feeding = feed(frame, decoder);
  try {
    yield* decoder;
  } catch (cause) {
    throw cause instanceof AppError ? cause : damaged(cause);
  } finally {
    decoder.destroy();
    await feeding;
  }
}

/** Ends when the decoder does, so that nobody reads on for a reader who stopped. */
async function feed(
  frame: AsyncIterable<Uint8Array>,
  decoder: ReturnType<typeof zlib.createZstdDecompress>,
): Promise<void> {
  try {
    for await (const chunk of frame) {
      if (decoder.destroyed) return;
      if (decoder.write(chunk)) continue;
      await new Promise<void>((resolve) => decoder.once("drain", resolve).once("close", resolve));
    }
    decoder.end();
  } catch (error) {
    decoder.destroy(error instanceof Error ? error : new Error(String(error)));
  }
}

/** An empty dictionary is none. */
function withDictionary(dictionary: Uint8Array): { dictionary?: Uint8Array } {
  return dictionary.length === 0 ? {} : { dictionary };
}

function damaged(cause: unknown): AppError {
  return new AppError("malformed", "not a zstd frame, not a whole one, or made for other bytes", { cause });
}

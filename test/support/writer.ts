import type { Store, Writer } from "../../hub/registry/store.ts";

/** The right to write, which nobody else is expected to hold. */
export async function writerOf(store: Store, holder = "test", ms = 60_000): Promise<Writer> {
  const writer = await store.take(holder, ms);
  if (writer === null) throw new Error("another holds the lease");
  return writer;
}

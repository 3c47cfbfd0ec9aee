import { expect, it } from "vitest";
import { packSigned } from "../../../shared/source/mirror-layout.ts";
import { mirrorSource } from "../../../shared/source/mirror-source.ts";

it("roots that unpack to gigabytes end as a refusal, a few of them read", async () => {
  const bomb = packSigned({ body: new Uint8Array(7 * 1024 * 1024), signatures: new Map() });
  let opened = 0;
  const source = mirrorSource({
    address: "memory",
    index: async () => ({ bundles: {}, sites: {}, trust: [5_000, "0123456789ab"] }),
    open: async () => {
      opened += 1;
      return (async function* () {
        yield bomb;
      })();
    },
    close: async () => {},
  });
  const head = (await source.heads()).get("trust") ?? "";
  await expect(source.roots(head, 0)).rejects.toMatchObject({ code: "too-large" });
  expect([opened, bomb.length < 4_096]).toEqual([3, true]);
});

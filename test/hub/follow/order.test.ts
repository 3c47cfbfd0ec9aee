import { expect, test } from "vitest";
import { readRolloutFiles } from "../../../hub/follow/rollout-file.ts";
import { sha256Hex } from "../../../shared/node/sha256.ts";
import type { SignedBytes } from "../../../shared/ports.ts";
import { keys, rootDocument, signedMove, trustedRoot } from "../../support/fleet.ts";

const root = trustedRoot({ roles: { ...rootDocument().roles, move: { keys: ["move"], threshold: 1 } } });
const YAML = "kind: Rollout/v1\nbundle: pos\nversion: 1.0.0\nsites: {}\n";
const good = { name: "pos", number: 3, sha256: sha256Hex(Buffer.from(YAML)) };

function read(order: SignedBytes | null, yaml = YAML, under = root) {
  const files = [{ path: "rollouts/pos.yaml", bytes: Buffer.from(yaml) }];
  if (order !== null) files.push({ path: "rollouts/pos.move.json", bytes: Buffer.from(order.body) });
  for (const [key, text] of order?.signatures ?? []) {
    files.push({ path: `rollouts/pos.move.json.${key}.sig`, bytes: Buffer.from(text) });
  }
  const found = readRolloutFiles(files, "c0ffee", under);
  expect([...found.keys()]).toEqual(["pos"]);
  return found.get("pos");
}

test("with the role move, a file is read with the order for its bytes", () => {
  const { name: _, ...move } = good;
  expect(read(signedMove(good))).toMatchObject({ kind: "read", move });
});

test("without the role, nobody asks for an order", () => {
  expect(read(null, YAML, trustedRoot())).toMatchObject({ kind: "read", move: null });
  expect(read(signedMove(good, keys.stranger), YAML, trustedRoot())).toMatchObject({ kind: "read", move: null });
});

test.each<[string, string, ReturnType<typeof read>]>([
  ["without an order", "threshold", read(null)],
  ["with the order of a stranger", "threshold", read(signedMove(good, keys.stranger))],
  ["changed after it was signed", "digest", read(signedMove(good), `${YAML}# faster\n`)],
  ["with the order for another file", "digest", read(signedMove({ ...good, name: "base" }))],
])("a file %s is refused: %s", (_title, code, found) => {
  expect(found).toMatchObject({ kind: "refused", move: null, error: { code } });
  const where = found?.kind === "refused" ? found.error.where : "";
  expect(where).toMatch(/^rollouts\/pos\.move\.json/);
});

test("a broken file with a good order is refused by its line, and the order counts", () => {
  const broken = `${YAML}wawes: []\n`;
  const order = { ...good, sha256: sha256Hex(Buffer.from(broken)) };
  expect(read(signedMove(order), broken)).toMatchObject({
    kind: "refused",
    move: { number: 3 },
    error: { code: "schema", where: expect.stringMatching(/^rollouts\/pos\.yaml:5 /) },
  });
});

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { attend } from "../../../agent/adopt/attend.ts";
import { readAnswer, writeRequest } from "../../../agent/adopt/request.ts";
import { AppError } from "../../../shared/errors.ts";
import { memoryCache } from "../../support/cache.ts";
import { FakeClock } from "../../support/clock.ts";
import { NOW } from "../../support/fleet.ts";
import { memorySource } from "../../support/source.ts";

it("a disk that is full while somebody adopts ends nothing: the request is taken up again", async () => {
  const room = mkdtempSync(join(tmpdir(), "skerry-room-"));
  onTestFinished(() => rmSync(room, { recursive: true }));
  const [clock, cache, words] = [new FakeClock(NOW), memoryCache(), [] as unknown[]];
  let visits = 0;
  let full = true;
  const transaction = cache.transaction.bind(cache);
  cache.transaction = (effect, work) => {
    if (full) throw new AppError("storage", "the disk is full");
    return transaction(effect, work);
  };
  const id = writeRequest(room, "/mnt/stick");
  const leave = attend({
    room,
    cache,
    clock,
    journal: () => {},
    log: { debug() {}, info() {}, warn() {}, error: ({ words: said }: { words?: unknown }) => void words.push(said) },
    named: () => true,
    assignment: () => null,
    held: () => null,
    open: () => memorySource().source,
    visit: async () => {
      visits += 1;
    },
    onChange: () => {},
  });
  for (let turn = 0; turn < 500 && words.length === 0; turn += 1) await Promise.resolve();
  expect([visits, words]).toEqual([1, ["storage: the disk is full"]]);
  full = false;
  clock.advance(5_000);
  for (let turn = 0; turn < 500 && readAnswer(room, id) === null; turn += 1) await Promise.resolve();
  await leave();
  expect(readAnswer(room, id)).toMatchObject({ failed: false });
});

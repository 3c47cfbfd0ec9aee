import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import { StatusSender } from "../../../hub/notify/sender.ts";
import type { CommitStatus } from "../../../hub/notify/status.ts";
import { silent } from "../../../shared/ports.ts";
import { FakeClock } from "../../support/clock.ts";

function world() {
  const clock = new FakeClock(0);
  const wanted = new Map<string, CommitStatus>();
  const kept = new Map<string, CommitStatus>();
  const sent: string[] = [];
  const bad = new Set<string>();
  const want = (rollout: string, words: string) =>
    wanted.set(rollout, { rollout, commit: "c".repeat(40), state: "pending", words });
  const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  const sender = new StatusSender({
    unsent: () => [...wanted.values()].filter((status) => kept.get(status.rollout)?.words !== status.words),
    send: async ({ rollout, words }) => {
      sent.push(`${clock.monotonic() / 1000} ${rollout} ${words}`);
      if (bad.has(rollout)) throw new Error("no");
    },
    onSent: async (status) => void kept.set(status.rollout, status),
    clock,
    random: () => 1,
    journal: silent,
    log,
  });
  const pass = async (seconds: number) => {
    for (let left = seconds; left > 0; left -= 1) {
      clock.advance(1_000);
      await setImmediate();
    }
  };
  return { sender, want, sent, bad, pass };
}

test("what changes in a moment is told once, as it is by then; what was told is not told again", async () => {
  const { sender, want, sent, pass } = world();
  for (const words of ["a", "b", "c"]) {
    want("pos", words);
    sender.changed();
  }
  await pass(30);
  sender.changed();
  await pass(30);
  expect(sent).toEqual(["1 pos c"]);
});

test("what is refused is tried for ever, ever more rarely, keeps nothing else back, and is then told as it is by then", async () => {
  const { sender, want, sent, bad, pass } = world();
  bad.add("pos");
  want("pos", "a");
  want("base", "x");
  sender.changed();
  await pass(80);
  expect(sent).toEqual(["1 pos a", "1 base x", "6 pos a", "16 pos a", "36 pos a", "76 pos a"]);
  await pass(4_000);
  const moments = sent.slice(-3).map((line) => Number(line.split(" ")[0]));
  expect((moments[2] ?? 0) - (moments[1] ?? 0)).toBe(600);
  want("pos", "b");
  bad.clear();
  sender.changed();
  await pass(600);
  expect(sent.at(-1)).toMatch(/ pos b$/);
  const told = sent.length;
  await pass(2_000);
  expect(sent).toHaveLength(told);
});

test("stopped, it tells nothing more", async () => {
  const { sender, want, sent, pass } = world();
  want("pos", "a");
  sender.changed();
  await sender.stop();
  await pass(10);
  expect(sent).toEqual([]);
});

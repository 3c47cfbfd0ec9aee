import { expect, it } from "vitest";
import { type Because, inWordsBecause } from "../../../hub/rollout/because.ts";
import { NOBODY_AWAY, some } from "./samples.ts";

const waiting = {
  wave: "canary",
  healthy: 3,
  of: 4,
  needed: 4,
  waitingFor: some("applying", "s-2"),
  ...NOBODY_AWAY,
};

it.each<[string, Because]>([
  ["canary: 3 of 4 healthy; waiting for s-2 (applying)", { kind: "moving", ...waiting }],
  [
    "canary: 3 of 4 healthy, 2 needed; waiting for s-2 (applying); offline a, b, c and 2 more",
    { kind: "moving", ...waiting, needed: 2, offline: some("offline", "a", "b", "c", "d", "e") },
  ],
  [
    "canary: 3 of 4 healthy for 6 of 10 s; waiting for s-2 (applying)",
    { kind: "soaking", ...waiting, shortestSeconds: 6, soakSeconds: 10 },
  ],
  [
    "canary: 3 of 4 healthy for 9 of 10 min; waiting for s-2 (applying)",
    { kind: "soaking", ...waiting, shortestSeconds: 599, soakSeconds: 600 },
  ],
  [
    "canary: 3 of 4 healthy for 23 of 24 h; waiting for s-2 (applying)",
    { kind: "soaking", ...waiting, shortestSeconds: 86_399, soakSeconds: 86_400 },
  ],
  [
    "canary: 1 of 4 sites can be judged, 2 needed; offline s-2, s-3",
    {
      kind: "quorum",
      wave: "canary",
      counted: 1,
      of: 4,
      needed: 2,
      ...NOBODY_AWAY,
      offline: some("offline", "s-2", "s-3"),
    },
  ],
  [
    "paused: canary: 1 of 8 failed, over 2%; s-4 (timedOut, unreachable)",
    {
      kind: "paused",
      why: {
        kind: "failures",
        wave: "canary",
        failed: [{ site: "s-4", outcome: "timedOut", code: "unreachable" }],
        ended: 8,
        over: "2%",
      },
    },
  ],
  ["paused: by alice: lunch", { kind: "paused", why: { kind: "person", who: "alice", reason: "lunch" } }],
  ["completed: 3 of 3 healthy", { kind: "completed", healthy: 3, of: 3, behind: some("pending") }],
  ["aborted by alice: wrong list", { kind: "aborted", who: "alice", reason: "wrong list" }],
  ["superseded by pos-2", { kind: "superseded", by: "pos-2" }],
])("%s", (words, because) => {
  expect(inWordsBecause(because)).toBe(words);
});

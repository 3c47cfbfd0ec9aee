import { expect, it, vi } from "vitest";
import { Meetings, queueInputs } from "../../../hub/rollout/queue.ts";
import type { Run } from "../../../hub/rollout/run.ts";
import { Sites } from "../../../hub/rollout/sites.ts";
import { notBegun, startRun } from "../../../hub/rollout/start.ts";
import { memberOf, specOf, targetOf } from "./samples.ts";

const members = Array.from({ length: 200 }, (_, index) => memberOf(`s-${index}`, { ring: index < 100 ? "a" : "b" }));

function runOf(rollout: string, ring: string): Run {
  const spec = specOf({ sites: { ring } });
  const start = { id: `${rollout}-1`, rollout, commit: "c", spec, target: targetOf(2), back: false, seed: "x" };
  return startRun(start, members, 0);
}

it("compares the sites of two runs once, and after that those that joined", () => {
  const waiting = runOf("kiosk", "b");
  const moving: Run = { ...runOf("pos", "a"), phase: { kind: "rolling", wave: 0, step: "opening", since: 0 } };
  const asked = vi.spyOn(Sites.prototype, "has");
  let meetings: Meetings | undefined;
  const cost = (other: Run) => {
    meetings = new Meetings(meetings);
    asked.mockClear();
    const inputs = queueInputs(waiting, new Map([waiting, other].map((run) => [run.id, run])), 0, meetings);
    return [inputs, asked.mock.calls.length];
  };
  expect(cost(moving)).toEqual([[], 200]);
  expect(cost(moving)).toEqual([[], 0]);
  const joined: Run = { ...moving, sites: moving.sites.with([["s-new", notBegun(0, 0)]]) };
  expect(cost(joined)).toEqual([[], 1]);
  const met: Run = { ...joined, sites: joined.sites.with([["s-150", notBegun(0, 0)]]) };
  const [inputs] = cost(met);
  const behind = { run: "pos-1", rollout: "pos", site: "s-150", sites: 1 };
  expect(inputs).toEqual([{ kind: "queue", behind }]);
  asked.mockRestore();
});

import type { Functions } from "./replace.ts";

/** Functions of the product that a simulation exchanges: frames are minted, steps are checked, and bugs are planted in the others. */
export const REPLACED: Functions = {
  "agent/target/hold.ts": ["begin"],
  "agent/target/may-start.ts": ["obstacle"],
  "agent/target/wanted.ts": ["assigned"],
  "hub/assign/assign.ts": ["assignmentSets"],
  "hub/decide.ts": ["decide"],
  "hub/intake.ts": ["intake"],
  "hub/rollout/effects.ts": ["effectsAt"],
  "hub/rollout/eligible.ts": ["ineligibility"],
  "hub/rollout/evidence.ts": ["acknowledged"],
  "hub/rollout/gate.ts": ["gate", "tooManyFailures"],
  "hub/rollout/outcome.ts": ["isMoving", "targetOf"],
  "hub/rollout/pace.ts": ["freeToGive", "gave"],
  "hub/rollout/plan.ts": ["plan"],
  "hub/rollout/step.ts": ["step"],
  "hub/rollout/wake.ts": ["wakeAt"],
  "shared/node/frame.ts": ["encodeFrame", "openFrame", "parseWireKey"],
  "shared/verify/assignment.ts": ["openAssignment"],
};

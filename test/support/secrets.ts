import { fingerprinting } from "../../agent/observe/fingerprint.ts";
import type { Unseal } from "../../agent/pull/trust.ts";
import { unseal } from "../../agent/unseal/unseal.ts";
import { ageIdentity } from "../../shared/node/age-key.ts";

/** What a site knows that nobody else does, for tests: the same every time. */

export const box = ageIdentity(new Uint8Array(32).fill(11));
export const unsealing: Unseal = (bundle, record) => unseal(bundle, record, box);
export const fingerprint = fingerprinting(new Uint8Array(32).fill(12));

/** A deflated body that inflates to a thousand times its size. Run as a program it measures what opening one takes. */
import { sign } from "node:crypto";
import { constants, deflateRawSync, inflateRawSync } from "node:zlib";
import { openFrame } from "../../../shared/node/frame.ts";
import { ed25519FromSeed } from "../../../shared/node/ssh-private-key.ts";
import { preimage } from "../../../shared/node/sshsig.ts";
import { refusal } from "./ssh-keygen.ts";

const MIB = 1024 * 1024;

/** `mebibytes` of spaces, made without ever holding them. */
export function inflationBomb(mebibytes: number): Buffer {
  const part = deflateRawSync(Buffer.alloc(MIB, " "), { finishFlush: constants.Z_FULL_FLUSH });
  return Buffer.concat([...Array.from({ length: mebibytes }, () => part), deflateRawSync(Buffer.from("7"))]);
}

function measure(): { code: string; openedMiB: number; uncappedMiB: number } {
  const key = ed25519FromSeed(Buffer.alloc(32, 1));
  const bomb = inflationBomb(200);
  const signed = Buffer.concat([Buffer.from("topic\0"), Buffer.of(1), bomb]);
  const bytes = Buffer.concat([Buffer.of(1), sign(null, preimage("bomb", "sha512", signed), key.keyObject), bomb]);
  const frame = { topic: "topic", namespace: "bomb", bytes, maxBytes: MIB, maxInflated: MIB, keys: [key.public] };

  const peakMiB = () => process.resourceUsage().maxRSS / 1024;
  const before = peakMiB();
  const code = refusal(() => openFrame(frame));
  const opened = peakMiB();
  inflateRawSync(bomb);
  return { code, openedMiB: opened - before, uncappedMiB: peakMiB() - opened };
}

if (import.meta.main) console.log(JSON.stringify(measure()));

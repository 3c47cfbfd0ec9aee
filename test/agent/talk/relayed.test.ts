import { beforeEach, describe, expect, it } from "vitest";
import { encodeUnsigned } from "../../../shared/node/frame.ts";
import { talkingSite } from "./talking-site.ts";

let site: ReturnType<typeof talkingSite>;
beforeEach(() => {
  site = talkingSite();
});

describe("what the hub relays", () => {
  const message = { roots: [{ body: "{}", signatures: { root: "x" } }] };

  it("is handed on as it came, whoever sent it: its documents must hold by themselves", () => {
    site.talk.heard("down/trust", encodeUnsigned(JSON.stringify(message), "deflate"));
    expect([site.relayed, site.refusals()]).toEqual([[message], []]);
  });

  it.each([
    ["an empty one", new Uint8Array(), "malformed"],
    ["one of no known form", encodeUnsigned('{"roots":[],"more":1}', "plain"), "schema"],
    ["one that is no JSON", encodeUnsigned("{", "plain"), "malformed"],
    ["one over the cap", new Uint8Array(256 * 1024 + 1), "too-large"],
    ["one that inflates without end", encodeUnsigned(`"${" ".repeat(2 * 1024 * 1024)}"`, "deflate"), "too-large"],
  ])("%s is refused, and told once however often it comes", (_words, frame, code) => {
    site.talk.heard("down/trust", frame);
    site.talk.heard("down/trust", frame);
    expect([site.relayed, site.refusals()]).toEqual([[], [code]]);
  });
});

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { sourceFiles } from "./effects.ts";

/** What changes the world: files, objects of a cluster, messages, requests, branches. SQL is held by `openDatabase` itself. */
const EFFECT: RegExp =
  /\b(?:writeFile(?:Sync)?|appendFile(?:Sync)?|rename(?:Sync)?|rm(?:Sync)?|unlink(?:Sync)?|copyFile(?:Sync)?|symlink(?:Sync)?|createWriteStream|writeWhole|writeUnsigned|writeAsk|takeBack|writeAnswer)\(|openSync\([^)]*"w"|\b(?:kube|vault)\.(?:apply|remove|reown|write)\(|\.publish\(|method: "(?:POST|PUT|PATCH|DELETE)"|"push", "--/;

/** Files with such a thing in them and no word to the journal: where it stands, or why there is none. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  "agent/adopt/request.ts": "attend.ts around the answer; the request is a person's command",
  "agent/apply/patient.ts": "port kube: passes on what execute.ts and apply-object.ts journal",
  "agent/apply/rest.ts": "port kube: execute.ts, apply-object.ts, keeper.ts",
  "agent/cli/hold.ts": "a person's command: one file whole, or none",
  "agent/hold/ask-file.ts": "what a person asks for: one file whole, or none, and an answer only after it",
  "agent/keep/kube-vault.ts": "port vault: keeper.ts",
  "agent/link/mqtt.ts": "port link: talk.ts",
  "agent/link/redial.ts": "port link: talk.ts",
  "agent/local/server.ts": "the socket of this process, made anew by the next",
  "agent/main.ts": "passes a person's hold on to ask-file.ts",
  "agent/rehearse.ts": "dry runs: they change nothing",
  "hub/broker/embedded.ts": "port bus: outbox.ts, acknowledge.ts, relay.ts, previews.ts",
  "hub/build/signed-files.ts": "whoever builds, signs or drafts",
  "hub/build/repository.ts": "scratch in the system's folder for it",
  "hub/build/tree.ts": "scratch in the system's folder for it",
  "hub/build/tree-export.ts": "scratch in the system's folder for it",
  "hub/cli/hub-client.ts": "a verb of a person: the hub stores it, and answers after that",
  "hub/lead.ts": "port bus: passes on what the hub publishes",
  "hub/notify/forge.ts": "sender.ts",
  "hub/ui/verb-dialog.tsx": "a verb of a person: the hub stores it, and answers after that",
  "shared/source/git-branch.ts": "a copy of what the remote has, in another process, made anew where it is not whole",
  "shared/source/git-folder.ts": "a copy of what the remote has, in another process, made anew where it is not whole",
  "shared/source/git-process.ts": "a copy of what the remote has, in another process, made anew where it is not whole",
  "shared/source/git-server.ts": "asks for a pack: it changes nothing",
};

/** Files whose effects stand in helpers of their own, further from the journal's words than `NEAR` lines. */
const IN_HELPERS = ["agent/identity.ts", "hub/build/publish-mirror-folder.ts", "hub/publish/outbox.ts"];
const NEAR = 4;

const JOURNAL = /[jJ]ournal\(/;

test("every effect on the world is in the journal, or it is written down here why it need not be", () => {
  const silent = sourceFiles().filter((path) => {
    const lines = readFileSync(join(import.meta.dirname, "../..", path), "utf8").split("\n");
    const code = lines.map((line) => (/^(?:import| *\*| *\/\*\*| *\/\/)/.test(line) ? "" : line));
    return code.some(
      (line, at) =>
        EFFECT.test(line) && !code.slice(Math.max(0, at - NEAR), at + NEAR + 1).some((each) => JOURNAL.test(each)),
    );
  });
  expect(silent.toSorted()).toEqual([...Object.keys(ELSEWHERE), ...IN_HELPERS].toSorted());
});

import { join } from "node:path";
import { Command, Option } from "commander";
import { parseCanonical } from "../../shared/canonical.ts";
import { AppError } from "../../shared/errors.ts";
import { rfc3339 } from "../../shared/names.ts";
import { parseAs } from "../../shared/parse.ts";
import { ROOT_MAX_BYTES, ROOT_NAMESPACE, type Root, root } from "../../shared/root.ts";
import { readFleet } from "../build/fleet.ts";
import { writeRoot } from "../build/root-draft.ts";
import { rootView } from "../build/root-view.ts";
import { keysOf, signFile } from "../build/sign.ts";
import { namesIn, readSigned, readWhole } from "../build/signed-files.ts";
import { rootAsJson, rootLines } from "./root-show.ts";
import type { Session } from "./session.ts";

export function rootCommand(session: Session): Command {
  const command = new Command("root").description("the trust document of the fleet");
  const write = (first: boolean) => async (options: { from: string }) => {
    const from = session.path(options.from);
    const draft = { from, first, createdAt: rfc3339(session.now) };
    session.print(await writeRoot(session.repo(), draft, session.journal));
  };
  command
    .command("init")
    .description("write root/1.json from a draft")
    .requiredOption("--from <root.yaml>", "the draft: fleet, keys (files), roles, hubs, bundles")
    .action(write(true));
  command
    .command("rotate")
    .description("write the next root from a draft; the thresholds of the last and of the new one must sign it")
    .requiredOption("--from <root.yaml>", "the draft")
    .action(write(false));
  command
    .command("sign")
    .description("sign the highest root")
    .requiredOption("--key <file>", "private key, or public key of one in an agent")
    .option("--as <name>", "name of the key")
    .action(async (options: { key: string; as?: string }) => {
      const { file, document, before } = await highest(session.repo());
      const old = before === undefined ? {} : keysOf(before, before.roles.root);
      const keys = { ...old, ...keysOf(document, document.roles.root) };
      const request = { file, namespace: ROOT_NAMESPACE, keyFile: session.path(options.key), as: options.as, keys };
      session.print(await signFile(request, session.journal));
    });
  command
    .command("show")
    .description("who may do what by the newest root that is signed, and the digest that sites pin")
    .addOption(new Option("-o, --output <format>", "format").choices(["json"]))
    .action(async ({ output }: { output?: "json" }) => {
      const fleet = await readFleet(session.repo());
      const waiting = await readSigned(fileOf(session.repo(), fleet.newest.document.number + 1));
      const view = rootView(fleet, waiting);
      for (const line of output === "json" ? [rootAsJson(view)] : rootLines(view)) session.print(line);
    });
  command
    .command("verify")
    .description("check the chain of roots; fails where the highest is not signed enough")
    .action(async () => {
      const { newest, pending } = await readFleet(session.repo());
      if (pending !== undefined) throw pending;
      session.print(`root ${newest.document.number} of fleet ${newest.document.fleet} holds`);
    });
  return command;
}

async function highest(repository: string): Promise<{ file: string; document: Root; before: Root | undefined }> {
  const names = await namesIn(join(repository, "root"));
  const number = Math.max(0, ...names.flatMap((name) => Number(/^(\d+)\.json$/.exec(name)?.[1] ?? [])));
  if (number === 0)
    throw new AppError("usage", "there is no root to sign", { fix: "`skerry root init --from root.yaml`" });
  const read = async (n: number) => {
    const file = fileOf(repository, n);
    return parseAs(root, parseCanonical(await readWhole(file), file, ROOT_MAX_BYTES), file);
  };
  const before = number === 1 ? undefined : await read(number - 1);
  return { file: fileOf(repository, number), document: await read(number), before };
}

function fileOf(repository: string, number: number): string {
  return join(repository, "root", `${number}.json`);
}

import { realpath } from "node:fs/promises";
import { relative } from "node:path";
import { Command } from "commander";
import { BUNDLE_NAMESPACE } from "../../shared/bundle.ts";
import { AppError } from "../../shared/errors.ts";
import { name, version } from "../../shared/names.ts";
import { buildBundle } from "../build/build.ts";
import { readFleet } from "../build/fleet.ts";
import { readHistory } from "../build/history.ts";
import { verifyStaged } from "../build/publish-bundle.ts";
import { openRepository } from "../build/repository.ts";
import { signFile } from "../build/sign.ts";
import { readStaged, stage } from "../build/stage.ts";
import { publishAndPrint } from "./publish.ts";
import type { Session } from "./session.ts";

export function bundleCommand(session: Session): Command {
  const command = new Command("bundle").description("build, sign and publish versions");
  command
    .command("build <folder>")
    .description("build the commit's bundles/<name> into .skerry/<name>/<version>/")
    .action(async (folder: string) => {
      const repository = await openRepository(session.repo());
      const { newest } = await readFleet(repository.folder);
      const path = await inside(repository.folder, session.path(folder));
      const built = await buildBundle(repository, path, newest.document, (name) => readHistory(repository, name));
      const file = await stage(repository.folder, built, session.journal);
      const { manifest, digest } = built;
      session.print(`${manifest.name}@${manifest.version} ${manifest.epoch}.${manifest.seq} sha256:${digest}`);
      session.print(file);
    });
  command
    .command("sign <name@version>")
    .description("sign a version that was built")
    .requiredOption("--key <file>", "private key, or public key of one in an agent")
    .option("--as <name>", "name of the key")
    .action(async (which: string, options: { key: string; as?: string }) => {
      const { folder } = await openRepository(session.repo());
      const { newest } = await readFleet(folder);
      const { file } = await readStaged(folder, ...parse(which));
      const { keys } = newest.document;
      const keyFile = session.path(options.key);
      const request = { file, namespace: BUNDLE_NAMESPACE, keyFile, as: options.as, keys };
      session.print(await signFile(request, session.journal));
    });
  command
    .command("verify <name@version>")
    .description("check all that a site will check")
    .action(async (which: string) => {
      const { folder } = await openRepository(session.repo());
      const { newest } = await readFleet(folder);
      const digest = verifyStaged(await readStaged(folder, ...parse(which)), newest);
      session.print(`${which} sha256:${digest} holds under root ${newest.document.number}`);
    });
  command
    .command("publish <name@version>")
    .description("push a signed version, and roots and records that are signed, to origin")
    .action(async (which: string) => {
      const [name, version] = parse(which);
      await publishAndPrint(session, { name, version });
    });
  return command;
}

/** A folder's path from the top of the repository. */
async function inside(repository: string, folder: string): Promise<string> {
  const path = relative(repository, await realpath(folder).catch(() => folder));
  if (path !== "" && !path.startsWith("..")) return path;
  throw new AppError("usage", "not a folder inside the fleet repository", { where: folder });
}

function parse(which: string): [string, string] {
  const [bundle = "", wanted = "", more] = which.split("@");
  if (more === undefined && name.safeParse(bundle).success && version.safeParse(wanted).success) {
    return [bundle, wanted];
  }
  throw new AppError("usage", `${which} is no version of a bundle`, { fix: "write NAME@VERSION, as in pos@1.4.2" });
}

import { realpath } from "node:fs/promises";
import { relative } from "node:path";
import { Command } from "commander";
import { BUNDLE_NAMESPACE } from "../../shared/bundle.ts";
import { AppError } from "../../shared/errors.ts";
import { name } from "../../shared/names.ts";
import { delegationFor } from "../../shared/root.ts";
import { beginBundle } from "../build/begin.ts";
import { buildBundle } from "../build/build.ts";
import { readFleet } from "../build/fleet.ts";
import { readSignedHistory } from "../build/history.ts";
import { lockImages } from "../build/lock-images.ts";
import { verifyStaged } from "../build/publish-bundle.ts";
import { openRepository } from "../build/repository.ts";
import { keysOf, signFile } from "../build/sign.ts";
import { readStaged, stage } from "../build/stage.ts";
import { addLookCommands } from "./bundle-look.ts";
import { publishAndPrint, TO } from "./publish.ts";
import type { Session } from "./session.ts";
import { parseVersion } from "./version-name.ts";

export function bundleCommand(session: Session): Command {
  const command = new Command("bundle").description("build, sign and publish versions");
  command
    .command("init <name>")
    .description("write a first bundle.yaml, with a word about each key")
    .action(async (which: string) => {
      if (!name.safeParse(which).success) throw new AppError("usage", `${which} is no name of a bundle`);
      const { folder } = await openRepository(session.repo());
      const { newest } = await readFleet(folder);
      for (const file of await beginBundle(folder, which, newest.document, session.journal)) session.print(file);
    });
  command
    .command("build <folder>")
    .description("build the commit's bundles/<name> into .skerry/<name>/<version>/")
    .action(async (folder: string) => {
      const repository = await openRepository(session.repo());
      const { newest, chain } = await readFleet(repository.folder);
      const path = await inside(repository.folder, session.path(folder));
      const built = await buildBundle(repository, path, newest.document, async (name) => {
        const { signed, leftOut } = await readSignedHistory(repository, name, chain);
        for (const line of leftOut) session.complain(`left out: ${line}`);
        return signed;
      });
      for (const line of built.warnings) session.complain(`warning: ${line}`);
      const file = await stage(repository.folder, built, session.journal);
      const { manifest, digest } = built;
      session.print(`${manifest.name}@${manifest.version} ${manifest.epoch}.${manifest.seq} sha256:${digest}`);
      session.print(file);
    });
  command
    .command("lock <folder>")
    .description("ask the registries what the tags of its images stand for now, and write that to lock.yaml")
    .action(async (folder: string) => {
      const repository = await openRepository(session.repo());
      const path = await inside(repository.folder, session.path(folder));
      const changes = await lockImages(repository, path, session.journal);
      if (changes.length === 0) session.print("nothing moved");
      for (const { image, from, to } of changes) session.print(`${image}: ${from ?? "new"} -> ${to ?? "gone"}`);
    });
  command
    .command("sign <name@version>")
    .description("sign a version that was built")
    .requiredOption("--key <file>", "private key, or public key of one in an agent")
    .option("--as <name>", "name of the key")
    .action(async (which: string, options: { key: string; as?: string }) => {
      const { folder } = await openRepository(session.repo());
      const { newest } = await readFleet(folder);
      const [name, version] = parseVersion(which);
      const { file } = await readStaged(folder, name, version);
      const keys = keysOf(newest.document, delegationFor(newest.document, name));
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
      const digest = verifyStaged(await readStaged(folder, ...parseVersion(which)), newest);
      session.print(`${which} sha256:${digest} holds under root ${newest.document.number}`);
    });
  command
    .command("publish <name@version>")
    .description("bring a signed version, and roots, head and records that are signed, to origin")
    .option(...TO)
    .action(async (which: string, { to }: { to?: string }) => {
      const [name, version] = parseVersion(which);
      await publishAndPrint(session, { name, version }, to);
    });
  addLookCommands(command, session);
  return command;
}

/** A folder's path from the top of the repository. */
async function inside(repository: string, folder: string): Promise<string> {
  const path = relative(repository, await realpath(folder).catch(() => folder));
  if (path !== "" && !path.startsWith("..")) return path;
  throw new AppError("usage", "not a folder inside the fleet repository", { where: folder });
}

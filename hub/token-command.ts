import { createHash, randomBytes } from "node:crypto";
import { Command } from "commander";
import { AppError } from "../shared/errors.ts";
import { name as nameOf, rfc3339 } from "../shared/names.ts";
import { ROLES, type Role } from "../shared/verbs.ts";
import { notice } from "./notices.ts";
import type { Store } from "./registry/store.ts";

/** Opens the store of a hub, which may be running. */
type Open = (configFile: string) => Store;

/** `skerry-hub token create|ls|revoke`: people that the hub knows by a token of their own. Who may write the hub's disk may do this. */
export function tokenCommand(program: Command, open: Open): Command {
  const command = program
    .command("token")
    .description("tokens of people: who they are to this hub, and what they may do");
  const config = ["--config <file>", "the configuration file (YAML)"] as const;
  command
    .command("create")
    .description("make a token for a person, and show it once")
    .requiredOption(...config)
    .requiredOption("--name <name>", "lower-case letters, digits and hyphens; every verb is recorded with it")
    .requiredOption("--role <role>", `${ROLES.join(", ")}; several with commas`)
    .option(
      "--email <address>",
      "of their commits; may be given again",
      (text: string, all: string[]) => [...all, text],
      [],
    )
    .action(async (options: { config: string; name: string; role: string; email: readonly string[] }) => {
      const token = `skerry_${randomBytes(32).toString("base64url")}`;
      const now = Date.now();
      const person = {
        name: nameFrom(options.name),
        hash: createHash("sha256").update(token).digest("hex"),
        roles: rolesFrom(options.role),
        emails: options.email.map((address) => address.trim().toLowerCase()),
        createdAt: now,
      };
      const words = `token created for ${person.name}, ${person.roles.join(" and ")}`;
      await using(open(options.config), (store) => store.admit(person, notice(now, "run", words)));
      process.stdout.write(`${token}\n`);
      process.stderr.write(`${words}; it is shown this once, and only its hash is kept\n`);
    });
  command
    .command("ls")
    .description("list people who have a token")
    .requiredOption(...config)
    .action(async (options: { config: string }) => {
      const people = await using(open(options.config), (store) => store.people());
      for (const { name, roles, emails, createdAt } of people) {
        process.stdout.write(`${[name, roles.join(","), rfc3339(createdAt), ...emails].join("  ")}\n`);
      }
    });
  command
    .command("revoke")
    .description("take a person's token away, at once")
    .argument("<name>")
    .requiredOption(...config)
    .action(async (name: string, options: { config: string }) => {
      const words = `token of ${name} revoked`;
      const known = await using(open(options.config), (store) => store.dismiss(name, notice(Date.now(), "run", words)));
      if (!known) throw new AppError("not-found", `nobody named ${name} has a token`);
      process.stdout.write(`${words}\n`);
    });
  return command;
}

async function using<T>(store: Store, work: (store: Store) => Promise<T>): Promise<T> {
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

function nameFrom(text: string): string {
  const parsed = nameOf.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new AppError("usage", `--name ${text} is no name`, { fix: "use lower-case letters, digits and hyphens" });
}

function rolesFrom(text: string): Role[] {
  return text.split(",").map((each) => {
    const role = ROLES.find((known) => known === each.trim());
    if (role !== undefined) return role;
    throw new AppError("usage", `--role ${each} is none`, { fix: `use ${ROLES.join(", ")}` });
  });
}

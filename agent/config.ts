import { dirname, resolve } from "node:path";
import * as z from "zod/mini";
import { duration, name, sha256, siteId } from "../shared/names.ts";
import { readConfigFile } from "../shared/node/config-file.ts";
import { LOG_LEVELS } from "../shared/node/log.ts";
import { accessBelow, accessConflict, accessKeys, webAddress } from "../shared/node/web-access.ts";

const hostPort = z.string().check(z.regex(/^(?:[^\s:/]+|\[[0-9a-fA-F:]+\]):\d{1,5}$/));

const path = z.string().check(z.minLength(1));

const source = z
  .strictObject({
    /** A Git server, a web server with a mirror's files, or a folder with them: one of the three. */
    git: z.optional(webAddress),
    mirror: z.optional(webAddress),
    directory: z.optional(path),
    ...accessKeys,
  })
  .check(
    z.superRefine((value, context) => {
      const { git, mirror, directory, ...access } = value;
      const why =
        [git, mirror, directory].filter((each) => each !== undefined).length !== 1
          ? "must name one of git, mirror, directory"
          : directory !== undefined && Object.values(access).some((each) => each !== undefined)
            ? "a directory takes no credentials and no caFile"
            : accessConflict(access);
      if (why !== null) context.addIssue({ code: "custom", message: why });
    }),
  );

/** The one configuration file of an agent. Strict: an unknown key is refused with its line. Paths are relative to the file's folder. */
const config = z
  .strictObject({
    fleet: name,
    site: siteId,
    /** Everything that the agent keeps. */
    dataDir: path,
    /** SHA-256 of the root document that this site begins with. */
    root: z.strictObject({ digest: sha256 }),
    /** Asked in this order: the next one where one fails, lies or lacks something. */
    sources: z.array(source).check(z.minLength(1)),
    /** How often the sources are asked for news. */
    poll: z._default(duration, "5m"),
    /** Left out: the service account of the pod. */
    kube: z._default(
      z.union([
        z.strictObject({ kubeconfig: path }),
        z.strictObject({ server: z.optional(z.string()), tokenFile: z.optional(path), caFile: z.optional(path) }),
      ]),
      {},
    ),
    /** Where the hub is reached, if not at the address that the root names: through a tunnel or a relay. */
    hub: z.optional(z.strictObject({ url: z.string().check(z.regex(/^mqtt:\/\//)) })),
    /** Takes the newest version that is meant for this site without being told; such a site has no hub. */
    adopt: z.optional(z.literal("always")),
    /** Where something at the site says "not now" by a file; `hold` in the data folder where nothing is said. */
    hold: z.optional(z.strictObject({ file: path })),
    /** Where the site page is shown, `host:port`; `none` shows it nowhere. */
    page: z._default(z.union([z.literal("none"), z.strictObject({ listen: hostPort })]), { listen: "127.0.0.1:9464" }),
    reconnect: z._default(
      z.strictObject({
        /** The first attempt comes at a random moment within this time. */
        within: z._default(duration, "10s"),
        /** Longest pause between attempts. */
        atMost: z._default(duration, "15m"),
      }),
      { within: "10s", atMost: "15m" },
    ),
    keepalive: z._default(duration, "60s"),
    clock: z._default(
      z.strictObject({
        /** Exists while the host's clock is synced; `systemd-timesyncd` keeps this one. */
        syncedFile: z._default(path, "/run/systemd/timesync/synchronized"),
      }),
      { syncedFile: "/run/systemd/timesync/synchronized" },
    ),
    /** `plain` sends messages that `mosquitto_sub` shows; they are signed all the same. */
    wire: z._default(z.enum(["plain", "deflate"]), "deflate"),
    log: z._default(z.enum(LOG_LEVELS), "info"),
  })
  .check(
    z.refine(
      ({ adopt, hub }) => adopt === undefined || hub === undefined,
      "adopt: always is for sites without a hub: leave out one of the two",
    ),
  );

export type AgentConfig = z.infer<typeof config>;

/** Throws `config` where the file cannot be read, `schema` or `malformed` with file and line for what is in it. */
export function readConfig(file: string): AgentConfig {
  const parsed = readConfigFile(file, config);
  const at = (path: string) => resolve(dirname(file), path);
  const { kube } = parsed;
  const placed = "kubeconfig" in kube ? { kubeconfig: at(kube.kubeconfig) } : accessBelow(dirname(file), kube);
  const sources = parsed.sources.map((source) => ({
    ...accessBelow(dirname(file), source),
    ...(source.directory === undefined ? {} : { directory: at(source.directory) }),
  }));
  return {
    ...parsed,
    sources,
    dataDir: at(parsed.dataDir),
    kube: placed,
    ...(parsed.hold === undefined ? {} : { hold: { file: at(parsed.hold.file) } }),
    clock: { syncedFile: at(parsed.clock.syncedFile) },
  };
}

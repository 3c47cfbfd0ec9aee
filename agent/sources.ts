import { readFileSync } from "node:fs";
import { join } from "node:path";
import { AppError } from "../shared/errors.ts";
import type { HttpAuth } from "../shared/node/http-address.ts";
import type { ProxyEnv } from "../shared/node/http-proxy.ts";
import { directorySource } from "../shared/source/directory.ts";
import { gitSource } from "../shared/source/git.ts";
import { httpMirrorSource } from "../shared/source/mirror.ts";
import type { Source } from "../shared/source/source.ts";
import type { AgentConfig, SourceConfig } from "./config.ts";

/** What the configuration names, in its order. Throws `config` where a file with credentials or a CA cannot be read. */
export function openSources(config: AgentConfig, gitChild: string, proxy: ProxyEnv): Source[] {
  return config.sources.map((source, index) => {
    const dir = join(config.dataDir, `git-${index}`);
    if (source.directory !== undefined) return directorySource(source.directory);
    const auth = authOf(source);
    const web = {
      proxy,
      ...(auth !== undefined && { auth }),
      ...(source.caFile !== undefined && { ca: textOf(source.caFile) }),
    };
    if (source.mirror !== undefined) return httpMirrorSource({ url: source.mirror, ...web });
    return gitSource({ url: source.git ?? "", dir, child: gitChild, ...web });
  });
}

function authOf({ user, passwordFile, tokenFile }: SourceConfig): HttpAuth | undefined {
  if (tokenFile !== undefined) return { bearer: textOf(tokenFile).trim() };
  if (user === undefined || passwordFile === undefined) return undefined;
  return { basic: { user, password: textOf(passwordFile).replace(/\r?\n$/, "") } };
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new AppError("config", "this file of a source cannot be read", { where: file, cause });
  }
}

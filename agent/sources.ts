import { join } from "node:path";
import type { ProxyEnv } from "../shared/node/http-proxy.ts";
import { readAccess } from "../shared/node/web-access.ts";
import { directorySource } from "../shared/source/directory.ts";
import { gitSource } from "../shared/source/git.ts";
import { httpMirrorSource } from "../shared/source/mirror.ts";
import type { Source } from "../shared/source/source.ts";
import type { AgentConfig } from "./config.ts";

/** What the configuration names, in its order. Throws `config` where a file with credentials or a CA cannot be read. */
export function openSources(config: AgentConfig, gitChild: string, proxy: ProxyEnv): Source[] {
  return config.sources.map((source, index) => {
    const dir = join(config.dataDir, `git-${index}`);
    if (source.directory !== undefined) return directorySource(source.directory);
    const web = { proxy, ...readAccess(source) };
    if (source.mirror !== undefined) return httpMirrorSource({ url: source.mirror, ...web });
    return gitSource({ url: source.git ?? "", dir, child: gitChild, ...web });
  });
}

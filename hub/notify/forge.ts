import { AppError, assertNever } from "../../shared/errors.ts";
import { bodyOf, HttpHost } from "../../shared/node/http-exchange.ts";
import type { ProxyEnv } from "../../shared/node/http-proxy.ts";
import type { CommitStatus } from "./status.ts";

export const FORGES = ["github", "gitlab", "gitea"] as const;

export interface ForgeOptions {
  kind: (typeof FORGES)[number];
  /** Of the server, without a path: https://api.github.com, https://gitlab.example.com, https://gitea.example.com. */
  api: string;
  /** `owner/name`, at GitLab with all groups above it. */
  project: string;
  token: string;
  ca?: string;
  /** Where people see more. */
  page?: string | undefined;
  proxy: ProxyEnv;
}

interface Request {
  path: string;
  authorization: string;
  body: object;
}

const SILENCE_MS = 30_000;
const ANSWER_MAX_BYTES = 256 * 1024;

/** Commit statuses at a Git server. Throws what `HttpHost` throws, and `unreachable` with the server's own words for a refusal. */
export function forge(options: ForgeOptions): { send(status: CommitStatus): Promise<void>; close(): void } {
  const api = options.api.replace(/\/+$/, "");
  const { authorization } = requestOf(options, { rollout: "", commit: "", state: "pending", words: "" });
  const host = new HttpHost({
    url: api,
    authorization,
    ...(options.ca !== undefined && { ca: options.ca }),
    proxy: options.proxy,
    silenceMs: SILENCE_MS,
  });
  return {
    send: async (status) => {
      const { path, body } = requestOf(options, status);
      const headers = { "content-type": "application/json", accept: "application/json", "user-agent": "skerry-hub" };
      const bytes = Buffer.from(JSON.stringify(body));
      const answer = await host.request({
        method: "POST",
        url: api + path,
        headers,
        body: bytes,
        maxBytes: ANSWER_MAX_BYTES,
      });
      const text = Buffer.from(await bodyOf(answer)).toString("utf8");
      if (answer.status >= 200 && answer.status < 300) return;
      // GitLab refuses the state that it has already: then it has been told.
      if (options.kind === "gitlab" && answer.status === 400 && text.includes("Cannot transition status")) return;
      throw new AppError("unreachable", `the server answers ${answer.status}: ${text.slice(0, 200)}`, {
        where: `${api}${path}`,
        fix: "check `repository.status` of the hub's configuration, and what its token may do",
      });
    },
    close: () => host.close(),
  };
}

function requestOf(options: ForgeOptions, { rollout, commit, state, words }: CommitStatus): Request {
  const { kind, project, token, page } = options;
  const context = `skerry/${rollout}`;
  const target = page === undefined ? {} : { target_url: page };
  switch (kind) {
    case "github":
      return {
        path: `/repos/${project}/statuses/${commit}`,
        authorization: `Bearer ${token}`,
        body: { state, context, description: cut(words, 140), ...target },
      };
    case "gitea":
      return {
        path: `/api/v1/repos/${project}/statuses/${commit}`,
        authorization: `token ${token}`,
        body: { state, context, description: cut(words, 255), ...target },
      };
    case "gitlab":
      return {
        path: `/api/v4/projects/${encodeURIComponent(project)}/statuses/${commit}`,
        authorization: `Bearer ${token}`,
        body: { state: AT_GITLAB[state], name: context, description: cut(words, 255), ...target },
      };
    default:
      return assertNever(kind);
  }
}

const AT_GITLAB = { pending: "running", success: "success", failure: "failed", error: "failed" } as const;

function cut(words: string, to: number): string {
  return words.length > to ? `${words.slice(0, to - 1)}…` : words;
}

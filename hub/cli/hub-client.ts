import { AppError } from "../../shared/errors.ts";
import { parseAs } from "../../shared/parse.ts";
import { type ReturnView, type RolloutList, type RunView, returnView, rolloutList, runView } from "../api/contract.ts";
import { type ProblemCode, problem } from "../api/contract-verb.ts";
import { type FleetExport, fleetExport } from "../api/fleet-export.ts";
import { readWhole } from "../build/signed-files.ts";
import type { Session } from "./session.ts";

export interface HubAccess {
  hub?: string;
  tokenFile?: string;
}

const SILENCE_MS = 30_000;

/** The API of a hub, as `--hub` and `--token-file` say, or SKERRY_HUB, SKERRY_TOKEN_FILE and SKERRY_TOKEN. */
export class HubClient {
  readonly #url: string;
  readonly #session: Session;
  readonly #access: HubAccess;

  constructor(session: Session, access: HubAccess) {
    const url = access.hub ?? session.env["SKERRY_HUB"];
    if (url === undefined || !/^https?:\/\/[^/]/.test(url)) {
      throw new AppError("usage", url === undefined ? "no hub is named" : `${url} is no address`, {
        fix: "give --hub http://HOST:PORT, or set SKERRY_HUB",
      });
    }
    this.#url = url.replace(/\/+$/, "");
    this.#session = session;
    this.#access = access;
  }

  async fleet(): Promise<FleetExport> {
    return parseAs(fleetExport, await this.#ask("/api/v1/fleet/export"), "answer");
  }

  async rollouts(): Promise<RolloutList> {
    return parseAs(rolloutList, await this.#ask("/api/v1/rollouts"), "answer");
  }

  async wayBack({ id, rollout }: Pick<RunView, "id" | "rollout">): Promise<ReturnView> {
    return parseAs(returnView, await this.#ask(`/api/v1/rollouts/${rollout}/runs/${id}/return`), "answer");
  }

  async act(run: Pick<RunView, "id" | "rollout">, verb: string, body: object): Promise<RunView> {
    const path = `/api/v1/rollouts/${run.rollout}/runs/${run.id}/${verb}`;
    const headers = { "content-type": "application/json", authorization: `Bearer ${await this.#token()}` };
    const answer = await this.#ask(path, { method: "POST", headers, body: JSON.stringify(body) });
    return parseAs(runView, answer, "answer");
  }

  async #ask(path: string, init: RequestInit = {}): Promise<unknown> {
    let response: Response;
    try {
      response = await fetch(this.#url + path, { ...init, redirect: "error", signal: AbortSignal.timeout(SILENCE_MS) });
    } catch (cause) {
      const why = cause instanceof Error && cause.cause instanceof Error ? cause.cause.message : String(cause);
      throw new AppError("unreachable", `the hub was not reached: ${why}`, { where: this.#url, cause });
    }
    const text = await response.text();
    let answer: unknown;
    try {
      answer = JSON.parse(text);
    } catch (cause) {
      throw new AppError("malformed", `what answers there (${response.status}) is no hub`, { where: this.#url, cause });
    }
    if (response.ok) return answer;
    const { code, detail, fix } = parseAs(problem, answer, "answer");
    throw new AppError(CODE[code], detail, fix === undefined ? {} : { fix });
  }

  async #token(): Promise<string> {
    const { env, path } = this.#session;
    const file = this.#access.tokenFile ?? env["SKERRY_TOKEN_FILE"];
    const token = file === undefined ? env["SKERRY_TOKEN"] : (await readWhole(path(file))).toString("utf8").trim();
    if (token !== undefined && token !== "") return token;
    throw new AppError("usage", "a verb needs a token", {
      fix: "give --token-file FILE, or set SKERRY_TOKEN_FILE or SKERRY_TOKEN; `skerry-hub token create` makes one",
    });
  }
}

const CODE: Readonly<Record<ProblemCode, AppError["code"]>> = {
  "bad-request": "usage",
  unauthorized: "sender",
  forbidden: "sender",
  "not-found": "not-found",
  // Not of the person's making: the run moved on.
  conflict: "busy",
  "too-large": "usage",
  misdirected: "usage",
  busy: "unreachable",
  unavailable: "unreachable",
  internal: "internal",
};

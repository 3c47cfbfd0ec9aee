import type { Context } from "hono";
import { AppError } from "../../shared/errors.ts";
import { parseAs } from "../../shared/parse.ts";
import { isLegal, LEADS_TO, VERBS, type Verb } from "../../shared/verbs.ts";
import { verbRequest } from "./contract-verb.ts";
import { problemAnswer } from "./problem.ts";
import { runView } from "./run-view.ts";
import type { ApiOptions } from "./server.ts";
import type { SeenRun } from "./snapshot.ts";
import { callerOf, nameOf } from "./who.ts";

/** `POST /api/v1/rollouts/{name}/runs/{id}/{verb}`: answers with the run as it is afterwards. */
export async function actOn(context: Context, options: ApiOptions): Promise<Response> {
  const { inWords, log } = options;
  const caller = await callerOf(context.req.header("authorization"), options);
  if (caller instanceof Response) return caller;
  const { name, id, verb } = context.req.param() as { name: string; id: string; verb: string };
  if (!isVerb(verb)) {
    return problemAnswer("not-found", `there is no verb ${verb}`, { fix: `use ${Object.keys(VERBS).join(", ")}` });
  }
  const request = parseAs(verbRequest, jsonOf(await context.req.text()), "request");
  const { reason } = request;
  const who = nameOf(caller, verb, request.who);
  if (who instanceof Response) return who;
  const before = find(options, name, id);
  if (before === undefined) return problemAnswer("not-found", `rollout ${name} has no run ${id}`);
  const last = options.read().runs.findLast(({ run }) => run.rollout === name)?.run;
  // Asked again by somebody who did not hear the answer.
  const isRepeated = verb === "start" && last?.startedBy === who && last.reason === reason;
  if (verb === "start" && last?.id !== id && !isRepeated) {
    return conflict(before, `rollout ${name} moved on: its last run is ${last?.id}`, inWords);
  }
  const { phase } = before.run;
  if (!isRepeated && !isLegal(verb, phase.kind) && LEADS_TO[verb] !== phase.kind) {
    return conflict(before, `${verb} is for runs that are ${VERBS[verb].join(" or ")}`, inWords);
  }
  if (verb === "skip" && request.site === undefined) {
    return problemAnswer("bad-request", "skip is for one site", { fix: 'name it: {"site": "s-1", ...}' });
  }
  let acted = id;
  try {
    if (verb === "start") acted = (await options.startAgain({ rollout: name, last: id, who, reason })).id;
    else await options.act({ run: id, verb, ...request, who });
  } catch (error) {
    const now = find(options, name, id);
    if (!(error instanceof AppError) || error.code !== "usage" || now === undefined) throw error;
    return conflict(now, error.message, inWords);
  }
  log.info({ run: id, verb, who, reason }, `${verb} of ${id} by ${who}: ${reason}`);
  const after = find(options, name, acted) ?? before;
  return context.json(runView(after, inWords), 200, { "cache-control": "no-store" });
}

function find({ read }: ApiOptions, rollout: string, id: string): SeenRun | undefined {
  return read().runs.find(({ run }) => run.id === id && run.rollout === rollout);
}

function conflict(seen: SeenRun, refusal: string, inWords: ApiOptions["inWords"]): Response {
  const run = runView(seen, inWords);
  const detail = `${refusal}; ${run.id} is ${run.phase} since ${run.since}: ${run.words}`;
  const fix = run.verbs.length === 0 ? "nothing is left to do with this run" : `now possible: ${run.verbs.join(", ")}`;
  return problemAnswer("conflict", detail, { fix, run });
}

function isVerb(word: string): word is Verb {
  return Object.hasOwn(VERBS, word);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new AppError("malformed", "the body is not JSON", {
      cause,
      fix: 'send {"who": "your name", "reason": "why"}',
    });
  }
}

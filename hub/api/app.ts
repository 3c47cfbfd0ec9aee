import { type Context, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { etag } from "hono/etag";
import { stream } from "hono/streaming";
import * as z from "zod/mini";
import { inWords as errorInWords } from "../../shared/errors.ts";
import { siteId } from "../../shared/names.ts";
import { findingsOf } from "../../shared/parse.ts";
import type { EventList, ReturnView } from "./contract.ts";
import type { MeView } from "./contract-verb.ts";
import type { Feed } from "./feed.ts";
import { exportOf } from "./fleet-export.ts";
import { GitHook, HOOK_MAX_BYTES } from "./git-hook.ts";
import { isOurHost, ownNames, SECURITY_HEADERS } from "./guard.ts";
import type { Page } from "./page.ts";
import { problemAnswer, problemOf } from "./problem.ts";
import type { ApiOptions } from "./server.ts";
import { actOn } from "./verb.ts";
import { versionsOf } from "./versions.ts";
import { eventView, fleetView, rolloutList } from "./view.ts";
import { callerOf, rolesOf } from "./who.ts";

/** A verb's body is a name and a sentence. */
const BODY_MAX_BYTES = 16 * 1024;
/** Each stream costs a socket and one copy of the view in flight. */
const MOST_STREAMS = 200;

const positive = z.pipe(
  z.pipe(
    z.string().check(z.regex(/^[1-9]\d{0,14}$/)),
    z.transform((text: string) => Number(text)),
  ),
  z.int(),
);
const eventQuery = z.strictObject({
  site: z.optional(siteId),
  before: z.optional(positive),
  limit: z._default(z.pipe(positive, z.int().check(z.lte(1000))), 100),
});

/** The routes. Everything but the two probes answers only to names that are this hub's. */
export function apiApp(options: ApiOptions, pages: readonly Page[], feed: Feed): Hono {
  const { log, inWords, names = [] } = options;
  const known = ownNames([options.host, ...names]);
  const app = new Hono();

  app.use(async (context, next) => {
    await next();
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) context.res.headers.set(name, value);
  });
  app.get("/livez", (context) => context.text("ok\n"));
  app.get("/readyz", (context) => {
    options.read();
    return context.text("ok\n");
  });
  app.use(async (context, next) => {
    if (isOurHost(context.req.header("host"), known)) return next();
    return problemAnswer("misdirected", `${context.req.header("host")} is not a name of this hub`, {
      fix: `ask by one of: ${[...known].join(", ")}`,
    });
  });

  for (const { path, type, body } of pages) {
    app.get(path, etag(), () => new Response(body, { headers: { "content-type": type, "cache-control": "no-cache" } }));
  }
  app.get("/api/v1/fleet", (context) => json(context, fleetView(options.read(), inWords)));
  app.get("/api/v1/fleet/export", (context) => json(context, exportOf(options.read())));
  app.get("/api/v1/rollouts", (context) => json(context, rolloutList(options.read(), inWords)));
  app.get("/api/v1/rollouts/:name/runs/:id/diffs/:hash", async (context) => {
    const { name, id, hash } = context.req.param();
    const known = options.read().runs.some(({ run }) => run.id === id && run.rollout === name);
    const diff = known ? await options.diff(id, hash) : null;
    if (diff !== null) return json(context, diff);
    return problemAnswer("not-found", `no diff ${hash.slice(0, 64)} of run ${id} is stored`, {
      fix: "a run names its diffs in `preview`; the sites of it may not have been asked yet",
    });
  });
  app.get("/api/v1/rollouts/:name/runs/:id/return", (context) => {
    const { name, id } = context.req.param();
    const found = options.read().runs.some(({ run }) => run.id === id && run.rollout === name)
      ? options.wayBack(id)
      : null;
    if (found === null) return problemAnswer("not-found", `rollout ${name} has no run ${id}`);
    const { sites, left, jobs } = found;
    const view: ReturnView = { sites, left: left.map(({ site, why }) => ({ site, why })), jobs: [...jobs] };
    return json(context, view);
  });
  app.get("/api/v1/events", async (context) => {
    const query = eventQuery.safeParse(context.req.query());
    if (!query.success) {
      const words = findingsOf(query.error.issues).map(({ path, why }) => `${path.slice(1)} ${why}`);
      return problemAnswer("bad-request", words.join("; "), { fix: "use site=, before= and limit= (at most 1000)" });
    }
    const { site, before, limit } = query.data;
    const rows = await options.events({
      limit,
      ...(site === undefined ? {} : { site }),
      ...(before === undefined ? {} : { before }),
    });
    const versions = versionsOf(options.read().runs);
    const next = rows.length < limit ? null : (rows.at(-1)?.row ?? null);
    return json(context, { events: rows.map((row) => eventView(row, versions)), next } satisfies EventList);
  });
  app.get("/api/v1/stream", (context) => streamOf(context, feed));
  const hook = new GitHook({ secret: options.hookSecret, now: options.clock.now, wake: () => options.wake() });
  app.post(
    "/hooks/git",
    bodyLimit({
      maxSize: HOOK_MAX_BYTES,
      onError: () => problemAnswer("too-large", `the body is over ${HOOK_MAX_BYTES} bytes`),
    }),
    (context) => hook.take(context),
  );
  app.get("/api/v1/me", async (context) => {
    const caller = await callerOf(context.req.header("authorization"), options);
    if (caller instanceof Response) return caller;
    const name = caller.kind === "person" ? caller.person.name : null;
    return json(context, { name, roles: [...rolesOf(caller)] } satisfies MeView);
  });
  app.post(
    "/api/v1/rollouts/:name/runs/:id/:verb",
    bodyLimit({
      maxSize: BODY_MAX_BYTES,
      onError: () => problemAnswer("too-large", `the body is over ${BODY_MAX_BYTES} bytes`),
    }),
    (context) => actOn(context, options),
  );

  app.notFound((context) =>
    problemAnswer("not-found", `there is nothing at ${context.req.method} ${context.req.path}`),
  );
  app.onError((error, context) => {
    log.error({ path: context.req.path, error: error.stack }, errorInWords(error));
    return problemOf(error);
  });
  return app;
}

function streamOf(context: Context, feed: Feed): Response {
  if (feed.listeners >= MOST_STREAMS) {
    return problemAnswer("busy", `${MOST_STREAMS} streams are open`, { fix: "close pages that nobody looks at" });
  }
  context.header("content-type", "text/event-stream");
  context.header("cache-control", "no-store");
  const mailbox = feed.listen();
  return stream(context, async (writer) => {
    writer.onAbort(() => mailbox.close());
    for (let text = await mailbox.next(); text !== null; text = await mailbox.next()) await writer.write(text);
  });
}

function json(context: Context, body: object): Response {
  return context.json(body, 200, { "cache-control": "no-store" });
}

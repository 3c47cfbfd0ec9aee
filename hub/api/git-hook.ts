import { createHmac, timingSafeEqual } from "node:crypto";
import type { Context } from "hono";
import { hashOf } from "./guard.ts";
import { problemAnswer } from "./problem.ts";

/** Pushes of many commits are long; only their signature is of interest. */
export const HOOK_MAX_BYTES = 1024 * 1024;
/** By how much a dated request may be off. */
const SKEW_MS = 300_000;
/** Requests that are remembered, so that the same one wakes nobody twice. */
const REMEMBERED = 1_000;

type Header = (name: string) => string | undefined;

/**
 * `POST /hooks/git`: something may be new in the fleet repository. It makes the hub look now instead of at its next poll, and does nothing else: what
 * there is, comes from Git and is verified. So its worst misuse is a poll.
 */
export class GitHook {
  readonly #secret: string | undefined;
  readonly #now: () => number;
  readonly #wake: () => void;
  readonly #seen = new Set<string>();

  constructor(options: { secret: string | undefined; now(): number; wake(): void }) {
    this.#secret = options.secret;
    this.#now = options.now;
    this.#wake = options.wake;
  }

  async take(context: Context): Promise<Response> {
    if (this.#secret === undefined) {
      return problemAnswer("not-found", "this hub takes no webhooks", {
        fix: "name a file with a long random word as `http.hookSecretFile`, and give that word to the Git server",
      });
    }
    const body = new Uint8Array(await context.req.arrayBuffer());
    const refused = refusalOf((name) => context.req.header(name), body, this.#secret, this.#now());
    if (refused !== null)
      return problemAnswer("unauthorized", refused, { fix: "give the Git server the hub's secret" });
    if (!this.#isKnown(context, body)) this.#wake();
    return new Response(null, { status: 202 });
  }

  #isKnown(context: Context, body: Uint8Array): boolean {
    const ids = ["x-github-delivery", "x-gitea-delivery", "x-gitlab-event-uuid", "webhook-id"];
    const id = ids.map((name) => context.req.header(name)).find((value) => value !== undefined);
    const key = hashOf(`${id ?? ""} ${Buffer.from(body).toString("latin1")}`);
    if (this.#seen.has(key)) return true;
    this.#seen.add(key);
    const [oldest] = this.#seen;
    if (this.#seen.size > REMEMBERED && oldest !== undefined) this.#seen.delete(oldest);
    return false;
  }
}

/** Null where the request is signed with the secret, as GitHub, Gitea, Forgejo and GitLab sign. */
function refusalOf(header: Header, body: Uint8Array, secret: string, now: number): string | null {
  const hex = createHmac("sha256", secret).update(body).digest("hex");
  const github = header("x-hub-signature-256");
  if (github !== undefined) return isSame(github, `sha256=${hex}`) ? null : "X-Hub-Signature-256 does not hold";
  const gitea = header("x-gitea-signature") ?? header("x-forgejo-signature");
  if (gitea !== undefined) return isSame(gitea, hex) ? null : "X-Gitea-Signature does not hold";
  const dated = header("webhook-signature");
  if (dated !== undefined) return datedRefusal(dated, header, body, secret, now);
  // GitLab without a signing token: the secret itself.
  const token = header("x-gitlab-token");
  if (token !== undefined) return isSame(token, secret) ? null : "X-Gitlab-Token is another";
  return "the request is not signed";
}

/** As https://www.standardwebhooks.com has it, and GitLab with a signing token. */
function datedRefusal(
  signatures: string,
  header: Header,
  body: Uint8Array,
  secret: string,
  now: number,
): string | null {
  const id = header("webhook-id") ?? "";
  const at = header("webhook-timestamp") ?? "";
  if (!/^\d{1,12}$/.test(at) || Math.abs(now - Number(at) * 1000) > SKEW_MS) return "webhook-timestamp is not of now";
  const key = secret.startsWith("whsec_") ? Buffer.from(secret.slice(6), "base64") : secret;
  const expected = createHmac("sha256", key).update(`${id}.${at}.`).update(body).digest("base64");
  return signatures.split(" ").some((each) => isSame(each, `v1,${expected}`))
    ? null
    : "webhook-signature does not hold";
}

/** In constant time: hashes have one length. */
function isSame(a: string, b: string): boolean {
  return timingSafeEqual(Buffer.from(hashOf(a)), Buffer.from(hashOf(b)));
}

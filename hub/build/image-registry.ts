/** Asks an image registry what a tag stands for now: OCI distribution API v2, anonymously. */
import { AppError } from "../../shared/errors.ts";
import { sha256Hex } from "../../shared/node/sha256.ts";

/** Indexes first: where an image has several platforms, the digest is that of all of them. */
const ACCEPT = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
].join(", ");
const DEADLINE_MS = 30_000;
const MANIFEST_MAX_BYTES = 4 * 1024 * 1024;

export interface ImageName {
  host: string;
  repository: string;
  tag: string;
}

/** An image as the container runtimes read it: `docker.io/library/` and `latest` where nothing else is said. Null for what is none. */
export function parseImage(image: string): ImageName | null {
  const [, name, tag = "latest"] = /^([a-zA-Z0-9._:/[\]-]+?)(?::(\w[\w.-]{0,127}))?$/.exec(image) ?? [];
  if (name === undefined) return null;
  const slash = name.indexOf("/");
  const first = name.slice(0, Math.max(slash, 0));
  const hasHost = /[.:]/.test(first) || first === "localhost";
  const host = hasHost && first !== "docker.io" ? first : "registry-1.docker.io";
  const path = hasHost ? name.slice(slash + 1) : name;
  const repository = host === "registry-1.docker.io" && !path.includes("/") ? `library/${path}` : path;
  const named = repository.split("/").every((part) => /^[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*$/.test(part));
  return named ? { host, repository, tag } : null;
}

/** The digest that a tag stands for. Throws `not-found` (no such tag, or not for everyone), `unreachable`, `malformed`. */
export async function resolveImage(image: string): Promise<string> {
  const name = parseImage(image);
  if (name === null) {
    throw new AppError("malformed", `${image} is no image that a registry could be asked for`, {
      fix: "where it stands by a variable, write the digest behind it: repository:${TAG}@sha256:...",
    });
  }
  const base = `${schemeOf(name.host)}://${name.host}`;
  const url = `${base}/v2/${name.repository}/manifests/${name.tag}`;
  const first = await ask(url, "HEAD", undefined);
  const token = first.status === 401 ? await tokenFor(first, name) : undefined;
  const answer = first.status === 401 ? await ask(url, "HEAD", token) : first;
  requireFound(answer, image, url);
  const said = answer.headers.get("docker-content-digest");
  if (said === null) {
    const manifest = await ask(url, "GET", token);
    requireFound(manifest, image, url);
    return `sha256:${sha256Hex(await bodyOf(manifest, url))}`;
  }
  if (/^sha256:[0-9a-f]{64}$/.test(said)) return said;
  throw new AppError("malformed", `the registry's digest of ${image} is none of SHA-256: ${said.slice(0, 100)}`, {
    where: url,
  });
}

function schemeOf(host: string): string {
  return /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/.test(host) ? "http" : "https";
}

async function ask(url: string, method: "HEAD" | "GET", token: string | undefined): Promise<Response> {
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
  try {
    const headers = { accept: ACCEPT, ...authorization };
    return await fetch(url, { method, headers, redirect: "error", signal: AbortSignal.timeout(DEADLINE_MS) });
  } catch (cause) {
    const why = cause instanceof Error && cause.cause instanceof Error ? cause.cause.message : String(cause);
    throw new AppError("unreachable", `no answer: ${why}`, { where: url, cause });
  }
}

function requireFound({ status }: Response, image: string, url: string): void {
  if (status === 200) return;
  if (status === 401 || status === 403 || status === 404) {
    throw new AppError("not-found", `the registry has no ${image} for everyone (HTTP ${status})`, {
      where: url,
      fix: "correct the tag; for an image that needs a login, write its digest into the manifest",
    });
  }
  throw new AppError("unreachable", `the registry answers HTTP ${status} for ${image}`, {
    where: url,
    fix: "run this again later",
  });
}

/** A token for everyone, from where the registry says that it is to be had (https://distribution.github.io/distribution/spec/auth/token). */
async function tokenFor(refused: Response, name: ImageName): Promise<string | undefined> {
  const challenge = refused.headers.get("www-authenticate") ?? "";
  const part = (key: string) => new RegExp(`${key}="([^"]*)"`).exec(challenge)?.[1];
  const realm = part("realm");
  if (!/^bearer /i.test(challenge) || realm === undefined || !URL.canParse(realm)) return undefined;
  const url = new URL(realm);
  if (url.protocol !== `${schemeOf(url.host)}:`) {
    throw new AppError("unreachable", "the registry sends for a token over an open line", { where: realm });
  }
  const service = part("service");
  if (service !== undefined) url.searchParams.set("service", service);
  url.searchParams.set("scope", part("scope") ?? `repository:${name.repository}:pull`);
  const answer = await ask(url.href, "GET", undefined);
  if (answer.status !== 200) return undefined;
  return tokenIn(await bodyOf(answer, url.href));
}

function tokenIn(bytes: Uint8Array): string | undefined {
  try {
    const { token, access_token: other } = JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
    return [token, other].find((each) => typeof each === "string" && /^[\x21-\x7e]+$/.test(each)) as string | undefined;
  } catch {
    return undefined;
  }
}

/** A body within the cap, whatever length it announces. */
async function bodyOf(answer: Response, url: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of answer.body ?? []) {
    size += chunk.byteLength;
    if (size > MANIFEST_MAX_BYTES) {
      throw new AppError("too-large", `more than ${MANIFEST_MAX_BYTES} bytes from a registry`, { where: url });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

import { readFile } from "node:fs/promises";
import { Agent, request } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import type { Answer } from "../../agent/apply/rest-errors.ts";
import type { JsonObject } from "../../shared/live.ts";
import type { ControlPlane } from "./cluster.ts";
import type { SiteAccess } from "./sites.ts";

/** Who asks. The stranger is a service account that has only the rights that a case gives it. */
export type Asker = "admin" | "stranger" | "nobody";

export interface AskOptions {
  as?: Asker;
  type?: string;
  manager?: string;
  force?: boolean;
  query?: Readonly<Record<string, string>>;
}

export type Recorded = Omit<Answer, "retryAfter"> & { retryAfter?: number };

export const APPLY = "application/apply-patch+yaml";
export const JSON_TYPE = "application/json";

/** Raw requests to an API server that are meant to go wrong, and those that prepare them. */
export class Provoker {
  private readonly site: SiteAccess;
  private readonly ca: Buffer;
  private readonly agent = new Agent({ keepAlive: true });
  private stranger = "";
  private readonly undo: (() => Promise<unknown>)[] = [];

  private readonly etcd: string | null;

  private constructor(site: SiteAccess, ca: Buffer, etcd: string | null) {
    this.site = site;
    this.ca = ca;
    this.etcd = etcd;
  }

  static async on({ sites: [site], etcd }: Pick<ControlPlane, "sites" | "etcd">): Promise<Provoker> {
    if (site === undefined) throw new Error("no site");
    const made = new Provoker(site, await readFile(site.caFile), etcd);
    await made.make("/api/v1/namespaces", namespace("golden"));
    await made.make("/api/v1/namespaces/golden/serviceaccounts", { metadata: { name: "stranger" } });
    const review = { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest" };
    const path = "/api/v1/namespaces/golden/serviceaccounts/stranger/token";
    const { body } = await made.ask("POST", path, review, { type: JSON_TYPE });
    made.stranger = (JSON.parse(body) as { status: { token: string } }).status.token;
    return made;
  }

  /** An answer of any kind. */
  async ask(method: string, path: string, body?: unknown, options: AskOptions = {}): Promise<Recorded> {
    const { as = "admin", type = APPLY } = options;
    const token = { admin: this.site.adminToken, stranger: this.stranger, nobody: "nobody" }[as];
    const url = new URL(path, this.site.server);
    for (const [key, value] of Object.entries(options.query ?? {})) url.searchParams.set(key, value);
    return await new Promise((resolve, reject) => {
      const bytes =
        body === undefined ? undefined : Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
      const headers = {
        authorization: `Bearer ${token}`,
        accept: JSON_TYPE,
        // Without its length the body of a DELETE is not sent as one.
        ...(bytes === undefined ? {} : { "content-type": type, "content-length": bytes.length }),
      };
      const call = request(url, { method, ca: this.ca, headers, agent: this.agent }, async (response) => {
        const text = Buffer.concat(await response.toArray()).toString();
        const retryAfter = response.headers["retry-after"];
        resolve({
          status: response.statusCode ?? 0,
          contentType: response.headers["content-type"] ?? "",
          ...(retryAfter !== undefined && { retryAfter: Number(retryAfter) }),
          body: text.trimEnd(),
        });
      });
      call.on("error", reject);
      call.end(bytes);
    });
  }

  /** A server-side apply. */
  async apply(path: string, object: unknown, options: AskOptions = {}): Promise<Recorded> {
    const { manager = "skerry", force = true, query = {} } = options;
    return await this.ask("PATCH", path, object, {
      ...options,
      query: { fieldManager: manager, force: String(force), ...query },
    });
  }

  /** Creates what a case needs; it goes in the end. */
  async make(collection: string, object: JsonObject): Promise<void> {
    const { status, body } = await this.ask("POST", collection, object, { type: JSON_TYPE });
    if (status !== 201) throw new Error(`POST ${collection}: ${status} ${body}`);
    const name = (object["metadata"] as { name: string }).name;
    this.undo.unshift(() => this.ask("DELETE", `${collection}/${name}`));
  }

  /** Puts one word for another of the same length into an object as it is stored, where the API would not take it. */
  async rewrite(key: string, from: string, to: string): Promise<void> {
    const stored = Buffer.from(`/${this.site.name}/${key}`).toString("base64");
    const { kvs } = (await this.store("range", { key: stored })) as { kvs?: { value: string }[] };
    const value = Buffer.from(kvs?.[0]?.value ?? "", "base64").toString("latin1");
    if (value.split(from).length !== 2) throw new Error(`${key} does not hold ${from} once`);
    await this.store("put", { key: stored, value: Buffer.from(value.replace(from, to), "latin1").toString("base64") });
  }

  private async store(what: "range" | "put", body: object): Promise<unknown> {
    const answer = await fetch(`${this.etcd}/v3/kv/${what}`, { method: "POST", body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`etcd: ${answer.status} ${await answer.text()}`);
    return await answer.json();
  }

  /** Where an object that a refused case may have left is taken away again. */
  leaves(path: string): void {
    this.undo.unshift(() => this.ask("DELETE", path));
  }

  /** Until the server has taken note of what was made for it: answers that do not hold yet are not the case's. */
  async until(ask: () => Promise<Recorded>, holds: (answer: Recorded) => boolean): Promise<Recorded> {
    let answer = await ask();
    for (const end = Date.now() + 30_000; !holds(answer); answer = await ask()) {
      if (Date.now() > end) throw new Error(`not provoked: ${JSON.stringify(answer).slice(0, 500)}`);
      await sleep(100);
    }
    return answer;
  }

  /** The first event of a watch, as the answer that it stands for. */
  async firstEvent(path: string): Promise<Recorded> {
    return await new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${this.site.adminToken}`, accept: JSON_TYPE };
      const call = request(new URL(path, this.site.server), { ca: this.ca, headers, agent: false }, (response) => {
        response.once("data", (chunk: Buffer) => {
          call.destroy();
          const { object } = JSON.parse(chunk.toString().split("\n")[0] ?? "") as { object: { code: number } };
          resolve({ status: object.code, contentType: JSON_TYPE, body: JSON.stringify(object) });
        });
      });
      call.on("error", reject);
      call.end();
    });
  }

  async cleanUp(): Promise<void> {
    for (const each of this.undo) await each();
    this.agent.destroy();
  }
}

export function namespace(name: string, labels: Record<string, string> = {}): JsonObject {
  return { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } };
}

/** What differs from run to run: identities, versions, ports. */
export function comparable({ body, ...rest }: Recorded): object {
  const same = body
    .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, "UID")
    .replaceAll(/127\.0\.0\.1:\d+/g, "127.0.0.1:PORT")
    .replaceAll(/current: \d+/g, "current: N")
    .replaceAll(/too old resource version: \d+ \(\d+\)/g, "too old resource version: N (N)")
    .replaceAll(/larger than max \(\d+ vs/g, "larger than max (N vs")
    // Of two unknown fields it names one, now this and now that.
    .replaceAll(/\.(?:foo|zoo): field not declared/g, ".FIELD: field not declared");
  return { ...rest, body: same };
}

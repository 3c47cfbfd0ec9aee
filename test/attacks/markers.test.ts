import { readdirSync, readFileSync } from "node:fs";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import type { KubeObject } from "../../shared/live.ts";
import { ageEncrypt } from "../../shared/node/age.ts";
import { readYamlAsKubectl } from "../../shared/node/yaml-document.ts";
import { configMap, signedBundle, signedSite } from "../support/fleet.ts";
import { box } from "../support/secrets.ts";
import { type AttackedSite, attackedSite, until } from "./site.ts";

/**
 * Between the agent and its API server stands one that answers writes as Kubernetes 1.36 answered when each row of the error table was
 * recorded, with the words of what was sent put where the server puts them. Whoever reads along looks for those words.
 */

const golden = (path: string) => readFileSync(new URL(`../golden/${path}`, import.meta.url), "utf8");
const ANSWERS = JSON.parse(golden("kube-errors/answers.json")) as Record<
  string,
  { status: number; contentType: string; retryAfter?: number; body: string }
>;
const SEALED = readYamlAsKubectl(golden("sops/mac-only-encrypted.sops.yaml"), "db").documents[0]?.value as KubeObject;
const b64 = (text: string) => Buffer.from(text).toString("base64");

/** Planted: in a sealed Secret (`mac-only-encrypted`), and as plain values of an environment. */
const IN_SECRET = ["hunter2", "postgres://till:hunter2@db/till"];
const IN_ENV = ["marker-of-a-job", "marker-of-a-deployment"];
const formsOf = (texts: readonly string[]) => texts.flatMap((text) => [text, b64(text).replace(/=+$/, "")]);
const SEALED_FORMS = formsOf(IN_SECRET);
const PLAIN_FORMS = formsOf(IN_ENV);
const GROUPS = { north: ageEncrypt(Buffer.from(golden("sops/north.key")), box.recipient) };

/** As many as answers are tried at a time: a pass logs twenty failures one by one. */
const EACH = 10;
const IMAGE = `registry.example/till:1@sha256:${"1".repeat(64)}`;

function workload(index: number): KubeObject {
  const env = IN_ENV.map((value, at) => ({ name: `TOKEN_${at}`, value }));
  const name = `till-${index}`;
  const spec = { containers: [{ name: "main", image: IMAGE, env }] };
  if (index % 2 === 0) {
    const jobTemplate = { spec: { template: { spec: { ...spec, restartPolicy: "Never" } } } };
    const metadata = { name, namespace: "shop" };
    return { apiVersion: "batch/v1", kind: "CronJob", metadata, spec: { schedule: "0 3 * * *", jobTemplate } };
  }
  const template = { metadata: { labels: { app: name } }, spec };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name, namespace: "shop" },
    spec: { replicas: 0, selector: { matchLabels: { app: name } }, template },
  };
}

/** Its MAC covers the sealed values alone, so it may have another name. */
const secret = (index: number): KubeObject => ({ ...SEALED, metadata: { name: `db-${index}`, namespace: "shop" } });

function version(seq: number) {
  const indexes = Array.from({ length: EACH }, (_, index) => index);
  const objects = [...indexes.map(secret), ...indexes.map(workload), configMap("till", { greeting: `v${seq}` })];
  const secrets = indexes.map((index) => `${index}-db-${index}.json`);
  const images = [{ ref: "registry.example/till:1", digest: `sha256:${"1".repeat(64)}` }];
  return signedBundle({ seq, secrets, images, health: { holdFor: "0", deadline: "10m" } }, objects);
}

/** Forwards all; but a write of an object of the bundle gets the answer of its number, while there is one. */
async function standBefore(target: string) {
  let answers: readonly (typeof ANSWERS)[string][] = [];
  const met = new Set<string>();
  const server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
      const body = Buffer.concat(chunks);
      const [name, index] = /\/namespaces\/shop\/\w+\/\w+-(\d+)\?/.exec(incoming.url ?? "") ?? [];
      const answer = incoming.method === "PATCH" && index !== undefined ? answers[Number(index)] : undefined;
      if (answer !== undefined && name !== undefined) {
        met.add(name);
        // As a server that quotes what it was sent wherever it quotes a value.
        const quoted = JSON.stringify(JSON.stringify(body.toString()).slice(1, -1)).slice(1, -1);
        const text = answer.body.replaceAll("hunter2", quoted).replace('"message":"', `"message":"${quoted} `);
        outgoing.writeHead(answer.status, { "content-type": answer.contentType, warning: `299 - "${IN_ENV[0]}"` });
        outgoing.end(answer.contentType.startsWith("text/plain") ? `${text} ${body.toString()}` : text);
        return;
      }
      const { method, headers, url = "/" } = incoming;
      const call = request(new URL(url, target), { method, headers }, (response) => {
        outgoing.writeHead(response.statusCode ?? 502, response.headers);
        response.pipe(outgoing);
        response.on("error", () => outgoing.destroy());
      });
      call.on("error", () => outgoing.destroy());
      outgoing.on("close", () => call.destroy());
      call.end(body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    set: (next: typeof answers) => {
      answers = next;
      met.clear();
    },
    met,
  };
}

/** All that a person or the hub can read of it, and its disk. */
async function traces(site: AttackedSite): Promise<[string, string][]> {
  const files = readdirSync(site.dataDir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const { reports, batches, events } = site.hub;
  const pages = await Promise.all(
    ["/status.json", "/metrics"].map(async (path): Promise<[string, string]> => [path, await page(site, path)]),
  );
  pages.push(["the site page", await sitePage(site)]);
  return [
    ["the log", site.logged.join("\n")],
    ["what the hub was told", JSON.stringify({ reports, batches, events })],
    ...pages,
    ...files.map((entry): [string, string] => {
      return [`disk: ${entry.name}`, readFileSync(join(entry.parentPath, entry.name)).toString("latin1")];
    }),
  ];
}

function page({ dataDir }: AttackedSite, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socketPath = join(dataDir, "local", "agent.sock");
    const call = request({ socketPath, path }, async (response) => resolve((await response.toArray()).join("")));
    call.on("error", reject);
    call.end();
  });
}

async function sitePage({ logged }: AttackedSite): Promise<string> {
  const ports = logged.flatMap((line) =>
    /answers the people at this site/.test(line) ? [/"port":(\d+)/.exec(line)?.[1]] : [],
  );
  return await (await fetch(`http://127.0.0.1:${ports.findLast((port) => port !== undefined)}`)).text();
}

/** Where any of these stands. The bundle's own plain values lie on disk as they were signed. */
async function findings(site: AttackedSite): Promise<string[]> {
  const found = await traces(site);
  return found.flatMap(([place, text]) => {
    const forms = place.startsWith("disk: ") ? SEALED_FORMS : [...SEALED_FORMS, ...PLAIN_FORMS];
    return forms.filter((form) => text.includes(form)).map((form) => `${place}: ${form}`);
  });
}

it("whatever the API server answers, and quotes, no value of a Secret and none of an environment is passed on", {
  timeout: 120_000,
}, async () => {
  let door: Awaited<ReturnType<typeof standBefore>> | undefined;
  const site = await attackedSite({
    before: async (server) => {
      door = await standBefore(server);
      return door.url;
    },
  });
  if (door === undefined) throw new Error("nothing stands before the API server");
  site.owner.record(signedSite({ number: 2, box: box.recipient, groups: GROUPS }));
  const all = Object.values(ANSWERS);
  door.set(all.slice(0, EACH));
  site.owner.publish(version(1));
  await site.assign(version(1), { record: 2 });
  for (let from = 0; from < all.length; from += EACH) {
    const tried = all.slice(from, from + EACH);
    door.set(tried);
    // What failed before is tried at once by an agent that starts.
    if (from > 0) {
      await site.stop();
      await site.start();
    }
    await until(
      () => door?.met.size ?? 0,
      (met) => met >= 2 * tried.length,
      "not all were tried",
    );
    await until(
      () => page(site, "/metrics"),
      (text) => text.length > 0,
      "no page",
    );
  }
  expect(await findings(site)).toEqual([]);
  // What is looked through is what was meant: the failures stand there.
  expect(await sitePage(site)).toContain("pos");
  const log = site.logged.join("\n");
  expect(log).toContain("apply failed");
  expect(log).toContain("db-1");
});

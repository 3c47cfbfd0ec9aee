import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseImage, resolveImage } from "../../../hub/build/image-registry.ts";
import { sha256Hex } from "../../../shared/node/sha256.ts";
import { type FakeRegistry, startFakeRegistry } from "./fake-registry.ts";
import { BUNDLE_YAML, type FleetFixture, fleetFixture, TILL_YAML } from "./fixture.ts";

const digest = (byte: string) => `sha256:${byte.repeat(32)}`;
const LOCK = "bundles/pos/lock.yaml";

let fleet: FleetFixture;
let registry: FakeRegistry;
beforeEach(async () => {
  fleet = await fleetFixture();
  registry = await startFakeRegistry();
  registry.tags.set("shop/till:1.4.2", digest("c1")).set("shop/side:1", digest("c2"));
  await fleet.write("bundles/pos/manifests/till.yaml", till(`${registry.host}/shop/till:1.4.2`));
});
afterEach(async () => {
  await registry.stop();
  await fleet.remove();
});

const till = (image: string) => TILL_YAML.replace(/image: .*/, `image: "${image}"`);
const lock = () => fleet.skerry("bundle", "lock", "bundles/pos");
const build = () => fleet.skerry("bundle", "build", "bundles/pos");
const built = async (file: string) => JSON.parse(await readFile(join(fleet.folder, ".skerry/pos/1.4.2", file), "utf8"));

describe("bundle lock", () => {
  test("one commit takes manifests and lock; the build puts digests in place of tags, without asking anybody", async () => {
    const image = `${registry.host}/shop/till:1.4.2`;
    expect(await lock()).toEqual({ code: 0, out: [`${image}: new -> ${digest("c1")}`], err: [] });
    expect(await readFile(join(fleet.folder, LOCK), "utf8")).toBe(
      `# Written by \`skerry bundle lock\`: the digests that a build puts in place of tags. Commit it.\nkind: BundleLock/v1\nimages:\n  "${image}": ${digest("c1")}\n`,
    );
    expect(registry.asked.map((line) => line.split("?")[0])).toEqual([
      "HEAD /v2/shop/till/manifests/1.4.2",
      "GET /token",
      "HEAD /v2/shop/till/manifests/1.4.2",
    ]);
    fleet.commit("locked");
    registry.asked.length = 0;
    expect((await build()).err).toEqual([]);
    expect(registry.asked).toEqual([]);
    expect((await built("bundle.json")).images).toEqual([{ ref: image, digest: digest("c1") }]);
    const { spec } = await built("files/00-deployment-till.json");
    expect(spec.template.spec.containers[0].image).toBe(`${image}@${digest("c1")}`);
  });

  test("again tells what moved, what came and what went; the file is sorted", async () => {
    await lock();
    fleet.commit("locked");
    expect((await lock()).out).toEqual(["nothing moved"]);
    registry.tags.set("shop/till:1.4.2", digest("d1"));
    const { host } = registry;
    await fleet.write(
      "bundles/pos/manifests/till.yaml",
      till(`${host}/shop/till:1.4.2`) + podOf(`${host}/shop/side:1`),
    );
    expect((await lock()).out).toEqual([
      `${host}/shop/side:1: new -> ${digest("c2")}`,
      `${host}/shop/till:1.4.2: ${digest("c1")} -> ${digest("d1")}`,
    ]);
    await fleet.write("bundles/pos/manifests/till.yaml", TILL_YAML);
    expect((await lock()).out).toEqual([
      `${host}/shop/side:1: ${digest("c2")} -> gone`,
      `${host}/shop/till:1.4.2: ${digest("d1")} -> gone`,
    ]);
    expect(await readFile(join(fleet.folder, LOCK), "utf8")).toMatch(/^images: \{\}\n$/m);
  });

  test("images in patches are locked and pinned as well", async () => {
    const { host } = registry;
    const target = "apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: till, namespace: shop }\n";
    await fleet.write(
      "bundles/pos/north.yaml",
      `${target}spec: { template: { spec: { containers: [{ name: till, image: "${host}/shop/side:1" }] } } }\n---\n${target}patch: [{ op: replace, path: /spec/template/spec/containers/0/image, value: "${host}/shop/side:1" }, { op: add, path: /spec/template/spec/containers/-, value: { name: b, image: "${host}/shop/side:1" } }, { op: add, path: /spec/template/spec/initContainers, value: [{ name: c, image: "${host}/shop/side:1" }] }]\n`,
    );
    await fleet.write(
      "bundles/pos/bundle.yaml",
      `${BUNDLE_YAML}overlays: [{ sites: { region: north }, patch: north.yaml }]\n`,
    );
    await lock();
    fleet.commit("locked");
    expect((await build()).err).toEqual([]);
    const wanted = `${host}/shop/side:1@${digest("c2")}`;
    expect((await built("files/north.yaml/00-deployment-till.json")).spec.template.spec.containers[0].image).toBe(
      wanted,
    );
    const { patch } = await built("files/north.yaml/01-deployment-till.json");
    expect(patch.map(({ value }: { value: unknown }) => value)).toEqual([
      wanted,
      { name: "b", image: wanted },
      [{ name: "c", image: wanted }],
    ]);
    expect((await built("bundle.json")).images).toHaveLength(2);
  });

  test("an image that nobody has, and one behind a variable, are both named; nothing is written", async () => {
    const { host } = registry;
    const two = till(`${host}/shop/none:9`) + podOf("${REGISTRY}/shop/till:1");
    await fleet.write("bundles/pos/manifests/till.yaml", two);
    const { code, err } = await lock();
    expect(code).toBe(1);
    expect(err[0]).toMatch(
      /^not-found: .*shop\/none:9 for everyone \(HTTP 404\) \(bundles\/pos\/manifests\/till\.yaml:14\)/,
    );
    expect(err[0]).toMatch(/\$\{REGISTRY\}\/shop\/till:1 is no image .*till\.yaml:24\)/);
    await expect(readFile(join(fleet.folder, LOCK))).rejects.toThrow("ENOENT");
  });

  test.each(["before", "after"])(
    "killed %s it is written: the file is whole or absent, and the next run completes it",
    async (place) => {
      const script = join(import.meta.dirname, "killed.ts");
      const child = spawn(process.execPath, [script, "lock.write", place, "bundle", "lock", "bundles/pos"], {
        cwd: fleet.folder,
      });
      expect(await once(child, "exit")).toEqual([null, "SIGKILL"]);
      expect((await lock()).out).toEqual(
        place === "after" ? ["nothing moved"] : [`${registry.host}/shop/till:1.4.2: new -> ${digest("c1")}`],
      );
    },
  );
});

describe("bundle build with a lock", () => {
  test("refuses every image that is not in it, in one message, each with its line", async () => {
    await fleet.write("bundles/pos/manifests/till.yaml", till("busybox") + podOf("nginx:1.27"));
    fleet.commit("loose");
    const { err } = await build();
    expect(err).toEqual([
      expect.stringMatching(
        /^image: not pinned by digest, and not in bundles\/pos\/lock\.yaml: busybox \(\S+till\.yaml:14\), nginx:1\.27 \(\S+till\.yaml:24\); run `skerry bundle lock`/,
      ),
    ]);
  });

  test("warns of a line that nothing uses, and refuses a file that is none", async () => {
    await fleet.write("bundles/pos/manifests/till.yaml", TILL_YAML);
    await fleet.write(LOCK, `kind: BundleLock/v1\nimages:\n  busybox: ${digest("c1")}\n`);
    fleet.commit("old line");
    expect((await build()).err).toEqual(["warning: bundles/pos/lock.yaml:3 nothing uses busybox"]);
    await fleet.write(LOCK, "kind: BundleLock/v1\nimages: { busybox: latest }\n");
    fleet.commit("no digest");
    expect((await build()).err[0]).toMatch(/^schema: .*\(bundles\/pos\/lock\.yaml:2 \/images\/busybox\)/);
  });
});

describe("a registry", () => {
  const ask = () => resolveImage(`${registry.host}/shop/till:1.4.2`);

  test("that gives no digest is asked for the manifest, which is hashed", async () => {
    registry.instead = (request, response) => {
      response.end(request.method === "GET" ? "a manifest" : "");
      return true;
    };
    expect(await ask()).toBe(`sha256:${sha256Hex(Buffer.from("a manifest"))}`);
  });

  test("whose answer to that is an error page: the page is not what gets locked", async () => {
    registry.instead = (request, response) => {
      response.writeHead(request.method === "GET" ? 503 : 200);
      response.end("try again later");
      return true;
    };
    await expect(ask()).rejects.toMatchObject({ code: "unreachable" });
  });

  test.each([
    [
      "an endless manifest",
      "too-large",
      (_: unknown, response: { write(text: string): boolean; on(event: string, run: () => void): void }) => {
        const flood = () => {
          while (response.write("x".repeat(65_536)));
        };
        response.on("drain", flood);
        flood();
      },
    ],
  ])("that sends %s: %s", async (_, code, send) => {
    registry.instead = (request, response) => {
      if (request.method === "HEAD") response.end();
      else send(request, response);
      return true;
    };
    await expect(ask()).rejects.toMatchObject({ code });
  });

  test.each([
    ["breaks down", "unreachable", 503, {}],
    ["wants a login", "not-found", 401, { "www-authenticate": "Basic realm=x" }],
    [
      "sends for a token over an open line",
      "unreachable",
      401,
      { "www-authenticate": 'Bearer realm="http://example.com/t"' },
    ],
    ["gives another hash", "malformed", 200, { "docker-content-digest": "sha512:00" }],
  ])("that %s: %s", async (_, code, status, headers) => {
    registry.instead = (_request, response) => {
      response.writeHead(status, headers);
      response.end();
      return true;
    };
    await expect(ask()).rejects.toMatchObject({ code });
  });

  test("that sends elsewhere is not followed", async () => {
    registry.instead = (request, response) => {
      if (request.url === "/elsewhere") response.writeHead(200, { "docker-content-digest": digest("e1") });
      else response.writeHead(302, { location: "/elsewhere" });
      response.end();
      return true;
    };
    await expect(ask()).rejects.toMatchObject({ code: "unreachable" });
  });

  test("that is not there: unreachable", async () => {
    const { host } = registry;
    await registry.stop();
    await expect(resolveImage(`${host}/shop/till:1`)).rejects.toMatchObject({
      code: "unreachable",
      where: `http://${host}/v2/shop/till/manifests/1`,
    });
    registry = await startFakeRegistry();
  });
});

test.each([
  ["busybox", "registry-1.docker.io", "library/busybox", "latest"],
  ["docker.io/grafana/loki:3", "registry-1.docker.io", "grafana/loki", "3"],
  ["grafana/loki", "registry-1.docker.io", "grafana/loki", "latest"],
  ["ghcr.io/a/b/c:v1", "ghcr.io", "a/b/c", "v1"],
  ["localhost:5000/a", "localhost:5000", "a", "latest"],
  ["localhost/a:1", "localhost", "a", "1"],
])("%s is read as the container runtimes do", (image, host, repository, tag) => {
  expect(parseImage(image)).toEqual({ host, repository, tag });
});

test.each(["", "A/b", "a b", "a/../b", "x:y:z", "${X}/a:1", "host.example/a?b"])("%j is no image", (image) => {
  expect(parseImage(image)).toBeNull();
});

function podOf(image: string): string {
  return `---\napiVersion: v1\nkind: Pod\nmetadata: { name: side, namespace: shop }\nspec: { containers: [{ name: side, image: "${image}" }] }\n`;
}

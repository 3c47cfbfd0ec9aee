import { afterEach, describe, expect, test } from "vitest";
import { failure, json, type Script, type Scripted, scripted } from "./scripted-server.ts";

const open: Scripted[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

async function on(script: Script, limits?: { timeout: number; body: number }): Promise<Scripted> {
  const started = await scripted(script, limits);
  open.push(started);
  return started;
}

const KIND = { apiVersion: "v1", kind: "ConfigMap" };
const REF = { ...KIND, namespace: "shop", name: "till" };
const OBJECT = { ...KIND, metadata: { name: "till", namespace: "shop" }, data: { a: "1" } };
const APPLY = { manager: "skerry", force: true, dryRun: false };
const NOT_FOUND = { kind: "Status", code: 404, reason: "NotFound", details: { name: "till", kind: "configmaps" } };

describe("requests", () => {
  test("an apply names manager, force and dry run, and returns the server's warnings", async () => {
    const warnings = ['299 - "unknown field \\"spec.a\\", b"', '299 - "größer"'];
    const { kube, asked } = await on((request, response, body) => {
      expect(request.headers["content-type"]).toBe("application/apply-patch+yaml");
      response.setHeader(
        "warning",
        warnings.map((each) => Buffer.from(each).toString("latin1")),
      );
      json(response, 200, JSON.parse(body));
    });
    const applied = await kube.apply(OBJECT, { ...APPLY, dryRun: true });
    expect(applied).toEqual({ object: OBJECT, created: false, warnings: ['unknown field "spec.a", b', "größer"] });
    expect(asked).toEqual(["PATCH /api/v1/namespaces/shop/configmaps/till?fieldManager=skerry&force=true&dryRun=All"]);
  });

  test("a delete gives its options in the body alone", async () => {
    let sent = "";
    const { kube, asked } = await on((_, response, body) => {
      sent = body;
      json(response, 200, { kind: "Status", status: "Success" });
    });
    expect(await kube.remove(REF, { uid: "u1", propagation: "Foreground" })).toBe("gone");
    expect(asked).toEqual(["DELETE /api/v1/namespaces/shop/configmaps/till"]);
    expect(JSON.parse(sent)).toMatchObject({ propagationPolicy: "Foreground", preconditions: { uid: "u1" } });
    expect(JSON.parse(sent)).not.toHaveProperty("dryRun");
  });

  test.each([
    ["a finalizer", { deletionTimestamp: "t", finalizers: ["x"], deletionGracePeriodSeconds: 0 }, "deleting"],
    ["a grace period", { deletionTimestamp: "t", deletionGracePeriodSeconds: 30 }, "deleting"],
    ["neither", { deletionTimestamp: "t", deletionGracePeriodSeconds: 0 }, "gone"],
    ["no deletion timestamp", {}, "gone"],
  ])("a deleted object with %s", async (_, metadata, expected) => {
    const { kube } = await on((_request, response) => {
      json(response, 200, { ...OBJECT, metadata: { ...OBJECT.metadata, ...metadata } });
    });
    expect(await kube.remove(REF, { uid: "u1", propagation: "Background" })).toBe(expected);
  });

  test("a name that would reach something else is never sent", async () => {
    const { kube, asked } = await on((_, response) => json(response, 200, OBJECT));
    for (const name of ["", ".", "..", "a/b", "a%2fb"]) {
      const error = await failure(kube.remove({ ...REF, name }, { uid: "u1", propagation: "Background" }));
      expect(error.kubeClass).toBe("manifest");
    }
    expect((await failure(kube.get({ ...REF, namespace: "" }))).kubeClass).toBe("manifest");
    expect((await failure(kube.get({ ...REF, kind: "Namespace" }))).kubeClass).toBe("manifest");
    expect(asked).toEqual([]);
  });

  test("names are escaped", async () => {
    const { kube, asked } = await on((_, response) => json(response, 200, OBJECT));
    await kube.get({ ...REF, name: "system:a?b c" });
    expect(asked).toEqual(["GET /api/v1/namespaces/shop/configmaps/system%3Aa%3Fb%20c"]);
  });

  test("what is not there is null; a plain-text 404 proves nothing", async () => {
    let status: unknown = NOT_FOUND;
    const { kube } = await on((_, response) => {
      if (status === null) response.writeHead(404, { "content-type": "text/plain" }).end("404 page not found\n");
      else json(response, 404, status);
    });
    expect(await kube.get(REF)).toBeNull();
    expect(await kube.get({ ...REF, kind: "Unheard" })).toBeNull();
    expect(await kube.remove(REF, { uid: "u1", propagation: "Background" })).toBe("gone");
    status = null;
    expect((await failure(kube.get(REF))).kubeClass).toBe("wait");
    expect((await failure(kube.remove(REF, { uid: "u1", propagation: "Background" }))).kubeClass).toBe("wait");
    expect((await failure(kube.apply(OBJECT, APPLY))).kubeClass).toBe("wait");
  });

  test("an object that is not there does not make its kind be looked up again; what is no answer of the API does", async () => {
    let plain = false;
    const { kube, lookups } = await on((_, response) => {
      if (plain) response.writeHead(404, { "content-type": "text/plain" }).end("404 page not found\n");
      else json(response, 404, NOT_FOUND);
    });
    for (let n = 0; n < 5; n += 1) await kube.get(REF);
    expect(lookups()).toBe(1);
    plain = true;
    await failure(kube.get(REF));
    await failure(kube.get(REF));
    expect(lookups()).toBe(2);
  });

  test("what is under way when it is closed has no answer, and nothing is asked any more", async () => {
    const { kube, asked, transport } = await on(() => transport.close());
    const under = await Promise.all(Array.from({ length: 12 }, () => failure(kube.get(REF))));
    expect(under.every(({ kubeClass }) => kubeClass === "unreachable")).toBe(true);
    expect(asked.length).toBeLessThanOrEqual(8);
    expect((await failure(kube.get(REF))).kubeClass).toBe("unreachable");
  });

  test("an answer that is not what was asked for is the server's failure", async () => {
    const { kube } = await on((_, response) => {
      response.writeHead(200, { "content-type": "application/json" }).end('{"kind": "Conf');
    });
    expect((await failure(kube.get(REF))).kubeClass).toBe("server");
    expect((await failure(kube.apply(OBJECT, APPLY))).kubeClass).toBe("server");
    expect((await failure(kube.list(KIND, {}))).kubeClass).toBe("server");
    expect((await failure(kube.remove(REF, { uid: "u1", propagation: "Background" }))).kubeClass).toBe("server");
  });

  test("a redirect is not followed", async () => {
    const { kube, asked } = await on((_, response) => response.writeHead(302, { location: "/elsewhere" }).end());
    expect(await failure(kube.get(REF))).toMatchObject({ kubeClass: "server", status: 302 });
    expect(asked).toHaveLength(1);
  });

  test("a 429 in plain text says when to come back", async () => {
    const { kube } = await on((_, response) => {
      response.writeHead(429, { "content-type": "text/plain", "retry-after": "3" }).end("Too many requests");
    });
    expect(await failure(kube.apply(OBJECT, APPLY))).toMatchObject({ kubeClass: "throttled", retryAfter: 3 });
  });

  test("a connection that breaks inside the answer is no answer", async () => {
    const { kube } = await on((request, response) => {
      response.writeHead(200, { "content-type": "application/json", "content-length": "1000" });
      response.write('{"kind":', () => request.socket.resetAndDestroy());
    });
    expect((await failure(kube.get(REF))).kubeClass).toBe("unreachable");
  });

  test("silence ends by the timeout, also inside an answer", async () => {
    const { kube } = await on(
      (request, response) => {
        if (request.method === "GET") response.writeHead(200).write("{");
      },
      { timeout: 150, body: 1000 },
    );
    expect(await failure(kube.get(REF))).toMatchObject({ kubeClass: "unreachable", reason: "Timeout" });
    expect(await failure(kube.apply(OBJECT, APPLY))).toMatchObject({ kubeClass: "unreachable", reason: "Timeout" });
    const watching = kube.watch(KIND, { signal: new AbortController().signal, onEvent: () => {} });
    expect(await failure(kube.list(KIND, {}))).toMatchObject({ reason: "Timeout" });
    // The head of the stream came; silence after it is for the caller to judge.
    const first = await Promise.race([
      watching.catch(() => "ended"),
      new Promise((done) => setTimeout(done, 300, "on")),
    ]);
    expect(first).toBe("on");
    await Promise.allSettled([open.pop()?.close(), watching]);
  });

  test("an endless answer is cut off", async () => {
    const { kube } = await on((_, response) => {
      const more = () => {
        while (!response.destroyed && response.write("x".repeat(65536)));
      };
      response.writeHead(200, { "content-type": "application/json" }).on("drain", more);
      more();
    });
    expect(await failure(kube.get(REF))).toMatchObject({ kubeClass: "server", status: 200 });
  });

  test("at most eight requests are in flight, and all are answered", async () => {
    const open = new Set<() => void>();
    let most = 0;
    const { kube } = await on((_, response) => {
      open.add(() => json(response, 200, OBJECT));
      most = Math.max(most, open.size);
      // All that may come are here: the next come as these are answered.
      if (open.size < 8) return;
      for (const answer of open) answer();
      open.clear();
    });
    const all = await Promise.all(Array.from({ length: 40 }, () => kube.get(REF)));
    expect(all.every((object) => object?.metadata.name === "till")).toBe(true);
    expect(most).toBe(8);
  });

  test("an idle connection that the server has closed costs no error", async () => {
    const { kube, asked } = await on((request, response) => {
      json(response, 200, OBJECT);
      // Closed after the answer, as a server does that shuts an idle connection down.
      response.on("finish", () => setTimeout(() => request.socket.resetAndDestroy(), 0));
    });
    for (let n = 0; n < 20; n += 1) expect(await kube.get(REF)).not.toBeNull();
    expect(asked.length).toBeGreaterThanOrEqual(20);
  });

  test("a list is read page by page, and its items carry their kind", async () => {
    const { kube, asked } = await on((request, response) => {
      const last = request.url?.includes("continue=next") === true;
      const metadata = { resourceVersion: "7", ...(last ? {} : { continue: "next" }) };
      json(response, 200, { kind: "ConfigMapList", metadata, items: [{ metadata: { name: last ? "b" : "a" } }] });
    });
    const listed = await kube.list(KIND, { namespace: "shop", labels: "app=till,x!=y" });
    expect(listed.resourceVersion).toBe("7");
    expect(listed.objects).toEqual([
      { ...KIND, metadata: { name: "a" } },
      { ...KIND, metadata: { name: "b" } },
    ]);
    expect(asked[0]).toBe("GET /api/v1/namespaces/shop/configmaps?labelSelector=app%3Dtill%2Cx%21%3Dy&limit=500");
  });
});

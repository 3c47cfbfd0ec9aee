/** Bundles the programs and the web page into `dist/`. Native packages stay outside: they come from node_modules. */
import { rmSync } from "node:fs";
import { builtinModules } from "node:module";
import { type BuildOptions, build, type Plugin } from "esbuild";

rmSync("dist", { recursive: true, force: true });

// Given, the same sources build to the same bytes (https://reproducible-builds.org/specs/source-date-epoch/).
const epoch = process.env["SOURCE_DATE_EPOCH"];
const builtAt = epoch === undefined ? Date.now() : Number(epoch) * 1000;

/**
 * Node's own modules without their ES facade: that reads every export once, and `node:http` then loads fetch, WebSocket and HTTP/2 with it,
 * which nobody here uses. Left out are parts of mqtt.js for connections that are refused here (WebSockets, SOCKS), and for browsers.
 */
const lean: Plugin = {
  name: "lean",
  setup(building) {
    const builtins = new Set(builtinModules.flatMap((name) => [name, `node:${name}`]));
    building.onResolve({ filter: /./ }, ({ path }) => {
      if (path === "readable-stream") return { path: "node:stream", namespace: "builtin" };
      if (["ws", "socks", "worker-timers"].includes(path)) return { path, namespace: "left-out" };
      return builtins.has(path) ? { path, namespace: "builtin" } : undefined;
    });
    building.onLoad({ filter: /./, namespace: "builtin" }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)});`,
    }));
    building.onLoad({ filter: /./, namespace: "left-out" }, () => ({ contents: "module.exports = {};" }));
  },
};

const programs: BuildOptions = {
  entryPoints: {
    "skerry-agent": "agent/main.ts",
    "skerry-hub": "hub/main.ts",
    skerry: "hub/cli/main.ts",
    "skerry-git": "shared/source/git-child.ts",
  },
  outdir: "dist",
  bundle: true,
  platform: "node",
  target: "node22",
  format: "esm",
  // What is loaded lazily (the Kubernetes client, 18 MB of it) stays in files of its own.
  splitting: true,
  external: ["better-sqlite3"],
  plugins: [lean],
  // The text of a program stays in memory as long as it runs. Names are kept: a stack is for people.
  minifyWhitespace: true,
  minifySyntax: true,
  // Packages that are still CommonJS ask for Node's own modules by `require`.
  banner: {
    js: '#!/usr/bin/env node\nimport { createRequire } from "node:module";\nconst require = createRequire(import.meta.url);',
  },
  // For a site that is a time that has passed.
  define: { SKERRY_BUILT_AT: JSON.stringify(new Date(builtAt).toISOString()) },
  sourcemap: "linked",
  logLevel: "warning",
};

const page: BuildOptions = {
  entryPoints: ["hub/ui/app.tsx", "hub/ui/app.css"],
  outdir: "dist/ui",
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  jsx: "automatic",
  jsxImportSource: "preact",
  sourcemap: "linked",
  logLevel: "warning",
};

await Promise.all([build(programs), build(page)]);

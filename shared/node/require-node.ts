/**
 * Imported first by every program: the packages it needs do not load on older versions, and their own errors do not say why.
 * ES modules are evaluated in the order of their imports, so this speaks before anything else fails.
 */
const OLDEST = [22, 19] as const;

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
  process.stderr.write(
    `Skerry needs Node.js ${OLDEST.join(".")} or newer, this is ${process.versions.node}.\n` +
      "Inside the checkout `npm run ...` uses the right one by itself; elsewhere install Node.js 24 (https://nodejs.org).\n",
  );
  process.exit(2);
}

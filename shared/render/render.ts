import type { Bundle } from "../bundle.ts";
import { sorted } from "../canonical.ts";
import { AppError } from "../errors.ts";
import { type Json, type KubeObject, nameOf, type ObjectRef, refOf } from "../live.ts";
import type { Values } from "../names.ts";
import { sha256Hex } from "../node/sha256.ts";
import type { Delegation } from "../root.ts";
import { selects } from "../selector.ts";
import type { SiteRecord } from "../site.ts";
import type { VerifiedBundle } from "../verify/bundle.ts";
import { checkCarried } from "./carried.ts";
import { type CompiledChecks, checkPolicy, compileChecks } from "./checks.ts";
import { compileHealthRules, type HealthRules } from "./health-rules.ts";
import { checkImages } from "./images.ts";
import { type Files, patched } from "./overlay.ts";
import { NOTHING, type Overlooked, overlookedIn } from "./overlook.ts";
import { checkPrivilege } from "./privilege.ts";
import { mayRecreate } from "./recreate.ts";
import { type Opened, opened, type Secrets, sealedObject } from "./sealed.ts";
import { withoutStringData } from "./secret-data.ts";
import { substitute } from "./substitute.ts";
import { withoutTtl } from "./ttl.ts";
import { type Value, valuesFor, withOwnNamed } from "./variables.ts";

declare const rendered: unique symbol;

/** Marks an object as ours in the cluster: watches select by it, and it names the bundle. */
export const BUNDLE_LABEL = "skerry.dev/bundle";

/** What a bundle is rendered for: the signed record of a site, and the values that the hub assigned for this bundle. */
export interface RenderInputs {
  record: Pick<SiteRecord, "id" | "labels" | "values">;
  hub: Values;
  /** Left out by whoever cannot open them: what is sealed then stays `sealed:<hash>`. */
  secrets?: Secrets;
}

/** The objects of a bundle as one site shall have them, inside what their owners may do. Made only here. */
export interface RenderedBundle {
  readonly bundle: string;
  readonly digest: string;
  readonly objects: readonly RenderedObject[];
  readonly health: HealthRules;
  /** What is done about objects that others changed. */
  readonly drift: Bundle["drift"]["mode"];
  /** By object: parts whose change is no drift. Objects of which every part counts are left out. */
  readonly overlooked: ReadonlyMap<string, Overlooked>;
  readonly [rendered]: true;
}

export interface RenderedObject {
  readonly ref: ObjectRef;
  /** As everybody may see it: what is sealed is `sealed:<hash of the ciphertext>`. */
  readonly object: KubeObject;
  /** Of a sealed Secret, where it was opened: the object to apply. */
  readonly opened?: Opened;
  /** The same with `${NAME}` for each value that this site's record gives, where there are any: equal at all sites that differ by those alone. */
  readonly shown?: KubeObject;
  /** May be deleted and made anew where a field of it cannot change. */
  readonly recreate: boolean;
  /** SHA-256 of the canonical object and of what is ignored of it: what was asked for, whatever the server made of it. */
  readonly hash: string;
}

/**
 * Objects as they shall be applied: overlays that select the site, then values, then every check on what came out. Throws `variable`, `patch`,
 * `privilege`, `image`, `policy`, or `schema` where two files are the same object. Pure: the same bundle and inputs give the
 * same bytes on a site and on a laptop. What is sealed stays so during every check: no plaintext can stand in a refusal, and none can
 * make a difference to it.
 */
export function render(bundle: VerifiedBundle, inputs: RenderInputs): RenderedBundle {
  const { manifest, delegation } = bundle;
  const values = valuesFor(manifest.name, manifest.variables, inputs.record, inputs.hub);
  const overlays = manifest.overlays ?? [];
  const selected = overlays.filter(({ sites }) => selects(sites, inputs.record.labels));
  const listed = new Set(manifest.images.map((image) => image.digest));
  const sealed = new Map(
    bundle.files
      .filter(({ path }) => manifest.secrets?.includes(path) === true)
      .map(({ path, object }) => [path, sealedObject(object, path)]),
  );
  const whole = bundle.files.map(({ path, object }) => ({ path, object: sealed.get(path) ?? object }));
  const files = patched(whole, overlays, selected);
  const rules = { bundle: manifest.name, delegation, checks: compileChecks(manifest.checks), listed };
  const overlooked = new Map<string, Overlooked>();
  const named = withOwnNamed(manifest, inputs.record, values);
  const objects = renderObjects(files, values, rules).map((object, index) => {
    const { path = "", object: file = object } = files[index] ?? {};
    const ref = refOf(object);
    const parts = overlookedIn(object, ref, manifest.drift.ignore);
    if (parts !== NOTHING) overlooked.set(nameOf(ref), parts);
    const secret = sealed.get(path);
    const shown = named === null ? null : labelled(file, named, manifest.name, path);
    return {
      ref,
      object,
      ...(shown !== null && sorted(shown) !== sorted(object) && { shown }),
      ...(secret !== undefined &&
        inputs.secrets !== undefined && { opened: opened(object, secret, inputs.secrets, path) }),
      recreate: mayRecreate(manifest.recreate, ref),
      hash: hashOf(object, parts.ignored),
    };
  });
  const health = compileHealthRules(manifest.health.rules);
  const { mode: drift } = manifest.drift;
  return {
    bundle: manifest.name,
    digest: bundle.digest,
    objects,
    health,
    drift,
    overlooked,
  } as unknown as RenderedBundle;
}

/** With what is ignored: where another part counts than before, a new apply says what the object is like without it. */
function hashOf(object: KubeObject, ignored: Overlooked["ignored"]): string {
  return sha256Hex(sorted(ignored.length === 0 ? object : [object, ignored as unknown as Json]));
}

/** What every rendered object is held to. */
export interface Rules {
  bundle: Bundle["name"];
  delegation: Delegation;
  checks: CompiledChecks;
  /** Digests of images; null where the list is still to be made: they must be pinned then. */
  listed: ReadonlySet<string> | null;
}

/** Objects with these values, checked. Only what came out is looked at: neither a file nor a patch is trusted by itself. */
export function renderObjects(files: Files, values: ReadonlyMap<string, Value>, rules: Rules): KubeObject[] {
  const seen = new Map<string, string>();
  return files.map(({ path, object }) => {
    const rendered = labelled(object, values, rules.bundle, path);
    checkCarried(rendered, path);
    checkPrivilege(rendered, rules.delegation, path);
    checkImages(rendered, rules.listed, path);
    checkPolicy(rendered, rules.checks, path);
    const name = nameOf(refOf(rendered));
    const twin = seen.get(name);
    if (twin !== undefined)
      throw new AppError("schema", `is the same object as files/${twin}`, { where: `files/${path} ${name}` });
    seen.set(name, path);
    return rendered;
  });
}

function labelled(object: KubeObject, values: ReadonlyMap<string, Value>, bundle: string, path: string): KubeObject {
  const written = withoutTtl(substitute(object, values, BUNDLE_LABEL, path));
  return withLabel(withoutStringData(written, path), bundle);
}

function withLabel(object: KubeObject, bundle: string): KubeObject {
  const labels = object.metadata["labels"];
  const own = typeof labels === "object" && labels !== null && !Array.isArray(labels) ? labels : {};
  return { ...object, metadata: { ...object.metadata, labels: { ...own, [BUNDLE_LABEL]: bundle } } };
}

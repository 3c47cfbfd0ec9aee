import type { Json, KubeObject } from "../../../shared/live.ts";
import { typeOfVersion } from "./custom-schema.ts";
import { mapAt, mapsAt } from "./defaults-pod.ts";
import { apiVersionOf, KINDS, type Kind, resourceOf } from "./kinds.ts";
import { stringAt } from "./store.ts";

/** The kinds that are served now: the built-in ones, and those of established definitions. */
export class Catalog {
  private readonly custom = new Map<string, Kind[]>();

  all(): Kind[] {
    return [...KINDS, ...[...this.custom.values()].flat()];
  }

  /** By the words of a path; null where there is none. */
  find(group: string, version: string, plural: string): Kind | null {
    return this.all().find((k) => k.group === group && k.version === version && k.plural === plural) ?? null;
  }

  hasVersion(group: string, version: string): boolean {
    return this.all().some((kind) => kind.group === group && kind.version === version);
  }

  isBuiltInGroup(group: string): boolean {
    return KINDS.some((kind) => kind.group === group);
  }

  /** By `deployments.apps`; any of its versions. */
  byResource(resource: string): Kind | null {
    return this.all().find((kind) => resourceOf(kind) === resource) ?? null;
  }

  byOwner(apiVersion: Json | undefined, kind: Json | undefined): Kind | null {
    return this.all().find((one) => one.kind === kind && apiVersionOf(one) === apiVersion) ?? null;
  }

  /** Serves the versions of a definition; gives them back. */
  define(definition: KubeObject): Kind[] {
    const spec = mapAt(definition, "spec") ?? {};
    const names = mapAt(spec, "names") ?? {};
    const short = names["shortNames"];
    const served = mapsAt(spec, "versions").filter((version) => version["served"] === true);
    const kinds = served.map((version): Kind => {
      const subresources = mapAt(version, "subresources") ?? {};
      return {
        group: stringAt(spec, "group"),
        version: stringAt(version, "name"),
        kind: stringAt(names, "kind"),
        plural: stringAt(names, "plural"),
        namespaced: spec["scope"] === "Namespaced",
        shortNames: Array.isArray(short) ? short.map(String) : [],
        type: typeOfVersion(version),
        custom: true,
        status: mapAt(subresources, "status") !== null,
        scale: false,
      };
    });
    this.custom.set(definition.metadata.name, kinds);
    return kinds;
  }

  undefine(name: string): void {
    this.custom.delete(name);
  }

  defined(name: string): Kind[] {
    return this.custom.get(name) ?? [];
  }
}

export function kindNamed(plural: string): Kind {
  const kind = KINDS.find((one) => one.plural === plural);
  if (kind === undefined) throw new Error(`no built-in kind ${plural}`);
  return kind;
}

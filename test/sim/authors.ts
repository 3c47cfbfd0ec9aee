import { drawRollout } from "./rollouts.ts";
import type { Stage } from "./stage.ts";
import { drawVersion, type Version } from "./versions.ts";

/** Those who commit to the fleet repository. */
export class Authors {
  private readonly stage: Stage;
  private readonly files = new Map<string, Record<string, unknown>>();

  constructor(stage: Stage) {
    this.stage = stage;
  }

  begin(): void {
    for (const bundle of ["pos", "web"]) this.publish(bundle);
    this.deploy("pos", "pos");
    if (this.stage.world.chance.of(0.4)) this.deploy("web", "web");
  }

  /** One of them commits something. */
  write(): void {
    const { chance, trace } = this.stage.world;
    const bundle = chance.one(["pos", "pos", "web"]);
    const what = chance.one(["new", "new", "new", "back", "edit", "break", "delete", "mend"]);
    trace.note(`author ${what} ${bundle}`);
    if (what === "new") this.publish(bundle);
    switch (what) {
      case "new":
      case "edit":
        return this.deploy(bundle, bundle);
      case "back":
        return this.deploy(bundle, bundle, chance.whole(1, this.versionsOf(bundle).length));
      case "break":
        return this.stage.repository.commit(bundle, "kind: Rollout/v1\nbundle: [\n");
      case "delete":
        return this.stage.repository.commit(bundle, null);
      case "mend": {
        const file = this.files.get(bundle);
        if (file !== undefined) this.stage.repository.commit(bundle, JSON.stringify(file));
      }
    }
  }

  private publish(bundle: string): void {
    const { world, versions, repository } = this.stage;
    const version = drawVersion(world.chance, bundle, this.versionsOf(bundle).length + 1);
    versions.set(version.digest, version);
    repository.publish(version);
  }

  private deploy(name: string, bundle: string, seq = this.versionsOf(bundle).length): void {
    const version = this.versionsOf(bundle)[seq - 1]?.version ?? "1.1.0";
    const file = drawRollout(this.stage.world.chance, bundle, version);
    this.files.set(name, file);
    this.stage.repository.commit(name, JSON.stringify(file));
  }

  private versionsOf(bundle: string): Version[] {
    return [...this.stage.versions.values()].filter((version) => version.bundle === bundle);
  }
}

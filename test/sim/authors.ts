import { PEOPLE } from "./people.ts";
import { drawRollout, ROLLOUTS, type RolloutName } from "./rollouts.ts";
import type { Stage } from "./stage.ts";
import { drawVersion, type Version } from "./versions.ts";

/** Those who commit to the fleet repository. */
export class Authors {
  private readonly stage: Stage;
  private readonly files = new Map<RolloutName, Record<string, unknown>>();

  constructor(stage: Stage) {
    this.stage = stage;
  }

  begin(): void {
    const { chance } = this.stage.world;
    for (const bundle of ["pos", "web"]) this.publish(bundle);
    if (chance.of(0.2)) this.promote();
    else {
      this.deploy("pos");
      if (chance.of(0.3)) this.deploy("pos-north");
    }
    if (chance.of(0.4)) this.deploy("web");
  }

  /** One of them commits something. */
  write(): void {
    const { chance, trace } = this.stage.world;
    const name = chance.one<RolloutName>(["pos", "pos", "pos-north", "web"]);
    const { bundle } = ROLLOUTS[name];
    const what = chance.one(["new", "new", "new", "promote", "same", "back", "edit", "break", "delete", "mend"]);
    trace.note(`author ${what} ${name}`);
    switch (what) {
      case "new":
        this.publish(bundle);
        return this.deploy(name);
      case "promote":
        this.publish("pos");
        return this.promote();
      case "edit":
        return this.deploy(name);
      // What others of the bundle were moved to before.
      case "same":
        return this.deploy(name, { seq: Math.max(1, this.versionsOf(bundle).length - chance.whole(0, 1)) });
      case "back":
        return this.deploy(name, { seq: chance.whole(1, this.versionsOf(bundle).length) });
      case "break":
        return this.commit(name, "kind: Rollout/v1\nbundle: [\n");
      case "delete":
        return this.commit(name, null);
      case "mend": {
        const file = this.files.get(name);
        if (file !== undefined) this.commit(name, JSON.stringify(file));
      }
    }
  }

  /** The newest version goes to the north first, and everywhere when it has been there for a while. */
  private promote(): void {
    this.deploy("pos-north");
    this.deploy("pos", { behind: true });
  }

  private publish(bundle: string): void {
    const { world, versions, repository } = this.stage;
    const version = drawVersion(world.chance, bundle, this.versionsOf(bundle).length + 1);
    versions.set(version.digest, version);
    repository.publish(version);
  }

  private deploy(name: RolloutName, { seq, behind = false }: { seq?: number; behind?: boolean } = {}): void {
    const versions = this.versionsOf(ROLLOUTS[name].bundle);
    const version = versions[(seq ?? versions.length) - 1]?.version ?? "1.1.0";
    const { chance, stretch } = this.stage.world;
    const file = drawRollout(chance, name, version, { behind, stretch });
    this.files.set(name, file);
    this.commit(name, JSON.stringify(file));
  }

  private commit(name: RolloutName, text: string | null): void {
    const { repository, world } = this.stage;
    const commit = repository.commit(name, text, world.chance.one(PEOPLE).name);
    world.witness.commits.add(`${name} ${commit}`);
  }

  private versionsOf(bundle: string): Version[] {
    return [...this.stage.versions.values()].filter((version) => version.bundle === bundle);
  }
}

import { Authors } from "./authors.ts";
import { calm, faultsOf } from "./faults.ts";
import { goOnAfterRestore, operate } from "./operators.ts";
import { MINUTE, type Stage } from "./stage.ts";

/** So many times as often as else. */
const OFTEN = 6;

/** What people and the world do to a fleet: drawn as it comes, until all faults stop and only time passes. */
export class Story {
  /** Where the simulation ends, by the queue's clock. */
  end: number;
  private readonly stage: Stage;
  private readonly authors: Authors;
  private faultsEnd: number;

  constructor(stage: Stage) {
    this.stage = stage;
    this.authors = new Authors(stage);
    const { queue, chance, stretch } = stage.world;
    this.faultsEnd = queue.now + chance.between(stretch === 1 ? 10 : 25, 40) * MINUTE * stretch;
    this.end = this.faultsEnd + 45 * MINUTE * stretch;
  }

  begin(): void {
    const { world, often, without } = this.stage;
    this.authors.begin();
    this.every(4 * MINUTE, () => this.authors.write());
    this.every(2 * MINUTE, () => operate(this.stage));
    for (const [name, [minutes, fault]] of Object.entries(faultsOf(this.stage))) {
      const isOften = often.includes(name);
      if (!without.has(name) && world.chance.of(isOften ? 1 : 0.7))
        this.every((isOften ? minutes / OFTEN : minutes) * MINUTE, () => this.strike(name, fault));
    }
    world.queue.after(this.faultsEnd - world.queue.now, () => {
      world.trace.note("calm");
      calm(this.stage);
      for (let minute = 2; minute <= 12; minute += 2)
        world.queue.after(minute * MINUTE * world.stretch, () => goOnAfterRestore(this.stage));
    });
  }

  private strike(name: string, fault: () => void): void {
    this.stage.world.trace.event(`fault ${name}`);
    this.stage.world.trace.note(`fault ${name}`);
    fault();
  }

  private every(meanMs: number, work: () => void): void {
    const { queue, chance, stretch } = this.stage.world;
    const again = () => {
      queue.after(chance.between(0.2, 1.8) * meanMs * stretch, () => {
        if (queue.now >= this.faultsEnd) return;
        work();
        again();
      });
    };
    again();
  }
}

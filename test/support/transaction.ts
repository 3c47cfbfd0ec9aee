import type { Journal } from "../../shared/ports.ts";

/**
 * The transactions of the in-memory ports: the state before is put back where `work` (or the journal, which stands for a
 * kill) throws before the end. Nested calls join. `copy` may share values, which are never changed in place.
 */
export function transactions<State>(
  journal: Journal,
  state: { get(): State; set(state: State): void; copy(state: State): State },
): <T>(effect: string, work: () => T) => T {
  let open = false;
  return (effect, work) => {
    if (open) return work();
    journal(effect, "before");
    const before = state.get();
    state.set(state.copy(before));
    open = true;
    let result: ReturnType<typeof work>;
    try {
      result = work();
      journal(effect, "between");
    } catch (error) {
      state.set(before);
      throw error;
    } finally {
      open = false;
    }
    journal(effect, "after");
    return result;
  };
}

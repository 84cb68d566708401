/** A `Steady` value in a component. */

import type { Steady } from "./steady";

/** Follows `value`, which is read reactively, as `steady` tells it; call it while a component is set up. */
export function steadily<Value>(steady: Steady<Value>, value: () => Value): { readonly told: Value } {
  let told = $state.raw(steady.told);
  $effect.pre(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const wait = (due: number | null): void => {
      told = steady.told;
      const now = performance.now();
      if (due !== null) timer = setTimeout(() => wait(steady.tick(performance.now())), Math.ceil(Math.max(0, due - now)));
    };
    wait(steady.offer(value(), performance.now()));
    return () => clearTimeout(timer);
  });
  return {
    get told() {
      return told;
    },
  };
}

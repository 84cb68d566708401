/** A clock for components: `Date.now()` that moves once a second while somebody looks at it. */

import { createSubscriber } from "svelte/reactivity";

const subscribe = createSubscriber((update) => {
  const timer = setInterval(update, 1000);
  return () => clearInterval(timer);
});

export function tickingNow(): number {
  subscribe();
  return Date.now();
}

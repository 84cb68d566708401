/** The moments at which waiting longer makes no sense: the network came back, or somebody looks at the page again. */
export function onWake(wake: (networkChanged: boolean) => void): () => void {
  const online = (): void => wake(true);
  const visible = (): void => {
    if (document.visibilityState === "visible") wake(false);
  };
  window.addEventListener("online", online);
  window.addEventListener("pageshow", visible);
  document.addEventListener("visibilitychange", visible);
  return () => {
    window.removeEventListener("online", online);
    window.removeEventListener("pageshow", visible);
    document.removeEventListener("visibilitychange", visible);
  };
}

/** A page that nobody has looked at for so long wants no pictures; a glance at another app costs nothing. */
const HIDDEN_MS = 5_000;

/** Calls back when the page has been in the background for a while, and at once when it is in front again. */
export function onHidden(changed: (hidden: boolean) => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const look = (): void => {
    clearTimeout(timer);
    if (document.visibilityState === "visible") changed(false);
    else timer = setTimeout(() => changed(true), HIDDEN_MS);
  };
  document.addEventListener("visibilitychange", look);
  return () => {
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", look);
  };
}

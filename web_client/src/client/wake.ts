/** The moments at which waiting longer makes no sense: the network came back or is another one, or somebody looks at the page again. */

export interface WakeHandlers {
  /** The page is in front again, or (`networkChanged`) there is a network where there was none. */
  wake: (networkChanged: boolean) => void;
  /** The device went from one network to another, without having been without: what is connected may lose its way in a moment. */
  switched: () => void;
}

/** The part of the Network Information API that tells it, where a browser has it. `type` is missing on desktops. */
interface NetworkInformation extends EventTarget {
  readonly type?: string;
}

export function onWake({ wake, switched }: WakeHandlers): () => void {
  const online = (): void => wake(true);
  const visible = (): void => {
    if (document.visibilityState === "visible") wake(false);
  };
  const stopWatching = onNetworkType(switched);
  window.addEventListener("online", online);
  window.addEventListener("pageshow", visible);
  document.addEventListener("visibilitychange", visible);
  return () => {
    stopWatching();
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

/** `change` also tells estimates of throughput, several times a minute: only another type of network matters. */
function onNetworkType(switched: () => void): () => void {
  const network = (navigator as { connection?: NetworkInformation }).connection;
  let type = network?.type;
  const changed = (): void => {
    const before = type;
    type = network?.type;
    if (type !== before && type !== "none" && before !== "none") switched();
  };
  network?.addEventListener("change", changed);
  return () => network?.removeEventListener("change", changed);
}

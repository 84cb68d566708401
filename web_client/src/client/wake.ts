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

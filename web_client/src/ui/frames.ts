/** Whether a video that should move stands still. */

/** So long without a new frame people notice; a picture that switches to another size takes less. */
const STALLED_AFTER_MS = 2_000;

/**
 * Tells when frames cease to come and when they come again, until the returned function is called. A page in the background is
 * shown nothing and says nothing; a browser that cannot tell of frames never says that they cease.
 */
export function watchFrames(video: HTMLVideoElement, onStalled: (stalled: boolean) => void): () => void {
  if (!("requestVideoFrameCallback" in video)) return () => undefined;
  let last = performance.now();
  let stalled = false;
  const tell = (now: boolean): void => {
    if (now !== stalled) onStalled((stalled = now));
  };
  const next = (): void => {
    last = performance.now();
    tell(false);
    handle = video.requestVideoFrameCallback(next);
  };
  let handle = video.requestVideoFrameCallback(next);
  const onVisible = (): void => void (last = performance.now());
  document.addEventListener("visibilitychange", onVisible);
  const timer = setInterval(() => {
    if (document.visibilityState === "visible") tell(performance.now() - last > STALLED_AFTER_MS);
  }, 500);
  return () => {
    clearInterval(timer);
    document.removeEventListener("visibilitychange", onVisible);
    video.cancelVideoFrameCallback(handle);
  };
}

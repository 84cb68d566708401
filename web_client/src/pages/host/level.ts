/** Loudness of a microphone, for a meter. */

/** Below this a room counts as silent; normal speech is around 0.5. */
export const AUDIBLE = 0.12;
const FLOOR_DB = -60;

/** Loudness of samples in [-1, 1] as 0 (at or below -60 dBFS) to 1 (full scale), linear in dB as ears are. */
export function loudness(samples: Float32Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  const db = 10 * Math.log10(sum / Math.max(1, samples.length) + 1e-12);
  return Math.min(1, Math.max(0, 1 - db / FLOOR_DB));
}

/** Calls `onLevel` at every picture frame until the returned function is called. */
export function meter(track: MediaStreamTrack, onLevel: (level: number) => void): () => void {
  const context = new AudioContext();
  const analyser = new AnalyserNode(context, { fftSize: 1024 });
  context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  // Browsers may hold the context back until somebody touches the page.
  const resume = (): void => void context.resume();
  addEventListener("pointerdown", resume);
  addEventListener("keydown", resume);
  let level = 0;
  const measure = (): void => {
    analyser.getFloatTimeDomainData(samples);
    level = Math.max(loudness(samples), level * 0.93); // quick up, slow down: readable
    onLevel(level);
    frame = requestAnimationFrame(measure);
  };
  let frame = requestAnimationFrame(measure);
  return () => {
    cancelAnimationFrame(frame);
    removeEventListener("pointerdown", resume);
    removeEventListener("keydown", resume);
    void context.close();
  };
}

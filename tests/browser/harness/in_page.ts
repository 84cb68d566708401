/** Helpers that run inside the pages under test. */

export interface TestHelpers {
  rowOf(question: string): HTMLElement | undefined;
  pollOf(title: string): HTMLElement | undefined;
  rows(): { text: string; votes: number; state: string }[];
  /** Numbers of the pictures that the main video has shown, as often as this was called while they changed. */
  seenFrames(): number[];
  forgetFrames(): void;
  /** Frames encoded so far by each encoding of the camera that this page publishes. */
  framesEncoded(): Promise<Record<string, number>>;
  /** The rids of these encodings that are turned on, lowest first. */
  activeEncodings(): string[];
  /** Frames decoded by the receiving connection so far. */
  framesDecoded(): Promise<number>;
  /** States that the page's pill has told, and when, in ms; the first one is that which stood when this was last called with `true`. */
  told(anew?: boolean): { at: number; state: string }[];
  /** Peer connections and WebSockets that this page has made. */
  opened(): { connections: number; sockets: number };
  /** Whether the main video shows a picture that arrives. */
  playing(): boolean;
}

declare global {
  // eslint-disable-next-line no-var
  var testHelpers: TestHelpers;
}

/** Self-contained: its source is sent to the page. */
export function installHelpers(relayOnly: boolean): void {
  const seen: number[] = [];
  const opened = { connections: 0, sockets: 0 };
  globalThis.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(configuration?: RTCConfiguration) {
      super(relayOnly ? { ...configuration, iceTransportPolicy: "relay" } : configuration);
      opened.connections += 1;
    }
  };
  globalThis.WebSocket = class extends WebSocket {
    constructor(url: string | URL, protocols?: string | string[]) {
      super(url, protocols);
      opened.sockets += 1;
    }
  };
  const told: { at: number; state: string }[] = [];
  const noteState = (): void => {
    const state = document.querySelector('[data-testid="status"]')?.getAttribute("data-state");
    if (state && told.at(-1)?.state !== state) told.push({ at: performance.now(), state });
  };
  new MutationObserver(noteState).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ["data-state"] });
  const questionRows = () => [...document.querySelectorAll<HTMLElement>('[data-testid="question"]')];

  /** The counter of server/demo_picture.py: 16 squares from the top-left corner, each 24/640 of the width, most significant bit first. */
  function frameNumber(video: HTMLVideoElement): number {
    const canvas = document.createElement("canvas");
    canvas.width = 640;
    canvas.height = 360;
    const context = canvas.getContext("2d", { willReadFrequently: true });
    if (!context) throw new Error("no canvas");
    context.drawImage(video, 0, 0, 640, 360);
    let number = 0;
    for (let bit = 0; bit < 16; bit++) {
      const { data } = context.getImageData(24 * bit + 8, 8, 8, 8);
      let sum = 0;
      for (let i = 0; i < data.length; i += 4) sum += data[i] ?? 0;
      number = (number << 1) | (sum / (data.length / 4) > 128 ? 1 : 0);
    }
    return number;
  }

  globalThis.testHelpers = {
    rowOf: (question) => questionRows().find((row) => row.textContent?.includes(question)),
    pollOf: (title) => [...document.querySelectorAll<HTMLElement>('[data-testid="poll"]')].find((poll) => poll.ariaLabel === title),
    rows: () =>
      questionRows().map((row) => ({
        text: row.querySelector(".text")?.textContent?.trim() ?? "",
        votes: Number(row.dataset["votes"]),
        state: row.dataset["state"] ?? "",
      })),
    seenFrames: () => {
      const video = document.querySelector<HTMLVideoElement>('[data-testid="main-video"]');
      if (video && video.videoWidth > 0 && video.readyState >= 2) {
        const number = frameNumber(video);
        if (seen.at(-1) !== number) seen.push(number);
      }
      return [...seen];
    },
    framesEncoded: async () => {
      const stats = await window.livetrial.client.publisher.connection?.getStats();
      const sent = [...(stats?.values() ?? [])].filter((s) => s.type === "outbound-rtp" && s.kind === "video");
      return Object.fromEntries(sent.map((s) => [s.rid, s.framesEncoded]));
    },
    activeEncodings: () => {
      const senders = window.livetrial.client.publisher.connection?.getSenders() ?? [];
      const camera = senders.find((sender) => sender.track?.kind === "video");
      return (camera?.getParameters().encodings ?? []).filter((e) => e.active).map((e) => e.rid ?? "");
    },
    framesDecoded: async () => {
      const stats = await window.livetrial.client.receiver.connection?.getStats();
      const received = [...(stats?.values() ?? [])].filter((s) => s.type === "inbound-rtp" && s.kind === "video");
      return received.reduce((sum, s) => sum + (s.framesDecoded ?? 0), 0);
    },
    told: (anew = false) => {
      if (anew) told.splice(0, told.length - 1);
      return [...told];
    },
    opened: () => ({ ...opened }),
    forgetFrames: () => void seen.splice(0),
    playing: () => document.querySelector('[data-testid="poster"]') === null,
  };
}

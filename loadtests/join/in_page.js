/**
 * Runs inside the page: joins once, and tells when what happened, in ms since the tap. Sent to the page as text.
 * Every RTCPeerConnection of the page notes its steps, whoever made it.
 */
(() => {
  let marks = {};
  let tapAt = 0;
  const mark = (name) => (marks[name] ??= performance.now() - tapAt);

  /** What is to be ready before a tap; each opens once. */
  const ready = { offer: latch(), socket: latch(), ticket: latch() };

  function latch() {
    let open;
    const opened = new Promise((resolve) => (open = resolve));
    return { open, opened };
  }

  globalThis.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(...parameters) {
      super(...parameters);
      this.addEventListener("iceconnectionstatechange", () => {
        if (["connected", "completed"].includes(this.iceConnectionState)) mark("ice");
      });
      this.addEventListener("connectionstatechange", () => this.connectionState === "connected" && mark("dtls"));
    }
    addTransceiver(...parameters) {
      const transceiver = super.addTransceiver(...parameters);
      const { track } = transceiver.receiver;
      if (track.kind === "video") track.addEventListener("unmute", () => mark("first_packet"));
      return transceiver;
    }
    async createOffer(...parameters) {
      const offer = await super.createOffer(...parameters);
      mark("offer");
      return offer;
    }
    async setLocalDescription(...parameters) {
      await super.setLocalDescription(...parameters);
      mark("offer");
      ready.offer.open();
    }
    setRemoteDescription(description) {
      mark("answer");
      return super.setRemoteDescription(description);
    }
  };

  globalThis.WebSocket = class extends WebSocket {
    constructor(...parameters) {
      super(...parameters);
      this.addEventListener("open", ready.socket.open);
    }
  };

  /** Without `tickets` the server is never asked for one. */
  const watchTickets = (tickets) => {
    const fetch = globalThis.fetch;
    globalThis.fetch = async (resource, ...rest) => {
      if (!String(resource).includes("/tickets/")) return fetch(resource, ...rest);
      if (!tickets) throw new Error("this join is without a ticket");
      const response = await fetch(resource, ...rest);
      const body = await response.clone().text();
      ready.ticket.open(response.ok && body !== "null");
      return response;
    };
  };

  const player = () => {
    const video = document.createElement("video");
    video.muted = video.autoplay = video.playsInline = true;
    document.body.replaceChildren(video);
    return video;
  };

  const within = (timeoutMs, awaited) => {
    const late = () => new Error(`no picture within ${timeoutMs} ms: ${JSON.stringify(marks)}`);
    let timer;
    const timeout = new Promise((_, reject) => (timer = setTimeout(() => reject(late()), timeoutMs)));
    return Promise.race([awaited, timeout]).finally(() => clearTimeout(timer));
  };

  /** Resolves with the stages when a frame is shown for which `wanted` holds. */
  const shown = (video, timeoutMs, wanted = () => true) => {
    const watched = new Promise((resolve) => {
      video.addEventListener("loadeddata", () => mark("first_decoded"));
      const look = (_, { presentationTime }) => {
        const now = performance.now();
        if (!wanted()) return void video.requestVideoFrameCallback(look);
        marks.first_decoded ??= presentationTime - tapAt;
        marks.first_shown = now - tapAt;
        // On the clock of the packet log's machine, so that the two can be laid side by side.
        resolve({ ...marks, tapped_at: performance.timeOrigin + tapAt });
      };
      video.requestVideoFrameCallback(look);
    });
    return within(timeoutMs, watched);
  };

  /** Well above the time between two frames. */
  const STILL_MS = 500;

  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d", { willReadFrequently: true });

  /** Reads the number that is drawn into the picture `video` shows now, as `server/demo_picture.py` draws it. */
  const frameNumber = (video, { bits, squarePx }) => {
    canvas.width = bits * squarePx;
    canvas.height = squarePx;
    context.drawImage(video, 0, 0);
    const { data } = context.getImageData(0, squarePx / 2, canvas.width, 1);
    let number = 0;
    for (let bit = 0; bit < bits; bit++) number = number * 2 + (data[4 * (bit * squarePx + squarePx / 2)] > 127 ? 1 : 0);
    return number;
  };

  /** Whose picture `video` shows: of all sessions the one that sends frames of this number. */
  const showsSession = (video, { frames }, counter) => {
    const number = frameNumber(video, counter);
    return number >= frames[0] && number < frames[1];
  };

  const tap = () => {
    marks = {};
    tapAt = performance.now();
  };

  const settled = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

  /** A client whose main picture is in `video` whenever its streams change, as on the member's page. */
  const client = async ({ session, token, url, script }, video) => {
    const { LiveClient } = await import(script);
    const live = new LiveClient({ session, token, url, storageKey: storageKey() });
    live.on("receive", () => {
      const stream = live.streams.get("main");
      if (!stream || video.srcObject === stream) return;
      video.srcObject = stream;
      live.shows(video);
    });
    live.on("slots", () => live.shows(video));
    live.on("joined", () => mark("joined"));
    return live;
  };

  const storageKey = () => `bench:${Math.random()}`;

  /** Socket, offer and with `tickets` a ticket are there before the tap, as on the page that waits for its visitor. */
  const prepared = async (target, timeoutMs, settleMs, tickets) => {
    watchTickets(tickets);
    const video = player();
    const live = await client(target, video);
    live.prepare();
    const [, , hasTicket] = await within(timeoutMs, Promise.all([ready.offer.opened, ready.socket.opened, tickets && ready.ticket.opened]));
    if (tickets && !hasTicket) return { lacking: "the server gives no tickets" };
    await settled(settleMs);
    tap();
    const picture = shown(video, timeoutMs);
    live.connect();
    const stages = await picture;
    // The client's own word for the way it went: a ticket that was no good is followed by the ordinary exchange.
    const { path } = live.joinReport;
    live.close();
    return { ...stages, path };
  };

  const joins = {
    async stock(_, timeoutMs) {
      const video = player();
      await fetch("/ready"); // the connection is open, as the page's own is
      tap();
      const connection = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
      const stream = new MediaStream();
      connection.addEventListener("track", ({ track }) => stream.addTrack(track));
      connection.addTransceiver("video", { direction: "recvonly" });
      connection.addTransceiver("audio", { direction: "recvonly" });
      video.srcObject = stream;
      const picture = shown(video, timeoutMs);
      await connection.setLocalDescription(await connection.createOffer());
      const response = await fetch("/whep", { method: "POST", body: connection.localDescription.sdp });
      await connection.setRemoteDescription({ type: "answer", sdp: await response.text() });
      const stages = await picture;
      connection.close();
      await fetch("/whep", { method: "DELETE" });
      return stages;
    },

    ordinary: (target, timeoutMs, settleMs) => prepared(target, timeoutMs, settleMs, false),

    ticket: (target, timeoutMs, settleMs) => prepared(target, timeoutMs, settleMs, true),

    async warm(target, timeoutMs, settleMs) {
      const { other, counter } = target;
      const video = player();
      const live = await client(target, video);
      live.connect();
      // Frames of the first session still come while the switch is under way: the number in them tells whose they are.
      await shown(video, timeoutMs, () => showsSession(video, target, counter));
      await settled(settleMs);
      tap();
      const picture = shown(video, timeoutMs, () => showsSession(video, other, counter));
      live.switchTo({ session: other.session, token: other.token, storageKey: storageKey() });
      const stages = await picture;
      const { path } = live.joinReport;
      live.close();
      return { ...stages, path };
    },
  };

  /** Back from the background: pictures were given up, and are wanted again. */
  joins.back = async (target, timeoutMs, settleMs) => {
    const video = player();
    const live = await client(target, video);
    live.connect();
    await shown(video, timeoutMs);
    await settled(settleMs);
    live.watch(false);
    await within(timeoutMs, stillness(video));
    tap();
    const picture = shown(video, timeoutMs);
    live.watch(true);
    const stages = await picture;
    live.close();
    return stages;
  };

  /** Resolves when no frame has been shown for a while. */
  const stillness = (video) =>
    new Promise((resolve) => {
      let timer = setTimeout(resolve, STILL_MS);
      const look = () => {
        clearTimeout(timer);
        timer = setTimeout(resolve, STILL_MS);
        video.requestVideoFrameCallback(look);
      };
      video.requestVideoFrameCallback(look);
    });

  globalThis.joinOnce = (mode, target, timeoutMs, settleMs) => joins[mode](target, timeoutMs, settleMs);
})();

/**
 * Runs inside the page: joins once, and tells when what happened, in ms since the tap. Sent to the page as text.
 * Every RTCPeerConnection of the page notes its steps, whoever made it.
 */
(() => {
  let marks = {};
  let tapAt = 0;
  const mark = (name) => (marks[name] ??= performance.now() - tapAt);

  class Watched extends RTCPeerConnection {
    constructor(...parameters) {
      super(...parameters);
      this.addEventListener("iceconnectionstatechange", () => {
        if (["connected", "completed"].includes(this.iceConnectionState)) mark("ice");
      });
      this.addEventListener("connectionstatechange", () => this.connectionState === "connected" && mark("dtls"));
      this.addEventListener("track", ({ track }) => {
        if (track.kind === "video") track.addEventListener("unmute", () => mark("first_packet"));
      });
    }
    async createOffer(...parameters) {
      const offer = await super.createOffer(...parameters);
      mark("offer");
      return offer;
    }
    setRemoteDescription(description) {
      mark("answer");
      return super.setRemoteDescription(description);
    }
  }
  globalThis.RTCPeerConnection = Watched;

  const player = () => {
    const video = document.createElement("video");
    video.muted = video.autoplay = video.playsInline = true;
    document.body.replaceChildren(video);
    return video;
  };

  /** Resolves with the stages when the first frame is shown; `frames` is how many had been shown before. */
  const shown = (video, timeoutMs) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no picture within ${timeoutMs} ms: ${JSON.stringify(marks)}`)), timeoutMs);
      video.addEventListener("loadeddata", () => mark("first_decoded"));
      video.requestVideoFrameCallback(() => {
        clearTimeout(timer);
        mark("first_shown");
        resolve({ ...marks });
      });
    });

  const tap = () => {
    marks = {};
    tapAt = performance.now();
  };

  const withoutTickets = () => {
    const fetch = globalThis.fetch;
    globalThis.fetch = (resource, ...rest) => (String(resource).includes("/tickets/") ? Promise.reject(new Error("none")) : fetch(resource, ...rest));
  };

  const settled = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

  /** A client whose main picture is in `video` whenever its streams change. */
  const client = async ({ session, token }, video) => {
    const { LiveClient } = await import("/embed/livetrial-client.js");
    const live = new LiveClient({ session, token, storageKey: `bench:${Math.random()}` });
    live.on("receive", () => {
      const stream = live.streams.get("main");
      if (stream && video.srcObject !== stream) video.srcObject = stream;
    });
    return live;
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
      return stages;
    },

    async ordinary(target, timeoutMs, settleMs) {
      withoutTickets();
      return joins.prepared(target, timeoutMs, settleMs);
    },

    async ticket(target, timeoutMs, settleMs) {
      const answer = await fetch(`/api/v1/tickets/${target.session}`);
      if (!answer.ok) return { lacking: "the server gives no tickets" };
      return joins.prepared(target, timeoutMs, settleMs);
    },

    async prepared(target, timeoutMs, settleMs) {
      const video = player();
      const live = await client(target, video);
      // Where the client can, it has socket and offer ready before the tap, as the page does while it waits for its visitor.
      // A client without tickets has a `prepare` that means something else.
      const prepares = live.tickets !== undefined && typeof live.prepare === "function";
      if (prepares) live.prepare();
      await settled(settleMs);
      tap();
      const picture = shown(video, timeoutMs);
      live.connect();
      const stages = await picture;
      live.close();
      return { ...stages, prepared: prepares };
    },

    async warm(target, timeoutMs, settleMs) {
      const video = player();
      const live = await client(target, video);
      if (typeof live.switchTo !== "function") return { lacking: "the client has no switchTo" };
      live.connect();
      await shown(video, timeoutMs);
      await settled(settleMs);
      tap();
      // The frames of the first session still come while the switch is under way: they differ in size or are told apart by their stream.
      const before = video.srcObject;
      live.switchTo(target.other.session, target.other);
      if (video.srcObject === before) await new Promise((resolve) => live.on("switched", resolve));
      const stages = await shown(video, timeoutMs);
      live.close();
      return stages;
    },
  };

  globalThis.joinOnce = (mode, target, timeoutMs, settleMs) => joins[mode](target, timeoutMs, settleMs);
})();

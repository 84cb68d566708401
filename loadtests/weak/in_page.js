/**
 * Runs in the member's page before anything else: sends its media over the link's listener, and notes what its statistics say.
 * `weakWay` stands before this text: { told, used }, media addresses "ip:port".
 */
(() => {
  const EVERY_MS = 100;
  const samples = [];
  const connections = [];
  const [toldIp, toldPort] = weakWay.told.split(":");
  const [usedIp, usedPort] = weakWay.used.split(":");

  globalThis.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(...parameters) {
      super(...parameters);
      connections.push(this);
    }
    setRemoteDescription(description) {
      const sdp = description.sdp?.replaceAll(` ${toldIp} ${toldPort} typ host`, ` ${usedIp} ${usedPort} typ host`);
      return super.setRemoteDescription({ type: description.type, sdp });
    }
  };

  const VIDEO = [
    "framesDecoded", "framesDropped", "freezeCount", "totalFreezesDuration", "frameWidth", "frameHeight", "bytesReceived",
    "packetsReceived", "packetsLost", "nackCount", "pliCount", "keyFramesDecoded", "jitterBufferDelay", "jitterBufferEmittedCount",
    "pauseCount", "totalPausesDuration", "retransmittedPacketsReceived", "fecPacketsReceived",
  ];
  const AUDIO = [
    "totalSamplesReceived", "concealedSamples", "silentConcealedSamples", "concealmentEvents", "jitterBufferDelay",
    "jitterBufferEmittedCount", "packetsReceived", "packetsLost", "fecPacketsReceived", "insertedSamplesForDeceleration",
    "removedSamplesForAcceleration",
  ];

  /** The stream that has brought the most: the host's; the others are of places that nobody has. */
  const busiest = (stats, kind) =>
    [...stats.values()]
      .filter((entry) => entry.type === "inbound-rtp" && entry.kind === kind)
      .reduce((most, entry) => ((entry.packetsReceived ?? 0) > (most?.packetsReceived ?? 0) ? entry : most), null);

  const some = (entry, names) => entry && Object.fromEntries(names.map((name) => [name, entry[name] ?? null]));

  const sample = async () => {
    const connection = connections.findLast((one) => one.connectionState !== "closed");
    if (!connection) return;
    const stats = await connection.getStats();
    const status = document.querySelector('[data-testid="status"]');
    samples.push({
      t: performance.timeOrigin + performance.now(),
      connection: connections.indexOf(connection),
      state: connection.connectionState,
      status: status ? [status.dataset.state ?? "", status.textContent.trim()] : null,
      video: some(busiest(stats, "video"), VIDEO),
      audio: some(busiest(stats, "audio"), AUDIO),
    });
  };

  let busy = false;
  setInterval(async () => {
    if (busy) return;
    busy = true;
    try {
      await sample();
    } finally {
      busy = false;
    }
  }, EVERY_MS);

  /** When pictures were shown, unix ms. */
  const shown = [];
  const watched = new WeakSet();
  const watch = (video) => {
    watched.add(video);
    const look = (now) => {
      shown.push(performance.timeOrigin + now);
      video.requestVideoFrameCallback(look);
    };
    video.requestVideoFrameCallback(look);
  };
  setInterval(() => {
    const video = document.querySelector('[data-testid="main-video"]');
    if (video?.requestVideoFrameCallback && !watched.has(video)) watch(video);
  }, EVERY_MS);

  globalThis.weakSamples = () => ({ samples, shown });
})();

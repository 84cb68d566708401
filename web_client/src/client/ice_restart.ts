/**
 * Another ICE session for a connection that stays (RFC 9429 section 4.1.7): one exchange at a time. Media go on over the
 * old path until the new one is checked, so that a restart which was not needed costs nothing.
 */

/** Takes the offer to the server and brings its answer; null where there is none. */
export type Exchange = (offer: string) => Promise<string | null>;

export class IceRestart {
  private running = false;
  private again = false;

  constructor(private readonly connection: RTCPeerConnection) {}

  /**
   * Restarts with these servers, and with those known where there are none. What is asked for while one is on its way is done
   * once more after it. True when the server took the last one.
   */
  async run(iceServers: readonly RTCIceServer[], exchange: Exchange): Promise<boolean> {
    this.again = true;
    if (this.running) return true;
    this.running = true;
    let taken = true;
    try {
      while (this.again && taken) {
        this.again = false;
        taken = await this.once(iceServers, exchange);
      }
    } finally {
      this.running = false;
    }
    return taken;
  }

  private async once(iceServers: readonly RTCIceServer[], exchange: Exchange): Promise<boolean> {
    const { connection } = this;
    // Relays are gathered from here on; the first offer does without, because nearly nobody needs one.
    if (iceServers.length > 0) {
      connection.setConfiguration({ ...connection.getConfiguration(), iceServers: [...iceServers] });
    }
    const offer = await connection.createOffer({ iceRestart: true });
    await connection.setLocalDescription(offer);
    const answer = await exchange(offer.sdp ?? "");
    if (answer !== null) await connection.setRemoteDescription({ type: "answer", sdp: answer });
    return answer !== null;
  }
}

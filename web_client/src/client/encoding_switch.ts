/** Turns encodings of a simulcast on and off. */

/** The part of an RTCRtpSender that is needed. */
export type EncodingSender = Pick<RTCRtpSender, "getParameters" | "setParameters">;

export class EncodingSwitch {
  private wanted: readonly string[] | null = null;
  private applying = false;

  constructor(private readonly sender: EncodingSender) {}

  /**
   * Sends the encodings with these rids and no others. A browser takes one `setParameters` at a time, so the last word
   * that came while one was under way is carried out after it.
   */
  send(rids: readonly string[]): void {
    this.wanted = rids;
    if (!this.applying) void this.apply();
  }

  private async apply(): Promise<void> {
    this.applying = true;
    while (this.wanted !== null) {
      const rids = this.wanted;
      this.wanted = null;
      try {
        const parameters = this.sender.getParameters();
        for (const encoding of parameters.encodings) encoding.active = rids.includes(encoding.rid ?? "");
        await this.sender.setParameters(parameters);
      } catch (error) {
        // What is sent for nobody costs bandwidth; the session goes on.
        console.warn("livetrial: the encodings cannot be changed", error);
      }
    }
    this.applying = false;
  }
}

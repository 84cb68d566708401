/** How long a join took, from the tap to each stage (PROTOCOL.md, "Report"). Told once, when the first picture is shown. */

import type { JoinReport, JoinStages } from "./protocol";

export class JoinClock {
  private stages: JoinStages = {};
  private path: JoinReport["path"] = "ordinary";
  private startedAt: number | null = null;
  /** Null where the join follows no connection of its own: a switch goes over the one that is there. */
  private stopListening: (() => void) | null = null;

  /** `done` gets the report, once for each tap. Times are those of `performance.now()`. */
  constructor(private readonly done: (report: JoinReport) => void) {}

  /** The report as far as it has come. */
  get report(): JoinReport {
    return { type: "join_report", path: this.path, stages: { ...this.stages } };
  }

  start(path: JoinReport["path"], now: number): void {
    this.stopListening?.();
    this.stopListening = null;
    this.stages = {};
    this.path = path;
    this.startedAt = now;
  }

  /** By a ticket and not by the ordinary way, or the other way round. */
  goes(path: JoinReport["path"]): void {
    this.path = path;
  }

  /** A stage is reached, for the first time since the tap. What was done before it took no time. */
  mark(stage: keyof JoinStages, at: number): void {
    if (this.startedAt === null || this.stages[stage] !== undefined) return;
    this.stages[stage] = Math.max(0, Math.round((at - this.startedAt) * 10) / 10);
    if (stage !== "first_shown") return;
    this.startedAt = null;
    this.stopListening?.();
    this.done(this.report);
  }

  private noLater(stage: keyof JoinStages, at: number): void {
    const marked = this.stages[stage];
    if (this.startedAt === null || (marked != null && marked <= at - this.startedAt)) return;
    delete this.stages[stage];
    this.mark(stage, at);
  }

  /** Watches a connection for ICE, DTLS and the first packet of its picture. */
  follow(connection: RTCPeerConnection): void {
    this.stopListening?.();
    const look = (): void => {
      const now = performance.now();
      if (["connected", "completed"].includes(connection.iceConnectionState)) this.mark("ice", now);
      if (connection.connectionState === "connected") this.mark("dtls", now);
    };
    const video = connection.getTransceivers()[0]?.receiver.track;
    const packet = (): void => this.mark("first_packet", performance.now());
    connection.addEventListener("iceconnectionstatechange", look);
    connection.addEventListener("connectionstatechange", look);
    video?.addEventListener("unmute", packet);
    this.stopListening = () => {
      connection.removeEventListener("iceconnectionstatechange", look);
      connection.removeEventListener("connectionstatechange", look);
      video?.removeEventListener("unmute", packet);
    };
  }

  /** The element that shows the picture: its first frame from now on ends the join. */
  shows(element: HTMLVideoElement): void {
    if (this.startedAt === null || !("requestVideoFrameCallback" in element)) return;
    element.requestVideoFrameCallback((_, { presentationTime, expectedDisplayTime, receiveTime }) => {
      // Events of a busy page come late; what its picture was made of had come by then.
      const stages = this.stopListening ? (["ice", "dtls", "first_packet"] as const) : (["first_packet"] as const);
      for (const stage of stages) this.noLater(stage, receiveTime ?? presentationTime);
      this.mark("first_decoded", presentationTime);
      this.mark("first_shown", expectedDisplayTime);
    });
  }
}

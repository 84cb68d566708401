/**
 * The publishing side: microphone and camera on a connection of its own. It outlives the WebSocket as long as ICE is
 * fine, changes devices without a new offer, and publishes again when server or network lost it.
 */

import { cameraEncodings } from "./encodings";
import { negotiateDependencyDescriptor } from "./dependency_descriptor";
import { EncodingSwitch } from "./encoding_switch";
import type { Exchange } from "./ice_restart";
import { Peer } from "./peer";
import type { Encodings, Slot } from "./protocol";
import type { RequestFailure, ServerRequest, RequestResult } from "./requests";
import { Retry } from "./retry";
import { isShown } from "./slots";

/** Enough for speech and a product's sound in Opus mono. */
export const VOICE_MAX_BITRATE = 48_000;

export type PublishState =
  | { readonly name: "off" }
  | { readonly name: "connecting" }
  /** `since`: when it first went live, in ms of `Date.now()`. */
  | { readonly name: "live"; readonly since: number }
  | { readonly name: "reconnecting"; readonly since: number | null }
  | { readonly name: "failed"; readonly code: string };

export interface PublishTracks {
  audio: MediaStreamTrack | null;
  video: MediaStreamTrack | null;
}

export interface PublishOptions {
  /**
   * Prefer redundant audio (RED, RFC 2198): each packet repeats the one before, so that what the uplink loses is heard all the
   * same, for twice the audio bitrate. Used where browser and server both take it. Default true.
   */
  redundantAudio?: boolean;
}

export interface PublisherHooks {
  request: (message: ServerRequest) => Promise<RequestResult>;
  onChange: () => void;
  /** The connection has no way to the server: call `restart`. */
  onWayLost: () => void;
}

/** The server may take it later; anything else is final. */
const WORTH_RETRYING = new Set(["busy", "rate_limited"]);

/** Reason of `media_closed`, and then code of the failed state: this person went live from another page. */
export const REPLACED = "replaced";

export class Publisher {
  private tracks: PublishTracks | null = null;
  private options: PublishOptions = {};
  private peer: Peer | null = null;
  private camera: EncodingSwitch | null = null;
  private publication: string | null = null;
  private liveSince: number | null = null;
  private failure: string | null = null;
  private activeRole = false;
  private unpublishOwed = false;
  private readonly retry = new Retry();

  constructor(private readonly hooks: PublisherHooks) {}

  get state(): PublishState {
    if (this.failure !== null) return { name: "failed", code: this.failure };
    if (this.tracks === null) return { name: "off" };
    if (this.peer?.health === "live" && this.liveSince !== null) return { name: "live", since: this.liveSince };
    if (this.liveSince === null) return { name: "connecting" };
    return { name: "reconnecting", since: this.liveSince };
  }

  get connection(): RTCPeerConnection | null {
    return this.peer?.connection ?? null;
  }

  /** Goes live with what there is; at least one track. */
  start(tracks: PublishTracks, options: PublishOptions = {}): Promise<void> {
    this.tracks = { ...tracks };
    this.options = { ...options };
    this.failure = this.liveSince = null;
    return this.negotiate();
  }

  /** Another device, or none: no new offer unless this kind was not part of the old one. */
  async replace(kind: "audio" | "video", track: MediaStreamTrack | null): Promise<void> {
    if (this.tracks === null) return;
    this.tracks[kind] = track;
    const transceiver = this.peer?.connection.getTransceivers().find((t) => t.receiver.track.kind === kind);
    if (transceiver !== undefined) await transceiver.sender.replaceTrack(track);
    else if (track !== null) await this.negotiate();
  }

  async stop(): Promise<void> {
    if (this.tracks === null && this.failure === null) return;
    this.drop();
    this.tracks = this.liveSince = this.failure = null;
    this.hooks.onChange();
    await this.unpublish();
  }

  /** After a join: is what we send still known to the server? */
  rejoined(slots: readonly Slot[]): void {
    if (this.tracks === null) {
      if (this.unpublishOwed) void this.unpublish();
      return;
    }
    const known = this.publication !== null && isShown(slots, this.publication);
    if (this.failure !== null) return;
    if (!known || this.peer?.health === "dead") void this.negotiate();
    else if (this.peer?.doubted) this.hooks.onWayLost();
  }

  /** Begins ICE anew; without a connection that the server has answered there is nothing to do. */
  async restart(iceServers: readonly RTCIceServer[], exchange: Exchange): Promise<void> {
    if (this.publication !== null) await this.peer?.restart(iceServers, exchange);
  }

  /** The server says which encodings somebody watches; a word about an earlier publication is too late. */
  watched({ publication, kind, active }: Encodings): void {
    if (publication === this.publication && kind === "camera") this.camera?.send(active);
  }

  /**
   * The server says that the publication is over. What comes before `published` is about the one before; and who was
   * replaced by another page of the same person does not take the place back, or the two would take turns for ever.
   */
  ended(reason: string): void {
    if (this.publication === null) return;
    if (reason !== REPLACED) return this.peer?.ended();
    this.drop();
    this.failure = REPLACED;
    this.hooks.onChange();
  }

  /** The page leaves: nothing is said to the server, which sees DTLS close. */
  close(): void {
    this.drop();
    this.tracks = null;
  }

  private async negotiate(): Promise<void> {
    if (this.tracks === null) return;
    this.drop();
    const peer: Peer = new Peer({ onHealth: () => this.onHealth(peer), onWayLost: () => this.onWayLost(peer) }, this.activeRole);
    this.peer = peer;
    this.hooks.onChange();
    this.camera = addSections(peer.connection, this.tracks, this.options);
    const offer = await peer.offer();
    if (this.peer !== peer) return;
    const result = await this.hooks.request({ type: "publish", offer });
    if (this.peer !== peer) return;
    if (!result.ok) this.refused(result.failure);
    else if (result.reply.type === "published") await this.accept(peer, result.reply.publication, result.reply.answer);
  }

  private async accept(peer: Peer, publication: string, answer: string): Promise<void> {
    this.publication = publication;
    try {
      await peer.answer(answer);
    } catch (error) {
      console.warn("livetrial: the answer cannot be used", error);
      peer.ended();
    }
  }

  private refused({ code, retryAfterMs }: RequestFailure): void {
    this.drop();
    if (WORTH_RETRYING.has(code)) this.retry.schedule(() => void this.negotiate(), retryAfterMs ?? 0);
    else if (code !== "disconnected") this.failure = code; // after `disconnected` the next join decides
    this.hooks.onChange();
  }

  private onWayLost(peer: Peer): void {
    if (peer === this.peer) this.hooks.onWayLost();
  }

  private onHealth(peer: Peer): void {
    if (peer !== this.peer) return;
    if (peer.health === "live") {
      this.liveSince ??= Date.now();
      this.retry.succeeded();
    } else if (peer.health === "dead") {
      if (peer.dtlsFailed) this.activeRole = true;
      this.publication = null;
      this.retry.schedule(() => void this.negotiate());
    }
    this.hooks.onChange();
  }

  private drop(): void {
    this.retry.cancel();
    this.peer?.close();
    this.peer = this.camera = null;
    this.publication = null;
  }

  private async unpublish(): Promise<void> {
    this.unpublishOwed = true;
    const result = await this.hooks.request({ type: "unpublish" });
    if (result.ok || result.failure.code !== "disconnected") this.unpublishOwed = false;
  }
}

/** Returns the switch of the camera's encodings, where there is a camera. */
function addSections(connection: RTCPeerConnection, { audio, video }: PublishTracks, options: PublishOptions): EncodingSwitch | null {
  const stream = new MediaStream([audio, video].filter((track) => track !== null));
  if (audio !== null) {
    const encoding: RTCRtpEncodingParameters = { maxBitrate: VOICE_MAX_BITRATE, priority: "high" };
    const transceiver = connection.addTransceiver(audio, { direction: "sendonly", streams: [stream], sendEncodings: [encoding] });
    if (options.redundantAudio ?? true) prefer(transceiver, "audio/red");
  }
  if (video === null) return null;
  const sendEncodings = cameraEncodings(video.getSettings());
  const init: RTCRtpTransceiverInit = { direction: "sendonly", streams: [stream], sendEncodings };
  const transceiver = connection.addTransceiver(video, init);
  // What every browser encodes in simulcast and every server here can switch.
  prefer(transceiver, "video/vp8");
  negotiateDependencyDescriptor(transceiver);
  return new EncodingSwitch(transceiver.sender);
}

/** Put a codec first, if the browser has it. The others stay as second choice. */
function prefer(transceiver: RTCRtpTransceiver, mimeType: string): void {
  const codecs = RTCRtpReceiver.getCapabilities(mimeType.split("/")[0] ?? "")?.codecs ?? [];
  const isFirst = (codec: RTCRtpCodec): boolean => codec.mimeType.toLowerCase() === mimeType;
  if (codecs.some(isFirst)) transceiver.setCodecPreferences?.([...codecs.filter(isFirst), ...codecs.filter((codec) => !isFirst(codec))]);
}

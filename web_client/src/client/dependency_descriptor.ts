/**
 * The dependency descriptor (AV1 RTP payload format, appendix A): by it the server leaves out layers of any codec, H.264
 * too, without reading the payload. Browsers that know it negotiate it only when asked to.
 */

const URI = "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension";

interface HeaderExtension {
  uri: string;
  direction: RTCRtpTransceiverDirection;
}

/** Of the WebRTC extensions draft; Chromium has it, others do not. */
type WithHeaderExtensions = RTCRtpTransceiver & {
  getHeaderExtensionsToNegotiate?: () => HeaderExtension[];
  setHeaderExtensionsToNegotiate?: (extensions: HeaderExtension[]) => void;
};

/** Negotiates the descriptor where the browser knows it; elsewhere nothing changes. Call before the offer is made. */
export function negotiateDependencyDescriptor(transceiver: RTCRtpTransceiver): void {
  const extended = transceiver as WithHeaderExtensions;
  const extensions = extended.getHeaderExtensionsToNegotiate?.();
  const descriptor = extensions?.find(({ uri }) => uri === URI);
  if (extensions === undefined || descriptor === undefined || descriptor.direction !== "stopped") return;
  descriptor.direction = "sendrecv";
  extended.setHeaderExtensionsToNegotiate?.(extensions);
}

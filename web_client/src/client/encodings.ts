/** Which simulcast encodings a camera gets. */

const FULL_PIXELS = 1280 * 720;
const LEAST_BITRATE = 120_000;

/** All encodings, lowest first: a quarter, half and full size. The rates suit 720p at 30 frames a second in VP8. */
export const CAMERA_ENCODINGS: readonly RTCRtpEncodingParameters[] = [
  { rid: "q", scaleResolutionDownBy: 4, maxBitrate: 150_000 },
  { rid: "h", scaleResolutionDownBy: 2, maxBitrate: 500_000 },
  { rid: "f", scaleResolutionDownBy: 1, maxBitrate: 1_700_000 },
];

/**
 * The encodings for a picture of this size, lowest first.
 *
 * Browsers send fewer encodings than asked for when the picture is small, and it is the *largest* that they leave out:
 * a 640×360 camera with three would reach members as 320×180. The bounds are libwebrtc's (`simulcast.cc`): three from
 * 960×540, two from 480×270. Without a known size all three are asked for.
 */
export function cameraEncodings(size: { width?: number | undefined; height?: number | undefined }): RTCRtpEncodingParameters[] {
  const pixels = (size.width ?? 0) * (size.height ?? 0) || FULL_PIXELS;
  const count = pixels >= 960 * 540 ? 3 : pixels >= 480 * 270 ? 2 : 1;
  const share = Math.min(1.5, pixels / FULL_PIXELS);
  return CAMERA_ENCODINGS.slice(-count).map((encoding) => ({
    ...encoding,
    // Small pictures need more bits a pixel, so the rate falls slower than the size.
    maxBitrate: Math.max(LEAST_BITRATE, Math.round((encoding.maxBitrate ?? 0) * Math.sqrt(share))),
  }));
}

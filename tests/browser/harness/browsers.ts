/** Debian's Chromium and Firefox, headless. */

import puppeteer, { type Browser } from "puppeteer-core";
import { MEDIA } from "./paths";

/** No renderer is begun beforehand for a next page: on two cores it takes from the page that is looked at. */
const CHROMIUM_FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-features=WebRtcHideLocalIpsWithMdns,SpareRendererForSitePerProcess",
  "--autoplay-policy=user-gesture-required",
  "--use-fake-ui-for-media-stream",
  "--use-fake-device-for-media-stream",
  `--use-file-for-fake-audio-capture=${MEDIA}/tone.wav`,
];

/** Chromium with a fake camera that plays numbered pictures of this height, and a tone as microphone. */
export function chromium(options: { cameraHeight?: 360 | 720 } = {}): Promise<Browser> {
  const camera = `--use-file-for-fake-video-capture=${MEDIA}/camera-${options.cameraHeight ?? 360}.mjpeg`;
  return puppeteer.launch({
    browser: "chrome",
    executablePath: "/usr/bin/chromium",
    headless: true,
    args: [...CHROMIUM_FLAGS, camera],
    protocolTimeout: 180_000,
  });
}

/** Firefox; `camera`: with fake devices of its own, for which it asks nobody. */
export function firefox(options: { camera?: boolean } = {}): Promise<Browser> {
  const devices = { "media.navigator.streams.fake": true, "media.navigator.permission.disabled": true };
  return puppeteer.launch({
    browser: "firefox",
    executablePath: "/usr/bin/firefox-esr",
    headless: true,
    protocolTimeout: 180_000,
    extraPrefsFirefox: {
      // A test machine may have no network but loopback.
      "media.peerconnection.ice.loopback": true,
      "media.peerconnection.ice.obfuscate_host_addresses": false,
      ...(options.camera ? devices : {}),
    },
  });
}

import { expect, it } from "vitest";
import { JoinClock } from "../src/client/join_clock";
import type { JoinReport } from "../src/client/protocol";

it("tells each stage once, from the tap, when the first picture is shown", () => {
  const told: JoinReport[] = [];
  const clock = new JoinClock((report) => told.push(report));
  clock.mark("joined", 5);
  clock.start("ordinary", 100);
  clock.goes("ticket");
  clock.mark("offer", 90);
  clock.mark("joined", 140.25);
  clock.mark("joined", 190);
  clock.mark("first_shown", 250);
  clock.mark("first_shown", 260);
  clock.mark("dtls", 270);
  expect(told).toEqual([{ type: "join_report", path: "ticket", stages: { offer: 0, joined: 40.3, first_shown: 150 } }]);
  clock.start("switch", 1000);
  expect(clock.report).toEqual({ type: "join_report", path: "switch", stages: {} });
});

it("holds no stage for later than what it led to, however late its event comes", () => {
  const frames: VideoFrameRequestCallback[] = [];
  const element = { requestVideoFrameCallback: (callback: VideoFrameRequestCallback) => frames.push(callback) };
  const told: JoinReport[] = [];
  const clock = new JoinClock((report) => told.push(report));
  for (const [unmutedAt, receiveTime, expected] of [
    [1190, 1140, 40],
    [1120, 1140, 20],
    [null, undefined, 150],
  ] as const) {
    clock.start("ticket", 1100);
    clock.shows(element as unknown as HTMLVideoElement);
    if (unmutedAt !== null) clock.mark("first_packet", unmutedAt);
    frames.pop()?.(1290, { presentationTime: 1250, expectedDisplayTime: 1280, ...(receiveTime && { receiveTime }) } as VideoFrameCallbackMetadata);
    expect(told.pop()?.stages).toEqual({ first_packet: expected, first_decoded: 150, first_shown: 180 });
  }
});

it("tells of ICE and DTLS where the join made a connection, and not where it went over an earlier one", () => {
  let shown: VideoFrameRequestCallback | undefined;
  const element = { requestVideoFrameCallback: (callback: VideoFrameRequestCallback) => (shown = callback) };
  const connection = { addEventListener: () => {}, removeEventListener: () => {}, getTransceivers: () => [] };
  const told: JoinReport[] = [];
  const clock = new JoinClock((report) => told.push(report));
  const show = (): JoinReport["stages"] | undefined => {
    clock.shows(element as unknown as HTMLVideoElement);
    shown?.(1290, { receiveTime: 1140, presentationTime: 1250, expectedDisplayTime: 1280 } as VideoFrameCallbackMetadata);
    return told.pop()?.stages;
  };
  clock.start("ticket", 1100);
  clock.follow(connection as unknown as RTCPeerConnection);
  clock.mark("dtls", 1295);
  expect(show()).toEqual({ ice: 40, dtls: 40, first_packet: 40, first_decoded: 150, first_shown: 180 });
  clock.start("switch", 1100);
  expect(show()).toEqual({ first_packet: 40, first_decoded: 150, first_shown: 180 });
});

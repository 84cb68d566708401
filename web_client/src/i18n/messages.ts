/** Every string that a person sees. A language that lacks one does not compile. */

import type { JoinReport, JoinStages } from "../client/protocol";
import type { ClosedReason, ERROR_CODES } from "../client";
import type { Why } from "../ui/member_phase";
import type { TalkMessages } from "./talk_en";
import type { VerifyMessages } from "./verify_en";

export type Lang = "zh" | "en";

/** Codes of the protocol, and those that the client adds. */
export type ErrorText = (typeof ERROR_CODES)[number] | "left" | "replaced" | "unknown";

export interface Messages {
  /** The other language, in that language, as the label of the switch. */
  readonly switchTo: string;
  readonly languageName: string;
  readonly watching: (count: number, formatted: string) => string;
  readonly votes: (count: number, formatted: string) => string;
  readonly seconds: (formatted: string) => string;
  readonly anonymous: string;
  /** Behind a title that help follows. */
  readonly fullStop: string;

  readonly status: {
    readonly connecting: string;
    readonly live: string;
    readonly catchingUp: string;
    readonly lessSharp: string;
    readonly soundOnly: string;
    readonly waiting: string;
    readonly reconnecting: string;
    readonly closed: string;
    readonly connected: string;
  };
  readonly closed: Record<ClosedReason, { readonly title: string; readonly help: string }>;
  readonly errors: Record<ErrorText, string>;
  readonly retryIn: (seconds: string) => string;

  readonly picture: {
    readonly label: string;
    readonly connecting: string;
    readonly connectingHelp: string;
    /** In the queue of those who join; 1 is the next. */
    readonly queued: (place: number) => string;
    readonly waiting: string;
    readonly waitingHelp: string;
    readonly opening: string;
    readonly openingHelp: string;
    readonly voiceOnly: string;
    readonly paused: string;
    readonly pausedHelp: string;
    /** Why the picture is not all that it could be, and what helps, below the status. */
    readonly why: Readonly<Record<Why, string>>;
    readonly reconnecting: string;
    readonly reconnectingHelp: string;
    readonly hostAway: string;
    readonly hostAwayHelp: string;
    readonly ended: string;
    readonly endedHelp: string;
    readonly tapForSound: string;
    readonly mute: string;
    readonly unmute: string;
    readonly fullscreen: string;
  };

  readonly questions: {
    readonly heading: string;
    readonly none: string;
    readonly noneForHost: string;
    readonly answered: string;
    readonly nowAnswering: string;
    readonly nothingNow: string;
    readonly vote: (text: string) => string;
    readonly unvote: (text: string) => string;
    readonly showAll: (formatted: string) => string;
    readonly by: (name: string) => string;
    readonly answerNow: string;
    readonly markAnswered: string;
    readonly putBack: string;
  };

  readonly ask: {
    readonly label: string;
    readonly placeholder: string;
    readonly send: string;
    readonly sending: string;
    readonly waitingForNetwork: string;
    readonly sent: string;
    readonly counter: (used: string, limit: string) => string;
    readonly tooLong: (over: string) => string;
  };

  readonly host: {
    readonly title: string;
    readonly setup: string;
    readonly camera: string;
    readonly microphone: string;
    readonly noCamera: string;
    readonly noMicrophone: string;
    readonly cameraNumber: (n: string) => string;
    readonly microphoneNumber: (n: string) => string;
    readonly preview: string;
    readonly asking: string;
    readonly askingHelp: string;
    readonly level: string;
    readonly levelHelp: string;
    readonly levelSilent: string;
    readonly goLive: string;
    readonly goLiveVoice: string;
    readonly stop: string;
    readonly muteMicrophone: string;
    readonly unmuteMicrophone: string;
    readonly hideCamera: string;
    readonly showCamera: string;
    readonly microphoneMuted: string;
    readonly noMicrophoneLive: string;
    readonly cameraHidden: string;
    readonly tryAgain: string;
    readonly trouble: Record<DeviceTrouble, { readonly title: string; readonly help: string }>;
    readonly uplink: {
      readonly off: string;
      readonly offHelp: string;
      readonly connecting: string;
      readonly connectingHelp: string;
      readonly live: string;
      readonly liveHelp: string;
      readonly reconnecting: string;
      readonly reconnectingHelp: string;
      readonly failed: string;
      readonly signalLost: string;
      readonly signalLostHelp: string;
      readonly weak: string;
      readonly weakHelp: string;
      readonly lossy: string;
      readonly lossyHelp: string;
      readonly busy: string;
      readonly busyHelp: string;
    };
    readonly liveFor: string;
    readonly checks: string;
    readonly checkServer: string;
    readonly checkCamera: string;
    readonly checkMicrophone: string;
    readonly memberLink: string;
    readonly memberLinkHelp: string;
    readonly copy: string;
    readonly copied: string;
    readonly openMemberPage: string;
    readonly notHost: string;
    readonly notHostHelp: string;
    readonly technical: string;
    readonly encoding: string;
    readonly size: string;
    readonly rate: string;
    readonly frames: string;
    readonly roundTrip: string;
    readonly loss: string;
    readonly sound: string;
    readonly nothingSent: string;
  };

  /** How the picture came to this member. */
  readonly joining: {
    readonly heading: string;
    readonly notYet: string;
    readonly way: string;
    readonly ways: Record<JoinReport["path"], string>;
    readonly stage: string;
    readonly since: string;
    readonly tap: string;
    readonly stages: Record<keyof JoinStages, string>;
    readonly roundTrip: string;
    readonly size: string;
    readonly lost: string;
  };

  /** Everything that people say and choose. */
  readonly talk: TalkMessages;
  readonly verify: VerifyMessages;

  readonly home: {
    readonly tagline: string;
    readonly lead: string;
    readonly demo: string;
    readonly demoHelp: string;
    readonly points: readonly { readonly title: string; readonly text: string }[];
    readonly haveLink: string;
  };
}

/** Why camera or microphone cannot be used. */
export type DeviceTrouble = "insecure" | "denied" | "none" | "busy" | "unplugged";

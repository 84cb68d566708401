// Made by `python -m signaling.typescript` of `signaling/messages.py`; do not edit.

export type Role = "host" | "moderator" | "member";
export type SourceKind = "camera" | "screen" | "microphone";
export type JoinPath = "ticket" | "ordinary" | "switch";
export type ConnectionKind = "receive" | "publish";
export type QuestionState = "received" | "queued" | "answering" | "answered" | "declined" | "withdrawn" | "merged";
export type Order = "popular" | "newest" | "rising" | "fair";
export type Links = "all" | "staff";
export type PollKind = "single" | "multiple" | "rating" | "ranking" | "words" | "open" | "quiz";
export type PollState = "draft" | "open" | "closed";
export type Results = "live" | "voted" | "closed" | "staff";
export type HandState = "raised" | "invited" | "stage";
export type Reaction = "heart" | "clap" | "laugh" | "wow" | "like" | "fire";
export type AnnouncementState = "scheduled" | "shown" | "withdrawn";
export type DrawState = "open" | "closed" | "drawn" | "cancelled";
export type Deletable = "question" | "reply" | "chat" | "announcement" | "poll" | "product" | "trial";

/** A question, with no votes; `anonymous`: nobody else ever learns who asked. */
export interface Ask {
  type: "ask";
  cmd: string;
  text: string;
  anonymous?: boolean;
  product?: string | null;
  day?: number | null;
}

/** Change one's own question, until it is picked up. */
export interface Edit {
  type: "edit";
  cmd: string;
  question: string;
  text: string;
}

/** Take one's own question back, until it is picked up. */
export interface Withdraw {
  type: "withdraw";
  cmd: string;
  question: string;
}

/** One vote of this person. */
export interface Vote {
  type: "vote";
  cmd: string;
  question: string;
}

/** Take the vote back. */
export interface Unvote {
  type: "unvote";
  cmd: string;
  question: string;
}

/** Let a received or declined question into the queue. */
export interface Approve {
  type: "approve";
  cmd: string;
  question: string;
}

/** Do not answer a question, and tell its author why. */
export interface Decline {
  type: "decline";
  cmd: string;
  question: string;
  reason: string;
}

/** Replace the labels of a question. */
export interface SetLabels {
  type: "set_labels";
  cmd: string;
  question: string;
  labels: string[];
}

/** Override the order: 1 is first; null ends it. Everybody sees that a moderator did. */
export interface SetPlace {
  type: "set_place";
  cmd: string;
  question: string;
  place: number | null;
}

/** Answer in text. */
export interface WriteReply {
  type: "write_reply";
  cmd: string;
  question: string;
  text: string;
}

/** `question` is a duplicate of `into`, which gets its votes, each person's once. */
export interface Merge {
  type: "merge";
  cmd: string;
  question: string;
  into: string;
}

/** Undo a merge; `into` loses the votes that it had from it. */
export interface Unmerge {
  type: "unmerge";
  cmd: string;
  question: string;
}

/** Move the pointer to a question, or away from all. `quick_s`: give it a slot of so many seconds. */
export interface Answering {
  type: "answering";
  cmd: string;
  question: string | null;
  quick_s?: number | null;
}

/** Mark a question as answered. */
export interface Answered {
  type: "answered";
  cmd: string;
  question: string;
}

/** Say which question comes next; null: none. */
export interface NextUp {
  type: "next_up";
  cmd: string;
  question: string | null;
}

/** Correct the in and out marks of an answer; `media_in` and `media_out` move by as much. */
export interface Mark {
  type: "mark";
  cmd: string;
  question: string;
  answer_in: number;
  answer_out: number;
}

/** Change settings; those left out stay. */
export interface Configure {
  type: "configure";
  cmd: string;
  premoderation?: boolean | null;
  asking?: boolean | null;
  anonymous?: boolean | null;
  order?: "fair" | "newest" | "popular" | "rising" | null;
  chat?: boolean | null;
  slow_mode_s?: number | null;
  links?: "all" | "staff" | null;
  max_stage?: number | null;
  ask_every_s?: number | null;
}

/** Let a person only read and vote. The person is named, or the author of `of`, which may be anonymous. `for_s`: null for good. */
export interface Mute {
  type: "mute";
  cmd: string;
  person?: string | null;
  of?: string | null;
  for_s: number | null;
}

/** End it. */
export interface Unmute {
  type: "unmute";
  cmd: string;
  person?: string | null;
  of?: string | null;
}

/** Send a person away, with the devices that it came with. */
export interface Ban {
  type: "ban";
  cmd: string;
  person?: string | null;
  of?: string | null;
}

/** Let it come back. */
export interface Unban {
  type: "unban";
  cmd: string;
  person?: string | null;
  of?: string | null;
}

/** Make a member a moderator, or the other way; null: what the token says. */
export interface SetRole {
  type: "set_role";
  cmd: string;
  person: string;
  role: "host" | "member" | "moderator" | null;
}

/** Block a word, or the host of links. */
export interface BlockAdd {
  type: "block_add";
  cmd: string;
  text: string;
  link?: boolean;
}

/** Allow it again. */
export interface BlockRemove {
  type: "block_remove";
  cmd: string;
  block: string;
}

/** Hide what somebody wrote; can be undone. */
export interface Delete {
  type: "delete";
  cmd: string;
  kind: "announcement" | "chat" | "poll" | "product" | "question" | "reply" | "trial";
  id: string;
}

/** Show it again. */
export interface Undelete {
  type: "undelete";
  cmd: string;
  kind: "announcement" | "chat" | "poll" | "product" | "question" | "reply" | "trial";
  id: string;
}

/** A poll, as a draft. `options`: 2 to 20 for single, multiple, ranking, quiz; else none. `correct`: index, for a quiz. */
export interface PollMake {
  type: "poll_make";
  cmd: string;
  kind: "multiple" | "open" | "quiz" | "ranking" | "rating" | "single" | "words";
  text: string;
  options?: string[];
  max_choices?: number;
  stars?: number;
  results?: "closed" | "live" | "staff" | "voted";
  correct?: number | null;
}

/** Take votes. `for_s`: until a deadline, null without one. */
export interface PollOpen {
  type: "poll_open";
  cmd: string;
  poll: string;
  for_s?: number | null;
}

/** Take no more. */
export interface PollClose {
  type: "poll_close";
  cmd: string;
  poll: string;
}

/** One ballot of this person, replacing an earlier one: option ids, stars, the ranking best first, words, or a text. */
export interface PollVote {
  type: "poll_vote";
  cmd: string;
  poll: string;
  ballot: string[];
}

/** Something for "next trial"; `poll`: the closed poll that it comes from, whose first is taken where `text` is left out. */
export interface TrialAdd {
  type: "trial_add";
  cmd: string;
  text?: string | null;
  poll?: string | null;
}

/** Ask to come on stage. `voice_only`: without a camera. */
export interface HandRaise {
  type: "hand_raise";
  cmd: string;
  voice_only?: boolean;
}

/** Do not ask any more, or do not accept; `person`: somebody else's hand, by staff. */
export interface HandLower {
  type: "hand_lower";
  cmd: string;
  person?: string | null;
}

/** Ask somebody to come, with or without a raised hand. */
export interface HandInvite {
  type: "hand_invite";
  cmd: string;
  person: string;
}

/** Accept an invitation; then `publish`. */
export interface StageEnter {
  type: "stage_enter";
  cmd: string;
  voice_only?: boolean;
}

/** Go back; `person`: remove somebody, by staff. */
export interface StageLeave {
  type: "stage_leave";
  cmd: string;
  person?: string | null;
}

/** Turn one's own microphone off or on; `person`: somebody's off, by staff. */
export interface StageMute {
  type: "stage_mute";
  cmd: string;
  person?: string | null;
  muted: boolean;
}

/** A line of chat. */
export interface Say {
  type: "say";
  cmd: string;
  text: string;
}

/** An announcement; `at`: not before, null for now. */
export interface Announce {
  type: "announce";
  cmd: string;
  text: string;
  pinned?: boolean;
  at?: number | null;
}

/** Pin it, or not. */
export interface AnnouncementPin {
  type: "announcement_pin";
  cmd: string;
  announcement: string;
  pinned: boolean;
}

/** Take it back, whether it was shown or not. */
export interface AnnouncementWithdraw {
  type: "announcement_withdraw";
  cmd: string;
  announcement: string;
}

/** A product card. */
export interface ProductAdd {
  type: "product_add";
  cmd: string;
  title: string;
  picture?: string | null;
  link?: string | null;
  price?: string | null;
}

/** Show one card, instead of another; null: none. */
export interface ProductPin {
  type: "product_pin";
  cmd: string;
  product: string | null;
}

/** This person opened the link. */
export interface ProductClick {
  type: "product_click";
  cmd: string;
  product: string;
}

/** This person would like a sample. */
export interface ProductSample {
  type: "product_sample";
  cmd: string;
  product: string;
}

/** A draw of `prizes` winners; its commitment is public from now on. */
export interface DrawOpen {
  type: "draw_open";
  cmd: string;
  title: string;
  prizes?: number;
}

/** Take part, once. `nonce`: random, of the entrant; it goes into the result. */
export interface DrawEnter {
  type: "draw_enter";
  cmd: string;
  draw: string;
  nonce: string;
}

/** Take no more entries and draw. */
export interface DrawClose {
  type: "draw_close";
  cmd: string;
  draw: string;
}

/** End it without winners. */
export interface DrawCancel {
  type: "draw_cancel";
  cmd: string;
  draw: string;
}

/** Leave this session for another one, and take the receiving connection along. */
export interface Switch {
  type: "switch";
  session: string;
  token?: string | null;
  name?: string | null;
  last_event?: number | null;
}

/** Pictures are wanted, or sound alone. */
export interface Watch {
  type: "watch";
  pictures: boolean;
}

/** How long a join took; counted once for each. */
export interface JoinReport {
  type: "join_report";
  path: "ordinary" | "switch" | "ticket";
  stages: JoinStages;
}

/** Milliseconds from the tap to each stage; None where it was not reached or not seen. */
export interface JoinStages {
  offer?: number | null;
  answer?: number | null;
  joined?: number | null;
  ice?: number | null;
  dtls?: number | null;
  first_packet?: number | null;
  first_decoded?: number | null;
  first_shown?: number | null;
}

/** A new receiving connection, after the old one was lost. */
export interface Receive {
  type: "receive";
  offer: string;
}

/** Go live, or replace what is live. */
export interface Publish {
  type: "publish";
  offer: string;
}

/** Begin ICE anew on a connection that stays. */
export interface Restart {
  type: "restart";
  connection: "publish" | "receive";
  offer: string;
}

/** Stop being live. */
export interface Unpublish {
  type: "unpublish";
}

/** Measure the offset of one's clock; `t0` is that clock, in ms, and comes back. */
export interface GetTime {
  type: "time";
  t0: number;
}

/** Taps since the last such message; counted, not acknowledged. */
export interface React {
  type: "react";
  reaction: "clap" | "fire" | "heart" | "laugh" | "like" | "wow";
  count?: number;
}

/** Which questions may be the same as this one? Staff only. */
export interface GetDuplicates {
  type: "duplicates";
  question: string;
}

/** The acts of hosts and moderators before a position of the log, newest first. Staff only. */
export interface GetAudit {
  type: "audit";
  before?: number | null;
  limit?: number;
}

/** The first message of a socket: admission, and media in the same exchange. */
export interface Join {
  type: "join";
  v: number;
  session: string;
  token?: string | null;
  name?: string | null;
  device?: string | null;
  offer?: string | null;
  ticket?: string | null;
  last_event?: number | null;
}

/** A question is new or has changed; `mine`, true, is there for its author alone. */
export interface QuestionEvent {
  kind: "question";
  seq: number;
  at: number;
  act: string;
  by?: Person;
  question: Question;
  mine?: boolean;
}

/** Who wrote or did something. */
export interface Person {
  id: string;
  name: string;
}

/** A question. `author` is null for everybody where it was asked anonymously. `product`, `day`: what it is about, where the author said so. `place`: set by a moderator, who overrides the order. `first`: the author's first question. `reason`: why it was declined. `merged_into`: of which it is a duplicate. `answer_in`, `answer_out`: when its answer began and ended; null until then. `media_in`, `media_out`: the same by the clock of the host's media, in ms since 1970, as its sender reports tell it: cut the recording there. Null where nobody was live. */
export interface Question {
  id: string;
  text: string;
  author: Person | null;
  anonymous: boolean;
  product: string | null;
  day: number | null;
  labels: string[];
  state: "answered" | "answering" | "declined" | "merged" | "queued" | "received" | "withdrawn";
  reason: string | null;
  merged_into: string | null;
  place: number | null;
  first: boolean;
  votes: number;
  asked_at: number;
  edited_at: number | null;
  answer_in: number | null;
  answer_out: number | null;
  media_in: number | null;
  media_out: number | null;
  deleted: boolean;
}

/** The count changed; `mine` is there for the person whose vote it is alone. */
export interface VotedEvent {
  kind: "voted";
  seq: number;
  at: number;
  act: string;
  by?: Person;
  question: string;
  votes: number;
  mine?: boolean;
}

/** A duplicate was merged, or is one no more; `votes` are those of `into` after it. `mine` is there for those whose vote for `into` came or went with it: whether they vote for it now. */
export interface MergedEvent {
  kind: "merged";
  seq: number;
  at: number;
  act: string;
  by?: Person;
  question: Question;
  into: string;
  votes: number;
  mine?: boolean;
}

/** The pointer, its slot or what is next up changed. */
export interface NowEvent {
  kind: "now";
  seq: number;
  at: number;
  act: string;
  by?: Person;
  now: Now;
}

/** What is being answered. `since`: its in mark. `until`: end of its quick slot, null without one. `next`: next up. */
export interface Now {
  question: string | null;
  since: number | null;
  until: number | null;
  next: string | null;
}

/** The session is run differently. */
export interface SettingsEvent {
  kind: "settings";
  seq: number;
  at: number;
  act: string;
  by?: Person;
  settings: Settings;
}

/** How the session is run; see the command `configure`. */
export interface Settings {
  premoderation: boolean;
  asking: boolean;
  anonymous: boolean;
  order: "fair" | "newest" | "popular" | "rising";
  chat: boolean;
  slow_mode_s: number;
  links: "all" | "staff";
  max_stage: number;
  ask_every_s: number;
}

/** An answer in text. */
export interface ReplyEvent {
  kind: "reply";
  seq: number;
  at: number;
  act: string;
  by?: Person;
  reply: Reply;
}

/** An answer in text, by a host or a moderator. */
export interface Reply {
  id: string;
  question: string;
  author: Person;
  text: string;
  at: number;
  deleted: boolean;
}

/** A poll is new or has changed. */
export interface PollEvent {
  kind: "poll";
  seq: number;
  at: number;
  act: string;
  by?: Person;
  poll: Poll;
}

/** A poll. `deadline`: by the server's clock. `correct`: option of a quiz, null until it is closed, but for staff. `tally` is null where the reader may not see it (yet). */
export interface Poll {
  id: string;
  kind: "multiple" | "open" | "quiz" | "ranking" | "rating" | "single" | "words";
  text: string;
  options: Option[];
  max_choices: number;
  stars: number;
  results: "closed" | "live" | "staff" | "voted";
  state: "closed" | "draft" | "open";
  deadline: number | null;
  opened_at: number | null;
  correct: string | null;
  total: number;
  tally: Tally | null;
  deleted: boolean;
}

/** What one may choose. */
export interface Option {
  id: string;
  text: string;
}

/** The count of a poll: by option id, by stars, or by word or answer; points for a ranking. `total`: people. */
export interface Tally {
  total: number;
  counts: Record<string, number>;
}

/** Somebody voted. `counts`: those that changed, where the reader may see them; `mine` for the voter alone. */
export interface TallyEvent {
  kind: "tally";
  seq: number;
  at: number;
  act: string;
  by?: Person;
  poll: string;
  total: number;
  counts?: Record<string, number>;
  mine?: string[];
}

/** Totals of the reactions; at most five a second a session. */
export interface ReactionsEvent {
  kind: "reactions";
  seq: number;
  at: number;
  act: string;
  by?: Person;
  counts: Partial<Record<"clap" | "fire" | "heart" | "laugh" | "like" | "wow", number>>;
}

/** A hand, or somebody on stage; null: `person` has neither any more. */
export interface HandEvent {
  kind: "hand";
  seq: number;
  at: number;
  act: string;
  by?: Person;
  person: string;
  hand: Hand | null;
}

/** A raised hand, or somebody on stage; `id` is the person's. Ordered by `at`, when it was raised. */
export interface Hand {
  id: string;
  name: string;
  state: "invited" | "raised" | "stage";
  at: number;
  voice_only: boolean;
  muted: boolean;
}

/** A line of chat. */
export interface ChatEvent {
  kind: "chat";
  seq: number;
  at: number;
  act: string;
  by?: Person;
  message: ChatMessage;
}

/** A line of the chat. */
export interface ChatMessage {
  id: string;
  author: Person;
  role: "host" | "member" | "moderator";
  text: string;
  at: number;
  deleted: boolean;
}

/** An announcement is new or has changed. */
export interface AnnouncementEvent {
  kind: "announcement";
  seq: number;
  at: number;
  act: string;
  by?: Person;
  announcement: Announcement;
}

/** An announcement. `at`: when it is or was shown; members see it from then on. */
export interface Announcement {
  id: string;
  text: string;
  pinned: boolean;
  state: "scheduled" | "shown" | "withdrawn";
  at: number;
  deleted: boolean;
}

/** A product card is new or has changed. */
export interface ProductEvent {
  kind: "product";
  seq: number;
  at: number;
  act: string;
  by?: Person;
  product: Product;
}

/** A product card. `clicks`, `samples`: people who opened its link, who asked for a sample. */
export interface Product {
  id: string;
  title: string;
  picture: string | null;
  link: string | null;
  price: string | null;
  pinned: boolean;
  clicks: number;
  samples: number;
  deleted: boolean;
}

/** Somebody opened a product's link or asked for a sample; `sampled` for that person alone. */
export interface ClickedEvent {
  kind: "clicked";
  seq: number;
  at: number;
  act: string;
  by?: Person;
  product: string;
  clicks: number;
  samples: number;
  sampled?: boolean;
}

/** A draw is new or has changed. */
export interface DrawEvent {
  kind: "draw";
  seq: number;
  at: number;
  act: string;
  by?: Person;
  draw: Draw;
}

/** A lucky draw; `docs/draw.md` says how to verify it. `commitment`: SHA-256 of the secret, hex, from the beginning. `digest`: SHA-256 over the entries, once closed. `secret`, `tickets`: revealed when drawn, tickets in the order in which they won. */
export interface Draw {
  id: string;
  title: string;
  prizes: number;
  state: "cancelled" | "closed" | "drawn" | "open";
  commitment: string;
  entries: number;
  digest: string | null;
  secret: string | null;
  tickets: number[];
  winners: Person[];
}

/** Somebody takes part; `mine`, the ticket, for that person alone. */
export interface EnteredEvent {
  kind: "entered";
  seq: number;
  at: number;
  act: string;
  by?: Person;
  draw: string;
  entries: number;
  mine?: number;
}

/** An entry of "next trial". */
export interface TrialEvent {
  kind: "trial";
  seq: number;
  at: number;
  act: string;
  by?: Person;
  trial: Trial;
}

/** An entry of "next trial": what is to be tried next, and the poll that said so. */
export interface Trial {
  id: string;
  text: string;
  poll: string | null;
  deleted: boolean;
}

/** A decision about a person, for staff and that person alone. */
export interface MemberEvent {
  kind: "member";
  seq: number;
  at: number;
  act: string;
  by?: Person;
  member: Member;
}

/** What moderators decided about a person; told to staff and to the person alone. `id` and `name` are null where the person was found by something anonymous, which `via` names. `muted_until`: ms since 1970, 0 for not muted, 9999999999999 for good. `role`: instead of the token's, null for that one. */
export interface Member {
  id: string | null;
  name: string | null;
  via: string | null;
  muted_until: number;
  banned: boolean;
  role: "host" | "member" | "moderator" | null;
}

/** A blocked word or host, for staff alone; null: `id` is allowed again. */
export interface BlockEvent {
  kind: "block";
  seq: number;
  at: number;
  act: string;
  by?: Person;
  id: string;
  block: Block | null;
}

/** A blocked word, or host of links; told to staff alone. */
export interface Block {
  id: string;
  text: string;
  link: boolean;
}

/** The answer to `join`; exactly one of `snapshot` and `events` is not null. */
export interface Joined {
  type: "joined";
  you: You;
  token: string | null;
  session: SessionInfo;
  answer: string | null;
  media_error: ErrorInfo | null;
  ice_servers?: IceServer[];
  slots: Slot[];
  seq: number;
  snapshot: Snapshot | null;
  events: Event[] | null;
  present: number;
  server_time: number;
}

/** Who this socket is. */
export interface You {
  id: string;
  name: string;
  role: "host" | "member" | "moderator";
}

/** The session as a page shows it. */
export interface SessionInfo {
  id: string;
  title: string;
}

/** A code of the page's table with its message. */
export interface ErrorInfo {
  code: string;
  message: string;
}

/** An `RTCIceServer`: a STUN server, or a TURN server with credentials that end. */
export interface IceServer {
  urls: string[];
  username?: string;
  credential?: string;
}

/** A section of the receiving connection, and what is in it. */
export interface Slot {
  slot: string;
  mid: string;
  source: Source | null;
}

/** What a slot shows. */
export interface Source {
  publisher: string;
  name: string;
  kind: "camera" | "microphone" | "screen";
  publication: string;
}

/** The whole state of a session at one position of the log, as one person sees it. `chat`: the last 100 lines. `members`, `blocks`: empty but for staff. `order`: the ids of the queued questions in the session's order, the first 100. */
export interface Snapshot {
  settings: Settings;
  now: Now;
  questions: Question[];
  replies: Reply[];
  polls: Poll[];
  reactions: Partial<Record<"clap" | "fire" | "heart" | "laugh" | "like" | "wow", number>>;
  hands: Hand[];
  chat: ChatMessage[];
  announcements: Announcement[];
  products: Product[];
  draws: Draw[];
  trials: Trial[];
  mine: Mine;
  members: Member[];
  blocks: Block[];
  order: string[];
}

/** What is this person's own: the questions that it asked and votes for, its ballots by poll, the products of which it asked for a sample, its tickets by draw, and what moderators decided about it. */
export interface Mine {
  asked: string[];
  votes: string[];
  ballots: Record<string, string[]>;
  samples: string[];
  tickets: Record<string, number>;
  member: Member | null;
}

/** Many join at once; how many come before this one, itself included. */
export interface Waiting {
  type: "waiting";
  place: number;
}

/** The answer to `receive`. */
export interface Receiving {
  type: "receiving";
  answer: string;
  slots: Slot[];
}

/** The answer to `publish`. */
export interface Published {
  type: "published";
  publication: string;
  answer: string;
}

/** The answer to `restart`. */
export interface Restarted {
  type: "restarted";
  connection: "publish" | "receive";
  answer: string;
}

/** The answer to `unpublish`. */
export interface Unpublished {
  type: "unpublished";
}

/** The answer to `time`: `t1` and `t2`, when the server got the question and when it answered, in ms since 1970. */
export interface TimeIs {
  type: "time";
  t0: number;
  t1: number;
  t2: number;
}

/** The command is on disk. `id`: what it made or was about. */
export interface Ack {
  type: "ack";
  cmd: string;
  seq: number;
  id: string | null;
}

/** The log after position `after` and up to `seq`: what this person is shown of it, and of counts the last alone. */
export interface Events {
  type: "events";
  after: number;
  seq: number;
  events: Event[];
}

/** The queued questions in the session's order, the first 100; at most once a second, when it changed. */
export interface Ordered {
  type: "order";
  order: "fair" | "newest" | "popular" | "rising";
  questions: string[];
}

/** The running hash over the log up to `seq`; `docs/log.md` says how to check it. */
export interface LogHash {
  type: "log_hash";
  seq: number;
  sha256: string;
}

/** The answer to `duplicates`, likeliest first. */
export interface Duplicates {
  type: "duplicates";
  question: string;
  candidates: Candidate[];
}

/** A question that may be a duplicate. `score`: 0 to 100. */
export interface Candidate {
  question: string;
  score: number;
}

/** The answer to `audit`; `before` is where to go on, null at the beginning of the log. */
export interface Audit {
  type: "audit";
  acts: Act[];
  before: number | null;
}

/** What a host or a moderator did, and to what: `id` of the entity of that kind; null where it has none to show. */
export interface Act {
  seq: number;
  at: number;
  by: Person;
  act: string;
  kind: string;
  id: string | null;
}

/** People connected. */
export interface Presence {
  type: "presence";
  present: number;
}

/** What is shown where, always the whole list. */
export interface Slots {
  type: "slots";
  slots: Slot[];
}

/** How much of its source `main` shows, and why not all; `cause` is null for "full". */
export interface Quality {
  type: "quality";
  picture: "full" | "paused" | "reduced";
  cause: "host" | "link" | null;
}

/** The encodings of a simulcast that its publisher is to send, by rid and lowest first; the others are not watched. */
export interface Encodings {
  type: "encodings";
  publication: string;
  kind: "camera" | "microphone" | "screen";
  active: string[];
}

/** Who speaks, always the whole list. */
export interface Speakers {
  type: "speakers";
  speakers: string[];
}

/** The server lost or closed a media connection. */
export interface MediaClosed {
  type: "media_closed";
  connection: "publish" | "receive";
  reason: string;
}

/** What could not be done; `message` is English, for logs. */
export interface Error {
  type: "error";
  code: string;
  message: string;
  cmd?: string;
  retry_after_ms?: number;
}

export type Command = Ask | Edit | Withdraw | Vote | Unvote | Approve | Decline | SetLabels | SetPlace | WriteReply | Merge | Unmerge | Answering | Answered | NextUp | Mark | Configure | Mute | Unmute | Ban | Unban | SetRole | BlockAdd | BlockRemove | Delete | Undelete | PollMake | PollOpen | PollClose | PollVote | TrialAdd | HandRaise | HandLower | HandInvite | StageEnter | StageLeave | StageMute | Say | Announce | AnnouncementPin | AnnouncementWithdraw | ProductAdd | ProductPin | ProductClick | ProductSample | DrawOpen | DrawEnter | DrawClose | DrawCancel;
export type Request = Switch | Watch | JoinReport | Receive | Publish | Restart | Unpublish | GetTime | React | GetDuplicates | GetAudit;
export type ClientMessage = Join | Switch | Watch | JoinReport | Receive | Publish | Restart | Unpublish | GetTime | React | GetDuplicates | GetAudit | Ask | Edit | Withdraw | Vote | Unvote | Approve | Decline | SetLabels | SetPlace | WriteReply | Merge | Unmerge | Answering | Answered | NextUp | Mark | Configure | Mute | Unmute | Ban | Unban | SetRole | BlockAdd | BlockRemove | Delete | Undelete | PollMake | PollOpen | PollClose | PollVote | TrialAdd | HandRaise | HandLower | HandInvite | StageEnter | StageLeave | StageMute | Say | Announce | AnnouncementPin | AnnouncementWithdraw | ProductAdd | ProductPin | ProductClick | ProductSample | DrawOpen | DrawEnter | DrawClose | DrawCancel;
export type Event = QuestionEvent | VotedEvent | MergedEvent | NowEvent | SettingsEvent | ReplyEvent | PollEvent | TallyEvent | ReactionsEvent | HandEvent | ChatEvent | AnnouncementEvent | ProductEvent | ClickedEvent | DrawEvent | EnteredEvent | TrialEvent | MemberEvent | BlockEvent;
export type ServerMessage = Joined | Waiting | Receiving | Published | Restarted | Unpublished | TimeIs | Ack | Events | Ordered | LogHash | Duplicates | Audit | Presence | Slots | Quality | Encodings | Speakers | MediaClosed | Error;

export const ERROR_CODES = ["unsupported_version","bad_message","bad_offer","unsupported_media","ticket_refused","forbidden","not_found","closed","wrong_state","bad_choice","text_empty","text_too_long","text_blocked","link_blocked","muted","not_invited","stage_full","too_many","rate_limited","busy","token_missing","token_expired","token_invalid","banned","session_unknown","internal"] as const;

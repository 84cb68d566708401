//! Messages on their way down, and the waker that interrupts the worker's poll.
//!
//! The channel is unbounded on purpose. Commands carry state that may be neither dropped nor awaited by an event loop,
//! and their number is bounded by what the owner does: a handful a join.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender, SyncSender, TryRecvError};

use mio::{Registry, Token, Waker};
use plane_core::command::{Command, EncodingRow, SinkRow, SourceId};

use crate::links::Parcel;

/// Names and values.
pub type Stats = Vec<(&'static str, u64)>;

/// What the owner posts.
pub(crate) enum Message {
    Command(Command),
    Snapshot(SyncSender<Vec<SinkRow>>),
    Stats(SyncSender<Stats>),
    AudioLevels(SyncSender<Vec<(SourceId, f32)>>),
    SourceStats(SourceId, SyncSender<Vec<EncodingRow>>),
    Close,
}

/// The owner's end.
pub(crate) struct Mailbox {
    messages: Sender<Message>,
    parcels: Sender<Parcel>,
    waker: Waker,
    /// Set while the worker is awake to messages, so that a burst of them costs one system call.
    awake: Arc<AtomicBool>,
    /// Commands wait for others to come: a worker on another core goes through one faster than the owner makes the next, and
    /// would be woken for each.
    gathering: AtomicBool,
    /// Of these, one has come.
    gathered: AtomicBool,
}

/// The worker's end.
pub(crate) struct Inbox {
    messages: Receiver<Message>,
    parcels: Receiver<Parcel>,
    awake: Arc<AtomicBool>,
}

/// The worker is gone.
#[derive(Debug)]
pub(crate) struct Gone;

/// A mailbox whose worker polls `registry`, and is woken under `token`.
pub(crate) fn mailbox(registry: &Registry, token: Token) -> io::Result<(Mailbox, Inbox)> {
    let waker = Waker::new(registry, token)?;
    let (sender, receiver) = mpsc::channel();
    let (parcels, delivered) = mpsc::channel();
    let awake = Arc::new(AtomicBool::new(false));
    let mailbox = Mailbox {
        messages: sender,
        parcels,
        waker,
        awake: Arc::clone(&awake),
        gathering: AtomicBool::new(false),
        gathered: AtomicBool::new(false),
    };
    Ok((mailbox, Inbox { messages: receiver, parcels: delivered, awake }))
}

impl Mailbox {
    /// Leave a message and return at once.
    pub(crate) fn post(&self, message: Message) -> Result<(), Gone> {
        self.messages.send(message).map_err(|_| Gone)?;
        self.wake();
        Ok(())
    }

    /// The same for one that may wait while others are gathered.
    pub(crate) fn post_with_others(&self, message: Message) -> Result<(), Gone> {
        if !self.gathering.load(Ordering::Acquire) {
            return self.post(message);
        }
        self.messages.send(message).map_err(|_| Gone)?;
        self.gathered.store(true, Ordering::Release);
        Ok(())
    }

    /// Whether commands wait for others. A worker that wakes for another reason goes through them, too; their order stays.
    pub(crate) fn gather(&self, on: bool) {
        self.gathering.store(on, Ordering::Release);
        if !on && self.gathered.swap(false, Ordering::AcqRel) {
            self.wake();
        }
    }

    /// Leave what comes from another worker. Parcels are bounded where they are sent, and never delay messages.
    pub(crate) fn deliver(&self, parcel: Parcel) -> Result<(), Gone> {
        self.parcels.send(parcel).map_err(|_| Gone)?;
        self.wake();
        Ok(())
    }

    fn wake(&self) {
        if !self.awake.swap(true, Ordering::AcqRel) {
            // An eventfd takes any write but one past 2^64 - 2, and mio empties it before that.
            let _ = self.waker.wake();
        }
    }

    /// Whether the worker was not woken for what waits.
    #[cfg(test)]
    pub(crate) fn is_asleep(&self) -> bool {
        !self.awake.load(Ordering::Acquire)
    }

    /// Leave a question and wait for its answer: at most about as long as a turn of the worker.
    pub(crate) fn ask<T>(&self, question: impl FnOnce(SyncSender<T>) -> Message) -> Result<T, Gone> {
        self.begin_to_ask(question)?.recv().map_err(|_| Gone)
    }

    /// Leave a question and return at once: several workers can be asked before the first has answered.
    pub(crate) fn begin_to_ask<T>(&self, question: impl FnOnce(SyncSender<T>) -> Message) -> Result<Receiver<T>, Gone> {
        let (reply, answer) = mpsc::sync_channel(1);
        self.post(question(reply))?;
        Ok(answer)
    }
}

impl Inbox {
    /// Messages posted from now on wake the worker again. Call it before looking for those posted until now.
    pub(crate) fn rearm(&self) {
        self.awake.swap(false, Ordering::AcqRel);
    }

    /// The next parcel, if one waits.
    pub(crate) fn next_parcel(&self) -> Option<Parcel> {
        self.parcels.try_recv().ok()
    }

    /// The next message, if one waits. An owner that is gone has closed.
    pub(crate) fn next(&self) -> Option<Message> {
        match self.messages.try_recv() {
            Ok(message) => Some(message),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(Message::Close),
        }
    }
}

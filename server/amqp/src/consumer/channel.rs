//! One channel of a consumer, from its opening to its end.

use futures_util::{StreamExt as _, future::try_join_all};
use lapin::{
    Channel,
    message::Delivery,
    options::{
        BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicQosOptions, BasicRejectOptions,
    },
    types::{FieldTable, ShortString},
};
use tokio::{
    sync::{mpsc, oneshot},
    time::{sleep, timeout},
};

use crate::{
    bounds::{ANSWER_BOUND, RECOVERY_PAUSE, SETTLEMENTS_MAX},
    consumer::{
        ConsumerState, Desk, Mode,
        acks::{Outstanding, Word},
        declare::{declare, name},
        pump::End,
    },
    incoming::{Incoming, Origin, Settlement, Told},
    reason::{Reason, refusal},
    session::Session,
};

const CANCELLED: &str = "the broker ended the consumer: its queue was deleted, or can't be served";

struct Serving<'a> {
    desk: &'a Desk,
    epoch: u64,
    channel: Channel,
    /// Ends some time after the consumer is cancelled.
    deliveries: Option<lapin::Consumer>,
    /// The broker's name for the consumer, while it sends messages.
    consuming: Option<ShortString>,
    outstanding: Outstanding,
}

/// Returns why it can't go on.
pub(crate) async fn serve(
    session: &Session,
    desk: &Desk,
    epoch: u64,
    hears: &mut mpsc::UnboundedReceiver<Told>,
) -> End {
    let served = async {
        let channel = answer(open(session, desk)).await?;
        if desk.subscription.ordered && epoch > 1 {
            sleep(RECOVERY_PAUSE).await;
        }
        let outstanding = Outstanding::default();
        let mut serving = Serving { desk, epoch, channel, deliveries: None, consuming: None, outstanding };
        serving.run(hears).await
    };
    match served.await {
        Ok(never) => match never {},
        Err(end) => end,
    }
}

async fn open(session: &Session, desk: &Desk) -> Result<Channel, lapin::Error> {
    let channel = session.channel().await?;
    declare(&channel, &desk.subscription).await?;
    channel.basic_qos(desk.subscription.at_once(), BasicQosOptions::default()).await?;
    Ok(channel)
}

async fn answer<T>(asked: impl Future<Output = Result<T, lapin::Error>>) -> Result<T, End> {
    match timeout(ANSWER_BOUND, asked).await {
        Ok(answer) => answer.map_err(|error| end(&error)),
        Err(_) => Err(End::Lost(Reason::Silent { bound_s: ANSWER_BOUND.as_secs() })),
    }
}

fn end(error: &lapin::Error) -> End {
    refusal(error).map_or_else(|| End::Lost(Reason::of(error)), End::Refused)
}

enum Never {}

impl Serving<'_> {
    async fn run(&mut self, hears: &mut mpsc::UnboundedReceiver<Told>) -> Result<Never, End> {
        let mut mode = self.desk.mode.subscribe();
        loop {
            let wanted = *mode.borrow_and_update();
            self.become_(wanted).await?;
            tokio::select! {
                delivery = next(&mut self.deliveries) => match delivery {
                    Some(delivery) => self.hand_out(delivery.map_err(|error| end(&error))?),
                    None => self.ended()?,
                },
                Some(told) = hears.recv() => self.settle(told, hears).await?,
                // The desk lives as long as this.
                _ = mode.changed() => {}
            }
        }
    }

    async fn become_(&mut self, wanted: Mode) -> Result<(), End> {
        let desk = self.desk;
        match (wanted, self.consuming.take()) {
            // What was cancelled has to end before it begins anew.
            (Mode::Running, None) if self.deliveries.is_none() => {
                let (queue, options) = (name(&desk.subscription.queue), BasicConsumeOptions::default());
                let tag = ShortString::default();
                let consume = self.channel.basic_consume(queue, tag, options, FieldTable::default());
                let deliveries = answer(consume).await?;
                self.consuming = Some(deliveries.tag());
                self.deliveries = Some(deliveries);
                desk.state.send_replace(ConsumerState::Consuming);
            }
            (Mode::Running, consuming) => self.consuming = consuming,
            (_, Some(tag)) => {
                answer(self.channel.basic_cancel(tag, BasicCancelOptions::default())).await?;
                desk.state.send_replace(ConsumerState::Paused);
            }
            (_, None) => {
                desk.state.send_if_modified(|state| {
                    let changes = !matches!(state, ConsumerState::Paused);
                    if changes {
                        *state = ConsumerState::Paused;
                    }
                    changes
                });
            }
        }
        if wanted == Mode::Draining {
            desk.give_back_waiting();
        }
        Ok(())
    }

    /// Cancelled by this side or by the broker.
    fn ended(&mut self) -> Result<(), End> {
        self.deliveries = None;
        match self.consuming {
            Some(_) => Err(End::Refused(CANCELLED.to_owned())),
            None => Ok(()),
        }
    }

    fn hand_out(&mut self, delivery: Delivery) {
        let tag = delivery.delivery_tag;
        self.outstanding.hand_out(tag);
        let origin = Origin { epoch: self.epoch, tag, settled: self.desk.told.clone() };
        self.desk.arrive(Incoming::read(delivery, self.desk.subscription.body_bytes_max, origin));
    }

    /// Tells the broker this and all else that waits to be told.
    async fn settle(&mut self, told: Told, hears: &mut mpsc::UnboundedReceiver<Told>) -> Result<(), End> {
        let (mut settlements, mut flushes, mut stale) = (Vec::new(), Vec::<oneshot::Sender<()>>::new(), 0);
        let mut next = Some(told);
        while let Some(told) = next {
            match told {
                Told::Settled { epoch, tag, how } if epoch == self.epoch => settlements.push((tag, how)),
                Told::Settled { .. } => stale += 1,
                Told::Flush(done) => flushes.push(done),
            }
            next = if settlements.len() < SETTLEMENTS_MAX { hears.try_recv().ok() } else { None };
        }
        self.desk.count_stale(stale);
        let words = self.outstanding.settle(settlements);
        let said = words.into_iter().map(|word| say(&self.channel, word));
        try_join_all(said).await.map_err(|error| end(&error))?;
        for done in flushes {
            // Who does not wait any more is not told.
            let _ = done.send(());
        }
        Ok(())
    }
}

async fn next(deliveries: &mut Option<lapin::Consumer>) -> Option<Result<Delivery, lapin::Error>> {
    match deliveries {
        Some(deliveries) => deliveries.next().await,
        None => std::future::pending().await,
    }
}

/// Returns when it is written.
async fn say(channel: &Channel, word: Word) -> Result<(), lapin::Error> {
    match word {
        Word::AckUpTo(tag) => channel.basic_ack(tag, BasicAckOptions { multiple: true }).await,
        Word::One(tag, Settlement::Ack) => channel.basic_ack(tag, BasicAckOptions::default()).await,
        Word::One(tag, Settlement::Requeue) => {
            channel.basic_reject(tag, BasicRejectOptions { requeue: true }).await
        }
        Word::One(tag, Settlement::Reject) => {
            channel.basic_reject(tag, BasicRejectOptions { requeue: false }).await
        }
    }
}

//! Whimbrel's `Transfers`, the limits on connections lifted, in every mode of `cargo xtask bench network`.

use std::error::Error;
use std::hint::black_box;
use std::time::{Duration, Instant};

use whimbrel::{Client, Delivery, Event, Transfers};
use whimbrel_bench_peers::Outcome;
use whimbrel_bench_peers::network::{FRAME, Frames, Mode, Stretch, Task, resident};

fn main() -> Outcome {
    let task = Task::read()?;
    let lifted = 1 << 20;
    let client = Client::builder().max_connections(lifted).max_connections_per_host(lifted);
    let client = client.max_idle(lifted).max_idle_per_host(lifted).build()?;
    let mut bench = Bench { client, transfers: Transfers::new() };
    match task.mode {
        Mode::Flight(width) => bench.flight(&task, width),
        Mode::Waiting => bench.waiting(&task),
        Mode::Idle => bench.idle(&task),
        Mode::Quiet(frames) | Mode::Empty(frames) | Mode::Progress(frames) => bench.frames(&task, frames),
        Mode::File => bench.file(&task),
    }
}

struct Bench {
    client: Client,
    transfers: Transfers,
}

impl Bench {
    fn start(&mut self, url: &str, delivery: Delivery) {
        // The server holds on purpose: no clock is to end that.
        self.transfers.start(self.client.get(url).total_timeout(None).idle_timeout(None), delivery);
    }

    fn flight(&mut self, task: &Task, width: usize) -> Outcome {
        self.lap(&task.url, width, width)?;
        let stretch = Stretch::begin();
        self.lap(&task.url, width, task.count)?;
        stretch.print();
        Ok(())
    }

    fn lap(&mut self, url: &str, width: usize, count: usize) -> Outcome {
        let (mut started, mut done) = (0, 0);
        while started < width.min(count) {
            self.start(url, Delivery::memory());
            started += 1;
        }
        while done < count {
            self.transfers.wait(None);
            while let Some(event) = self.transfers.next() {
                let Event::End { outcome, .. } = event else { continue };
                check(&outcome)?;
                done += 1;
                self.transfers.recycle(outcome);
                if started < count {
                    self.start(url, Delivery::memory());
                    started += 1;
                }
            }
        }
        Ok(())
    }

    /// Waits for one end, and returns its body as a number.
    fn number(&mut self) -> Result<usize, Box<dyn Error>> {
        loop {
            self.transfers.wait(None);
            while let Some(event) = self.transfers.next() {
                if let Event::End { outcome, .. } = event {
                    check(&outcome)?;
                    return Ok(std::str::from_utf8(outcome.body())?.parse()?);
                }
            }
        }
    }

    /// Has N requests held by the server; returns the memory before.
    fn hold(&mut self, task: &Task) -> Result<(u64, usize), Box<dyn Error>> {
        self.start(&format!("{}until/0", task.url), Delivery::memory());
        self.number()?;
        let before = resident();
        self.start(&format!("{}until/{}", task.url, task.count), Delivery::memory());
        let hold = format!("{}hold", task.url);
        for _ in 0..task.count {
            self.start(&hold, Delivery::memory());
        }
        Ok((before, self.number()?))
    }

    fn waiting(&mut self, task: &Task) -> Outcome {
        let (before, held) = self.hold(task)?;
        println!("{before} {} {held}", resident());
        Ok(())
    }

    fn idle(&mut self, task: &Task) -> Outcome {
        const ROUNDS: u32 = 2_000_000;
        self.hold(task)?;
        let begun = Instant::now();
        for _ in 0..ROUNDS {
            if black_box(&mut self.transfers).next().is_some() {
                return Err("something came while all were held".into());
            }
        }
        let asking = begun.elapsed();
        println!("{:.2} 0", asking.as_nanos() as f64 / f64::from(ROUNDS));
        Ok(())
    }

    fn frames(&mut self, task: &Task, frames: usize) -> Outcome {
        let progress = matches!(task.mode, Mode::Progress(_));
        let is_empty = matches!(task.mode, Mode::Empty(_));
        let url = format!("{}stream/2048", task.url);
        for index in 0..task.count {
            let listened = progress && index % 2 == 0;
            let delivery = Delivery::memory();
            self.start(&url, if listened { delivery.progress(Duration::ZERO) } else { delivery });
        }
        // All are to be streaming before the first frame counts.
        let transfers = &mut self.transfers;
        let mut failed = None;
        let mut ask = || {
            let mut events = 0;
            while !is_empty && let Some(event) = transfers.next() {
                if let Event::End { outcome, .. } = &event {
                    failed = Some(check(outcome).err().map_or("a stream ended".to_owned(), |error| error.to_string()));
                }
                black_box(&event);
                events += 1;
            }
            events
        };
        Frames::run(60, &mut ask);
        Frames::run(frames, &mut ask).print();
        failed.map_or(Ok(()), |reason| Err(reason.into()))
    }

    fn file(&mut self, task: &Task) -> Outcome {
        self.download(task)?;
        let stretch = Stretch::begin();
        for _ in 0..task.count {
            self.download(task)?;
        }
        stretch.print();
        Ok(())
    }

    fn download(&mut self, task: &Task) -> Outcome {
        self.start(&task.url, Delivery::file(&task.file));
        let mut next = Instant::now() + FRAME;
        while !self.transfers.is_empty() {
            // A frame ends early when the file is there, so that the frame's length is not part of the measure.
            self.transfers.wait(Some(next.saturating_duration_since(Instant::now())));
            next += FRAME;
            while let Some(event) = self.transfers.next() {
                if let Event::End { outcome, .. } = event {
                    check(&outcome)?;
                }
            }
        }
        Ok(())
    }
}

fn check(outcome: &whimbrel::Outcome) -> Outcome {
    match outcome.error() {
        Some(error) => Err(error.to_string().into()),
        None if outcome.status() == 200 => Ok(()),
        None => Err(format!("status {}", outcome.status()).into()),
    }
}

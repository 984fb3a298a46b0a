//! One instant: everything that is due happens, until nothing moves any more.

use alphec_model::{BrokerEvent, planted};

use super::{ROUNDS_MAX, Restart, World};
use crate::clock::MINUTE;
use crate::net::{Down, Line};
use crate::process::Process;
use crate::sight::Sight;
use crate::wire::Wish;

impl World {
    /// Lets everything happen that can happen now.
    pub(super) fn settle(&mut self) {
        for _ in 0..ROUNDS_MAX {
            let mut moved = self.restart_due();
            moved |= self.gateway_turn();
            moved |= self.process_turn();
            if self.violation.is_some() {
                return;
            }
            if !moved {
                self.rest();
                return;
            }
        }
        self.fail(0, "something goes in circles at one instant".to_owned());
    }

    fn rest(&mut self) {
        let now = self.now;
        if self.violation.is_some() {
            return;
        }
        let core = self.process.as_ref().map(|process| process.engine.core());
        let is_up = self.process.as_ref().is_some_and(|process| process.adapter.is_up());
        let is_paused = self.process.as_ref().is_some_and(|process| process.paused_until > now);
        let seen = self.checks.see(now, &Sight::Rest { core, is_up, is_paused }, &mut self.tally);
        self.violation = seen.err();
    }

    /// A process that is to start does.
    fn restart_due(&mut self) -> bool {
        let Some(restart) = self.restart.take_if(|restart| restart.at <= self.now) else { return false };
        let acknowledged = self.disk.acknowledged().to_vec();
        let found = match (self.disk.open(), self.disk.rotten()) {
            (Ok(found), None) => found,
            (Err(corrupt), Some(seq)) if corrupt.seq == seq => {
                self.restored_later(restart);
                return true;
            }
            (Err(corrupt), _) => {
                self.fail(16, format!("record {} was durable and is not in the journal", corrupt.seq));
                return true;
            }
            (Ok(_), Some(seq)) => {
                self.fail(16, format!("a bit of record {seq} flipped, and the start went on"));
                return true;
            }
        };
        let (records, hashes) = (&found.records, &found.hashes);
        self.see(&Sight::Born { records, hashes, acknowledged: &acknowledged });
        let clock = (restart.skew, restart.drift);
        match Process::start(&self.plan.setup, self.now, clock, records) {
            Ok(process) => self.process = Some(Box::new(process)),
            Err(why) => self.fail(17, format!("the journal does not replay: {why}")),
        }
        true
    }

    /// The start refused and named the record that rotted: an operator puts a whole copy back and starts again.
    fn restored_later(&mut self, restart: Restart) {
        self.tally.saw("rot refused");
        self.disk.restore();
        self.restart = Some(Restart { at: self.now.saturating_add(MINUTE), ..restart });
    }

    /// The gateway reads, thinks and writes.
    fn gateway_turn(&mut self) -> bool {
        let now = self.now;
        let mut moved = false;
        if self.desk.next_wake().is_some_and(|at| at <= now) {
            self.desk.wake(now);
            moved = true;
        }
        for at in 0..self.lines.len() {
            while let Some((conn, bytes)) =
                self.lines.get_mut(at).and_then(|line| Some((line.conn, line.arrived_up(now)?)))
            {
                self.desk.receive(now, conn, &bytes);
                moved = true;
            }
        }
        moved |= self.drop_gone_lines();
        moved |= self.gateway_writes();
        self.see_venue();
        moved
    }

    fn drop_gone_lines(&mut self) -> bool {
        let now = self.now;
        let gone: Vec<_> = self
            .lines
            .extract_if(.., |line| line.gone_at.is_some_and(|at| at <= now))
            .map(|line| line.conn)
            .collect();
        for conn in &gone {
            self.desk.closed(*conn);
        }
        !gone.is_empty()
    }

    fn gateway_writes(&mut self) -> bool {
        let now = self.now;
        let mut moved = false;
        for conn in self.desk.take_touched() {
            let output = self.desk.take_output(conn);
            let latency = self.latency.draw(&mut self.dice);
            let Some(line) = self.lines.iter_mut().find(|line| line.conn == conn) else { continue };
            if !output.bytes.is_empty() {
                line.send_down(now, latency, Down::Bytes(output.bytes));
                moved = true;
            }
            if output.close || output.reset {
                line.send_down(now, latency, Down::End);
                self.desk.closed(conn);
                moved = true;
            }
        }
        moved
    }

    /// The process reads, decides and writes, unless it stands still.
    fn process_turn(&mut self) -> bool {
        let now = self.now;
        let Some(mut process) = self.process.take_if(|process| process.paused_until <= now) else {
            return false;
        };
        process.set_time(now);
        let mut moved = self.adapter_reads(&mut process);
        moved |= self.engine_turn(&mut process);
        process.adapter.run(now);
        moved |= self.adapter_writes(&mut process);
        moved |= self.tell_engine(&mut process);
        let has_stopped = process.has_stopped;
        let down = process.stops_for.unwrap_or(0);
        self.process = Some(process);
        if has_stopped {
            self.crash(down, (0, 0));
        }
        moved
    }

    fn adapter_reads(&mut self, process: &mut Process) -> bool {
        let now = self.now;
        let mut moved = false;
        while let Some(down) = self.line_mut().and_then(|line| line.arrived_down(now)) {
            moved = true;
            match down {
                Down::Bytes(bytes) => process.adapter.receive(now, &bytes),
                Down::End => {
                    let conn = self.line.take();
                    self.lines.retain(|line| Some(line.conn) != conn);
                    process.adapter.hung_up(now);
                }
            }
        }
        moved
    }

    fn engine_turn(&mut self, process: &mut Process) -> bool {
        let now = self.now;
        let mut moved = process.answer_rules(now);
        if let Some(done) = self.disk.done(now) {
            moved = true;
            self.tally.records += u64::try_from(done.records.len()).unwrap_or(0);
            self.see(&Sight::Durable(&done.records));
            if !planted::is("a-sync-is-not-waited-for") {
                process.engine.outcome(done.outcome);
            }
        }
        let is_due = process.engine.due().is_some_and(|at| process.clock.instant_of(at) <= now);
        moved |= is_due;
        let goes_on = process.engine.turn();
        if let Some(batch) = process.engine.batch() {
            self.see(&Sight::Handed(&batch));
            let last = batch.last().map(|record| record.header.seq);
            self.disk.begin(now, batch);
            if let Some(last) = last.filter(|_| planted::is("a-sync-is-not-waited-for")) {
                process.engine.outcome(Ok(last));
            }
            moved = true;
        }
        while let Some(request) = process.engine.request() {
            process.adapter.request(now, request);
            moved = true;
        }
        for (command, answer) in process.answers() {
            self.see(&Sight::Answered(&command, &answer));
        }
        while let Some(event) = process.engine.event() {
            self.see(&Sight::Published(&event));
        }
        while let Some(alert) = process.engine.alert() {
            self.see(&Sight::Alerted(&alert));
        }
        process.has_stopped |= !goes_on;
        moved
    }

    fn adapter_writes(&mut self, process: &mut Process) -> bool {
        let now = self.now;
        let mut moved = false;
        while let Some(wish) = process.adapter.wish() {
            moved = true;
            match wish {
                Wish::Connect if self.desk.is_port_closed() => {
                    process.adapter.connect_failed(now, "connection refused");
                }
                Wish::Connect => {
                    let conn = self.desk.open();
                    self.lines.push(Line::new(conn));
                    self.line = Some(conn);
                    process.adapter.connected(now);
                }
                Wish::Send(sent, bytes) => {
                    self.tally.frames += 1;
                    self.see(&Sight::Wire(&sent));
                    let latency = self.latency.draw(&mut self.dice);
                    if let Some(line) = self.line_mut() {
                        line.send_up(now, latency, bytes);
                    }
                }
                Wish::Close => self.hang_up(),
            }
        }
        moved
    }

    /// Our end of the line closes; what was written is still on its way.
    pub(super) fn hang_up(&mut self) {
        let (now, latency) = (self.now, self.latency.draw(&mut self.dice));
        if let Some(line) = self.line_mut() {
            line.hang_up(now, latency);
        }
        self.line = None;
    }

    fn tell_engine(&mut self, process: &mut Process) -> bool {
        let mut moved = false;
        while let Some(event) = process.adapter.event() {
            if let Err(event) = process.engine.tell(event.clone()) {
                process.adapter.give_back(*event);
                break;
            }
            moved = true;
            self.count_edge(process, &event);
            self.see(&Sight::Told(&event));
        }
        moved
    }

    /// Which state of which order meets which message.
    fn count_edge(&mut self, process: &Process, event: &BrokerEvent) {
        let (names, what) = match event {
            BrokerEvent::OpenOrder(report) => (&report.names, "open order"),
            BrokerEvent::Status(report) => (&report.names, crate::tally::status_name(&report.status)),
            BrokerEvent::Execution(report) => (&report.names, "execution"),
            BrokerEvent::Notice(notice) => {
                let Some(id) = notice.broker_order_id else { return };
                let named =
                    alphec_model::broker::OrderNames { broker_order_id: Some(id), ..Default::default() };
                let what = crate::tally::class_name(notice.class);
                return self.count_names(process, &named, what);
            }
            _ => return,
        };
        self.count_names(process, names, what);
    }

    fn count_names(
        &mut self,
        process: &Process,
        names: &alphec_model::broker::OrderNames,
        what: &'static str,
    ) {
        if let Some(state) = self.checks.state_of(process.engine.core(), names) {
            *self.tally.edges.entry((state, what)).or_default() += 1;
        }
    }
}

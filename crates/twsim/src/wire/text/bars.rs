//! Bars in text.

use super::fields::Fields;
use super::writer::{Writer, unset};
use super::{contract, since};
use crate::wire::frame::FrameError;
use crate::wire::number::{quantity_text, to_double};
use crate::wire::{Bar, History, HistoryRequest, LiveBarsRequest, Reply, Request};

pub(super) fn read_history(fields: &mut Fields<'_>) -> Result<Request, FrameError> {
    let mut asked =
        HistoryRequest { req_id: fields.id()?, query: contract::read(fields)?, ..HistoryRequest::default() };
    asked.query.include_expired = fields.flag()?;
    asked.end = fields.str()?.to_owned();
    asked.bar_size = fields.str()?.to_owned();
    asked.duration = fields.str()?.to_owned();
    asked.regular_hours = fields.flag()?.unwrap_or(false);
    asked.what = fields.str()?.to_owned();
    asked.date_format = fields.int()?.unwrap_or(1);
    contract::read_legs_of_bag(fields, &mut asked.query)?;
    asked.keep_up_to_date = fields.flag()?.unwrap_or(false);
    Ok(Request::HistoricalData(Box::new(asked)))
}

pub(super) fn read_live(fields: &mut Fields<'_>) -> Result<Request, FrameError> {
    fields.skip(1)?;
    Ok(Request::RealTimeBars(Box::new(LiveBarsRequest {
        req_id: fields.id()?,
        query: contract::read(fields)?,
        bar_size: fields.int()?.unwrap_or(5),
        what: fields.str()?.to_owned(),
        regular_hours: fields.flag()?.unwrap_or(false),
    })))
}

pub(super) fn write(writer: &mut Writer<'_>, reply: &Reply<'_>) {
    match reply {
        Reply::HistoricalData(history) => write_history(writer, history),
        Reply::HistoricalDataEnd { req_id, start, end } => {
            writer.show(req_id).text(start).text(end);
        }
        Reply::HistoricalUpdate { req_id, bar } => {
            writer.show(req_id).show(bar.count).text(&bar.date);
            for price in [bar.open, bar.close, bar.high, bar.low] {
                writer.double(Some(to_double(price)), unset::ZERO);
            }
            writer.double(Some(to_double(bar.average)), unset::ZERO);
            writer.size(Some(&quantity_text(bar.volume)), unset::ZERO);
        }
        Reply::RealTimeBar { req_id, seconds, bar } => {
            writer.show(3).show(req_id).show(seconds);
            write_bar(writer, bar);
        }
        _ => debug_assert!(false, "not a bar"),
    }
}

fn write_history(writer: &mut Writer<'_>, history: &History) {
    writer.show(history.req_id);
    if writer.version < since::HISTORICAL_DATA_END {
        writer.text(&history.start).text(&history.end);
    }
    writer.show(history.bars.len());
    for bar in &history.bars {
        writer.text(&bar.date);
        write_bar(writer, bar);
    }
}

fn write_bar(writer: &mut Writer<'_>, bar: &Bar) {
    for price in [bar.open, bar.high, bar.low, bar.close] {
        writer.double(Some(to_double(price)), unset::ZERO);
    }
    writer
        .size(Some(&quantity_text(bar.volume)), unset::ZERO)
        .double(Some(to_double(bar.average)), unset::ZERO)
        .show(bar.count);
}

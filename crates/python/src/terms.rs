//! Terms of an order, out of what the Python half gives and back.

use std::str::FromStr;

use alphec_execution::model::{
    Decimal, OrderSpec, OrderType, Price, Qty, Side, TimeInForce, Trail, UtcNanos,
};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::convert::{Exact, decimal};

/// Terms as the Python half spells them (`alphec_execution._orders.Terms`): side, size, kind, limit, trigger, life,
/// expiry in nanoseconds. It has checked the types; this checks the values.
#[derive(FromPyObject)]
pub(crate) struct Terms<'py>(
    String,
    Bound<'py, PyAny>,
    String,
    Option<Bound<'py, PyAny>>,
    Option<Bound<'py, PyAny>>,
    String,
    Option<i64>,
);

impl Terms<'_> {
    pub(crate) fn spec(self) -> PyResult<OrderSpec> {
        let Self(word, order_qty, kind, limit_px, stop_px, time_in_force, expire_at_ns) = self;
        // Not in the derive, which would hide what is wrong with a number.
        let Exact(order_qty) = order_qty.extract::<Exact<Qty>>()?;
        if kind == "trailing_stop" {
            let order_type = OrderType::TrailingStop { trail: trail(limit_px, stop_px)? };
            return with_life(&word, order_qty, order_type, &time_in_force, expire_at_ns);
        }
        let price = |px: Option<Bound<'_, PyAny>>| px.map(|px| px.extract::<Exact<Price>>()).transpose();
        let (limit_px, stop_px) = (price(limit_px)?, price(stop_px)?);
        let order_type = match (kind.as_str(), limit_px, stop_px) {
            ("market", None, None) => OrderType::Market,
            ("limit", Some(Exact(limit_px)), None) => OrderType::Limit { limit_px },
            ("stop", None, Some(Exact(stop_px))) => OrderType::Stop { stop_px },
            ("stop_limit", Some(Exact(limit_px)), Some(Exact(stop_px))) => {
                OrderType::StopLimit { stop_px, limit_px }
            }
            (kind, _, _) => {
                return Err(PyValueError::new_err(format!("`{kind}` with these prices is no order type")));
            }
        };
        with_life(&word, order_qty, order_type, &time_in_force, expire_at_ns)
    }
}

fn with_life(
    word: &str,
    order_qty: Qty,
    order_type: OrderType,
    time_in_force: &str,
    expire_at_ns: Option<i64>,
) -> PyResult<OrderSpec> {
    let time_in_force = match (time_in_force, expire_at_ns) {
        ("day", None) => TimeInForce::Day,
        ("gtc", None) => TimeInForce::Gtc,
        ("ioc", None) => TimeInForce::Ioc,
        ("fok", None) => TimeInForce::Fok,
        ("gtd", Some(nanos)) => TimeInForce::Gtd { expire_at: UtcNanos::from_nanos(nanos) },
        ("gtd", None) => return Err(PyValueError::new_err("good-till-date needs expire_at")),
        (tif, _) => {
            return Err(PyValueError::new_err(format!("`{tif}` is no time in force, or takes no expire_at")));
        }
    };
    let spec = OrderSpec::new(side(word)?, order_qty, order_type)
        .map_err(|error| PyValueError::new_err(error.to_string()))?;
    Ok(spec.with_time_in_force(time_in_force))
}

fn trail(amount: Option<Bound<'_, PyAny>>, percent: Option<Bound<'_, PyAny>>) -> PyResult<Trail> {
    match (amount, percent) {
        (Some(amount), None) => {
            let Exact(amount) = amount.extract::<Exact<Price>>()?;
            Ok(Trail::Amount { amount })
        }
        (None, Some(percent)) => {
            let Exact(percent) = percent.extract::<Exact<Decimal>>()?;
            Ok(Trail::Percent { percent })
        }
        _ => Err(PyValueError::new_err("a trailing stop has a distance: amount or percent")),
    }
}

fn side(word: &str) -> PyResult<Side> {
    match word {
        "buy" => Ok(Side::Buy),
        "sell" => Ok(Side::Sell),
        _ => Err(PyValueError::new_err(format!("`{word}` is no side; write Side.BUY or Side.SELL"))),
    }
}

/// An id, with the argument that it came from in the complaint.
pub(crate) fn id<T>(name: &str, text: &str) -> PyResult<T>
where
    T: FromStr,
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error| PyValueError::new_err(format!("{name}: {error}")))
}

/// How it meets the market, as one of the package's dataclasses.
pub(crate) fn order_type(py: Python<'_>, order_type: &OrderType) -> PyResult<Py<PyAny>> {
    let types = py.import("alphec_execution._orders")?;
    let px = |price: &Price| decimal(py, price.get());
    let made = match order_type {
        OrderType::Market => types.getattr("Market")?.call0()?,
        OrderType::Limit { limit_px } => types.getattr("Limit")?.call1((px(limit_px)?,))?,
        OrderType::Stop { stop_px } => types.getattr("Stop")?.call1((px(stop_px)?,))?,
        OrderType::StopLimit { stop_px, limit_px } => {
            types.getattr("StopLimit")?.call1((px(stop_px)?, px(limit_px)?))?
        }
        OrderType::TrailingStop { trail } => {
            let class = types.getattr("TrailingStop")?;
            match trail {
                Trail::Amount { amount } => class.call1((px(amount)?,))?,
                Trail::Percent { percent } => class.call1((py.None(), decimal(py, *percent)?))?,
            }
        }
        other => {
            return Err(PyValueError::new_err(format!(
                "the order type {other} is not known to this package"
            )));
        }
    };
    Ok(made.unbind())
}

/// What may be absent, as the number it is.
pub(crate) fn number(value: Option<Price>) -> Option<Decimal> {
    value.map(Price::get)
}

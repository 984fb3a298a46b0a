//! The words of the house: ids, decimals, time, orders, records; no behaviour, no I/O.

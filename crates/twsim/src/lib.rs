//! A TWS that is not there: a seeded venue and a thin server on the real wire protocol.

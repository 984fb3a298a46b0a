//! Risk-checked, durable order execution through Interactive Brokers.

//! The 40 behaviours that hurt clients most, each injected by its name and seen on the wire. The line above a
//! test says which one it proves and where it is described; the matrix in the docs is made from those lines.

mod callbacks;
mod combinations;
mod knobs;
mod lists;
mod matrix;
mod requests;
mod sessions;

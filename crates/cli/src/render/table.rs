//! Aligned tables, plain where nobody looks at colours.

use std::io::IsTerminal;

use comfy_table::{Attribute, Cell, CellAlignment, Color, ContentArrangement, Table, presets};

/// What a cell means, so that colours are chosen in one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paint {
    /// Nothing in particular.
    Plain,
    /// Less important.
    Faint,
    /// Good, and over.
    Good,
    /// Going on.
    Active,
    /// Look at it.
    Warn,
    /// Wrong.
    Bad,
}

/// A table being filled.
#[derive(Debug)]
pub(crate) struct Sheet {
    table: Table,
    right: Vec<bool>,
}

impl Sheet {
    /// With these columns; a name that starts with `>` is a column of numbers.
    pub(crate) fn new(colour: bool, columns: &[&str]) -> Self {
        let mut table = blank(colour);
        let right: Vec<bool> = columns.iter().map(|name| name.starts_with('>')).collect();
        let header = columns.iter().zip(&right).map(|(name, right)| {
            let cell = Cell::new(name.trim_start_matches('>').to_uppercase()).add_attribute(Attribute::Dim);
            align(cell, *right)
        });
        table.set_header(header.collect::<Vec<_>>());
        Self { table, right }
    }

    /// Of names and their values, without a header.
    pub(crate) fn pairs(colour: bool) -> Self {
        Self { table: blank(colour), right: Vec::new() }
    }

    /// Adds a name with its value.
    pub(crate) fn pair(&mut self, name: &str, value: impl Into<String>, paint: Paint) {
        self.row(vec![(name.to_owned(), Paint::Faint), (value.into(), paint)]);
    }

    /// Adds a row of plain and painted cells.
    pub(crate) fn row(&mut self, cells: Vec<(String, Paint)>) {
        let cells = cells.into_iter().zip(self.right.iter().copied().chain(std::iter::repeat(false)));
        let cells: Vec<Cell> =
            cells.map(|((text, paint), right)| align(painted(text, paint), right)).collect();
        self.table.add_row(cells);
    }

    /// The finished text, without spaces at the ends of lines.
    pub(crate) fn finish(self) -> String {
        let text = self.table.to_string();
        text.lines()
            .map(|line| line.trim_end().strip_prefix(' ').unwrap_or_else(|| line.trim_end()))
            .collect::<Vec<_>>()
            .join("\n")
    }
}

fn blank(colour: bool) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    if colour {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    // Wrapped only where there is a width to wrap to: a file or a pipe keeps its lines whole.
    let wrapped = std::io::stdout().is_terminal();
    table.set_content_arrangement(if wrapped {
        ContentArrangement::Dynamic
    } else {
        ContentArrangement::Disabled
    });
    table
}

fn align(cell: Cell, right: bool) -> Cell {
    if right { cell.set_alignment(CellAlignment::Right) } else { cell }
}

fn painted(text: String, paint: Paint) -> Cell {
    let cell = Cell::new(text);
    match paint {
        Paint::Plain => cell,
        Paint::Faint => cell.add_attribute(Attribute::Dim),
        Paint::Good => cell.fg(Color::Green),
        Paint::Active => cell.fg(Color::Cyan),
        Paint::Warn => cell.fg(Color::Yellow).add_attribute(Attribute::Bold),
        Paint::Bad => cell.fg(Color::Red),
    }
}

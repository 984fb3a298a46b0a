//! Aligned tables, plain where nobody looks at colours.

use std::io::IsTerminal;

use comfy_table::{
    Attribute, Cell, CellAlignment, Color, ColumnConstraint, ContentArrangement, Table, presets,
};

/// Spaces between two columns.
const PADDING: u16 = 2;

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
    optional: Vec<bool>,
}

impl Sheet {
    /// With these columns; a name that starts with `>` is a column of numbers, one that starts with `?` is left
    /// out where the terminal is too narrow, the last ones first.
    pub(crate) fn new(colour: bool, columns: &[&str]) -> Self {
        let mut table = blank(colour);
        let is = |mark| {
            columns
                .iter()
                .map(|name| name.chars().take_while(|c| "?>".contains(*c)).any(|c| c == mark))
                .collect()
        };
        let (right, optional): (Vec<bool>, Vec<bool>) = (is('>'), is('?'));
        let header = columns.iter().zip(&right).map(|(name, right)| {
            let cell =
                Cell::new(name.trim_start_matches(['?', '>']).to_uppercase()).add_attribute(Attribute::Dim);
            align(cell, *right)
        });
        table.set_header(header.collect::<Vec<_>>());
        Self { table, right, optional }
    }

    /// Of names and their values, without a header.
    pub(crate) fn pairs(colour: bool) -> Self {
        Self { table: blank(colour), right: Vec::new(), optional: Vec::new() }
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
    pub(crate) fn finish(mut self) -> String {
        // Between columns, not around them: the text begins where a line begins.
        for column in self.table.column_iter_mut() {
            column.set_padding((0, PADDING));
        }
        self.narrow();
        self.table.trim_fmt()
    }

    /// Leaves out what is optional until the rest fits.
    fn narrow(&mut self) {
        let Some(room) = self.table.width().map(u32::from) else { return };
        let widths = self.table.column_max_content_widths();
        let mut needed: u32 = widths.iter().map(|width| u32::from(*width) + u32::from(PADDING)).sum();
        for (index, width) in widths.iter().enumerate().rev() {
            if needed <= room {
                return;
            }
            if self.optional.get(index) == Some(&true)
                && let Some(column) = self.table.column_mut(index)
            {
                column.set_constraint(ColumnConstraint::Hidden);
                needed -= u32::from(*width) + u32::from(PADDING);
            }
        }
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
        Paint::Good => cell.fg(Color::DarkGreen),
        Paint::Active => cell.fg(Color::DarkCyan),
        Paint::Warn => cell.fg(Color::DarkYellow).add_attribute(Attribute::Bold),
        Paint::Bad => cell.fg(Color::DarkRed),
    }
}

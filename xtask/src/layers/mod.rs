//! `layers`: dependencies only point up the list in `rules`, and the picture of them is current.
//!
//! Two questions are asked. *Declared*: which member names which other one in its manifest. *Reached*:
//! which foreign crates end up linked, however many steps away. Both run within `cargo test` too.

mod declared;
mod diagram;
mod reached;
mod rules;

use std::path::Path;

use anyhow::{Result, bail};

use declared::Member;

use crate::step::{Context, Outcome, Step};
use crate::workspace::metadata;

pub(crate) const STEP: Step = Step {
    name: "layers",
    about: "dependency direction between crates; --write redraws the diagram",
    run: layers,
};

fn layers(context: &Context) -> Result<Outcome> {
    let members = declared::members(&metadata(&context.root)?)?;
    fail_on(&breaches(&context.root, &members)?)?;
    let drawing = diagram::draw(&members);
    let note = diagram::check(&context.root.join("ARCHITECTURE.md"), &drawing, context.flags.write)?;
    Ok(Outcome::Passed(format!("{} crates{note}", members.len())))
}

fn breaches(root: &Path, members: &[Member]) -> Result<Vec<String>> {
    let mut breaches = declared::breaches(members);
    breaches.extend(reached::breaches(root, members)?);
    Ok(breaches)
}

fn fail_on(breaches: &[String]) -> Result<()> {
    match breaches {
        [] => Ok(()),
        [only] => bail!("{only}"),
        many => bail!("{} breaches\n  {}", many.len(), many.join("\n  ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace;

    #[test]
    fn the_house_stands_dependencies_only_point_up() {
        let root = workspace::root().unwrap();
        let members = declared::members(&metadata(&root).unwrap()).unwrap();
        assert_eq!(breaches(&root, &members).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn one_breach_is_the_message_and_several_are_listed() {
        assert!(fail_on(&[]).is_ok());
        assert_eq!(fail_on(&["a".to_owned()]).unwrap_err().to_string(), "a");
        let several = fail_on(&["a".to_owned(), "b".to_owned()]).unwrap_err().to_string();
        assert_eq!(several, "2 breaches\n  a\n  b");
    }
}

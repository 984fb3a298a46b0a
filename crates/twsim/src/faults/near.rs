//! The nearest known word, for error messages.

/// Farther than this many edits, a word is not a slip of the finger.
const FARTHEST: usize = 4;

/// The known word with the fewest edits from `word`, if any is near.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = FARTHEST.min(word.chars().count().div_ceil(2));
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_word_and_nonsense_finds_none() {
        let known = ["half-open", "hold-client-id", "reject"];
        assert_eq!(nearest("halfopen", known), Some("half-open"));
        assert_eq!(nearest("rejct", known), Some("reject"));
        assert_eq!(nearest("explode", known), None);
        assert_eq!(nearest("", known), None);
    }
}

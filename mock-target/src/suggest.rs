//! Suggestions for mistyped words: "did you mean".

/// The one of `known` that is most similar to `word`, if any is similar: by Jaro–Winkler similarity above 0.7, or,
/// for a short word, with a Damerau–Levenshtein distance of one or two.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const MIN_SIMILARITY: f64 = 0.7;
    let similarity = |name: &str| strsim::jaro_winkler(word, name);
    let mistyped = |name: &str| strsim::damerau_levenshtein(word, name) <= 2.min(name.len() / 2);
    known
        .into_iter()
        .map(|name| (similarity(name), name))
        .filter(|(similarity, name)| *similarity > MIN_SIMILARITY || mistyped(name))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

/// `did you mean "article"? ` where one of `known` is similar, else empty. It is meant to precede a list of all.
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, known).map_or_else(String::new, |near| format!("did you mean \"{near}\"? "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typo_suggests_the_nearest_word() {
        let known = ["article", "quick", "lan", "sprint", "reset-mid-body"];
        for (word, near) in [
            ("artcle", Some("article")),
            ("qiuck", Some("quick")),
            ("lna", Some("lan")),
            ("reset-midbody", Some("reset-mid-body")),
            ("xyzzy", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, known), near, "{word}");
        }
        assert_eq!(did_you_mean("sprnt", known), "did you mean \"sprint\"? ");
    }
}

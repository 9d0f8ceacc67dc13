//! What the command line asks for, as criterion reads it but does not tell: for what is costly to prepare,
//! and for tables that are not criterion's.

use regex_lite::Regex;

/// Criterion's options with a value, which as a word of its own is no filter.
const WITH_VALUE: &[&str] = &[
    "-b",
    "-c",
    "-s",
    "--baseline",
    "--baseline-lenient",
    "--color",
    "--colour",
    "--confidence-level",
    "--format",
    "--load-baseline",
    "--measurement-time",
    "--noise-threshold",
    "--nresamples",
    "--output-format",
    "--plotting-backend",
    "--profile-time",
    "--sample-size",
    "--save-baseline",
    "--significance-level",
    "--warm-up-time",
];

/// What the command line asks for.
pub struct Asked {
    filter: Filter,
    runs: bool,
    measures: bool,
}

enum Filter {
    All,
    Matching(Regex),
    Exactly(String),
    Nothing,
}

impl Asked {
    /// Reads `arguments`, the program's name not among them.
    pub fn of(arguments: impl IntoIterator<Item = String>) -> Asked {
        let mut options = Vec::new();
        let mut word = None;
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            if WITH_VALUE.contains(&argument.as_str()) {
                arguments.next();
            } else if !argument.starts_with('-') {
                word = Some(argument.clone());
            }
            options.push(argument);
        }
        let has = |option: &str| options.iter().any(|given| given.split('=').next() == Some(option));
        let filter = match word {
            _ if has("--ignored") => Filter::Nothing,
            None => Filter::All,
            Some(word) if has("--exact") => Filter::Exactly(word),
            // Criterion knows more of regular expressions, and filters once more.
            Some(word) => Regex::new(&word).map_or(Filter::All, Filter::Matching),
        };
        // Cargo says `--bench`; without it, as in `cargo test --benches`, criterion tests.
        let benches = has("--bench") && !["--list", "--test", "--profile-time"].into_iter().any(has);
        let loads = benches && has("--load-baseline");
        Asked { filter, runs: !has("--list") && !loads, measures: benches && !loads }
    }

    /// Whether what is called `id` is asked for, by name.
    pub fn selects(&self, id: &str) -> bool {
        match &self.filter {
            Filter::All => true,
            Filter::Matching(regex) => regex.is_match(id),
            Filter::Exactly(word) => id == word,
            Filter::Nothing => false,
        }
    }

    /// Whether anything is to run, be it only for a test: figures that are loaded need no run.
    pub fn runs(&self) -> bool {
        self.runs
    }

    /// Whether what runs is measured.
    pub fn measures(&self) -> bool {
        self.measures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(line: &str) -> Asked {
        Asked::of(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn a_filter_is_a_regular_expression_or_a_whole_name() {
        assert!(asked("--bench").selects("anything"));
        assert!(asked("tok.*8 --bench").selects("models/tokio:128"));
        assert!(!asked("tok --exact --bench").selects("tokio"));
        assert!(asked("--exact tokio --bench").selects("tokio"));
        assert!(!asked("tokio --ignored --bench").selects("tokio"));
    }

    #[test]
    fn what_only_criterion_understands_is_left_to_it() {
        assert!(asked(r"\p{Lowercase}+ --bench").selects("tokio"));
    }

    #[test]
    fn the_value_of_an_option_is_no_filter() {
        for line in ["--save-baseline x --bench", "--save-baseline=x --bench", "-s x --bench", "-sx --bench"]
        {
            assert!(asked(line).selects("tokio"), "{line}");
        }
        assert!(!asked("--baseline tokio hyper --bench").selects("tokio"));
    }

    #[test]
    fn only_cargo_bench_itself_measures() {
        assert!(asked("--bench").measures());
        for line in ["", "--test", "--bench --test", "--bench --list", "--bench --profile-time=5"] {
            assert!(!asked(line).measures(), "{line}");
        }
        for line in ["--bench", "--test", "--bench --profile-time=5", "--bench --test --load-baseline x"] {
            assert!(asked(line).runs(), "{line}");
        }
        for line in ["--list --bench", "--bench --load-baseline x", "--bench --load-baseline=x"] {
            assert!(!asked(line).runs() && !asked(line).measures(), "{line}");
        }
    }
}

//! The command line as criterion reads it. Criterion does not expose it, and it is needed for costly preparations and
//! for tables that are not criterion's.

use regex_lite::Regex;

/// Criterion's options with a value. The word after one of these is no filter.
const OPTIONS_WITH_VALUE: &str = "-b -c -s --baseline --baseline-lenient --color --colour --confidence-level --format \
     --load-baseline --measurement-time --noise-threshold --nresamples --output-format --plotting-backend --profile-time \
     --sample-size --save-baseline --significance-level --warm-up-time";

/// The parsed command line.
pub struct BenchArgs {
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

impl BenchArgs {
    /// Parses `arguments`, without the program's name.
    pub fn parse(arguments: impl IntoIterator<Item = String>) -> BenchArgs {
        let mut options = Vec::new();
        let mut word = None;
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            if OPTIONS_WITH_VALUE.split(' ').any(|option| option == argument) {
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
            // Criterion supports more of regular expressions, and filters once more.
            Some(word) => Regex::new(&word).map_or(Filter::All, Filter::Matching),
        };
        // Cargo passes `--bench`. Without it, as in `cargo test --benches`, criterion only tests.
        let benches = has("--bench") && !["--list", "--test", "--profile-time"].into_iter().any(has);
        let loads = benches && has("--load-baseline");
        BenchArgs { filter, runs: !has("--list") && !loads, measures: benches && !loads }
    }

    /// Whether the filter selects `id`.
    pub fn selects(&self, id: &str) -> bool {
        match &self.filter {
            Filter::All => true,
            Filter::Matching(regex) => regex.is_match(id),
            Filter::Exactly(word) => id == word,
            Filter::Nothing => false,
        }
    }

    /// Whether benchmarks run, even if only as a test. Figures that are loaded need no run.
    pub fn runs(&self) -> bool {
        self.runs
    }

    /// Whether benchmarks are measured.
    pub fn measures(&self) -> bool {
        self.measures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(line: &str) -> BenchArgs {
        BenchArgs::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn the_filter_is_a_regular_expression_or_an_exact_name() {
        for (line, id, selected) in [
            ("--bench", "anything", true),
            ("tok.*8 --bench", "models/tokio:128", true),
            ("tok --exact --bench", "tokio", false),
            ("--exact tokio --bench", "tokio", true),
            ("tokio --ignored --bench", "tokio", false),
            // An unsupported regular expression selects everything.
            (r"\p{Lowercase}+ --bench", "tokio", true),
            // The value of an option is no filter.
            ("--save-baseline x --bench", "tokio", true),
            ("--save-baseline=x --bench", "tokio", true),
            ("-s x --bench", "tokio", true),
            ("-sx --bench", "tokio", true),
            ("--baseline tokio hyper --bench", "tokio", false),
        ] {
            assert_eq!(args(line).selects(id), selected, "{line}");
        }
    }

    #[test]
    fn only_cargo_bench_measures() {
        assert!(args("--bench").measures());
        for line in ["", "--test", "--bench --test", "--bench --list", "--bench --profile-time=5"] {
            assert!(!args(line).measures(), "{line}");
        }
        for line in ["--bench", "--test", "--bench --profile-time=5", "--bench --test --load-baseline x"] {
            assert!(args(line).runs(), "{line}");
        }
        for line in ["--list --bench", "--bench --load-baseline x", "--bench --load-baseline=x"] {
            assert!(!args(line).runs() && !args(line).measures(), "{line}");
        }
    }
}

//! What is wrong with a TOML file, in one line.

/// Where the parser stopped, the line there, and why.
pub(crate) fn one_line(text: &str, error: &toml::de::Error) -> anyhow::Error {
    let at = error.span().map_or(0, |span| span.start.min(text.len()));
    let number = text[..at].matches('\n').count();
    let line = text.lines().nth(number).unwrap_or_default().trim();
    let shown: String = line.chars().take(60).collect();
    anyhow::anyhow!("line {} (`{shown}`): {}", number + 1, error.message().replace('\n', " "))
}

use super::*;

#[test]
fn built_in_bundles_are_valid() {
    let folders = BUILT_IN.dirs().filter(|folder| folder.get_file(folder.path().join(FILE_NAME)).is_some());
    let mut names: Vec<String> =
        built_in().unwrap().iter().map(|external| external.bundle.name.clone()).collect();
    names.dedup();
    assert_eq!(names.len(), folders.count());
}

#[test]
fn commands_are_quoted_for_a_shell() {
    let words = ["sh", "-c", "echo 'x'", "a/b:c"].map(str::to_owned);
    assert_eq!(shell_line(&words), r"sh -c 'echo '\''x'\''' a/b:c");
}

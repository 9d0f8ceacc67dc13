//! Has the contenders in other languages embedded anew when a file is added: the compiler sees only those that it knows.

fn main() {
    println!("cargo::rerun-if-changed=contenders");
}

//! Prints a line, from Rust's standard library.

fn main() {
    println!("Hello, world!");
}

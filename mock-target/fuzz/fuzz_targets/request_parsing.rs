//! Any bytes, cut anywhere, are read the same way, and without a panic.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (Vec<u8>, [u16; 2])| {
    let (bytes, cuts) = input;
    mock_target::server::check_reading(&bytes, &cuts.map(usize::from));
});

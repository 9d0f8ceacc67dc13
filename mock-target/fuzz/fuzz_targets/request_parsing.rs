//! Requests are parsed the same way however their bytes are split, and without a panic.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (Vec<u8>, [u16; 2])| {
    let (bytes, cuts) = input;
    mock_target::server::check_request_parsing(&bytes, &cuts.map(usize::from));
});

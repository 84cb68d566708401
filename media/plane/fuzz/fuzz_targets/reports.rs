#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| plane_fuzz::reports(data));

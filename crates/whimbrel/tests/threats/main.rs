//! What every HTTP client has been bitten by: one module a row of the project's table of threats, played against whole
//! servers. The rows that a pure machine decides are tested there too, byte by byte (`whimbrel-proto`).

mod world;

mod row_01_credentials;
mod row_02_proxy_credentials;
mod row_03_connection_identity;
mod row_04_certificates;
mod row_05_injection;
mod row_06_framing;
mod row_07_bombs;
mod row_08_floods;
mod row_09_cookies;
mod row_10_lengths;
mod row_11_files;
mod row_13_stale_state;
mod row_14_hosts;
mod row_15_lifetimes;
mod small_list;

//! Whimbrel's Rust API with one client, as its documentation shows it.

use whimbrel::{Body, Client};
use whimbrel_bench_peers::{Outcome, measure};

fn main() -> Outcome {
    measure(|job| {
        let client = Client::new();
        let secure = job.url.starts_with("https:");
        Ok(move || {
            let mut request = if job.mode == "upload" { client.put(&job.url) } else { client.get(&job.url) };
            if secure {
                request = request.ca_file(&job.ca);
            }
            match job.mode.as_str() {
                "sink" => {
                    request.send()?.copy_to(&mut std::io::sink())?;
                }
                "file" => {
                    request.download(&job.file)?;
                }
                "upload" => {
                    request.body(Body::file(&job.file)?).send()?.error_for_status()?.into_bytes()?;
                }
                _ => {
                    request.send()?.into_bytes()?;
                }
            }
            Ok(())
        })
    })
}

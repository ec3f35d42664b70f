//! ureq 3 with one agent, as its documentation shows it.

use std::fs::File;
use std::io::copy;

use ureq::tls::{Certificate, RootCerts, TlsConfig};
use whimbrel_bench_peers::{Outcome, measure};

fn main() -> Outcome {
    measure(|job| {
        let mut config = ureq::Agent::config_builder();
        if job.url.starts_with("https:") {
            let pem = std::fs::read(&job.ca)?;
            let roots = RootCerts::new_with_certs(&[Certificate::from_pem(&pem)?]);
            config = config.tls_config(TlsConfig::builder().root_certs(roots).build());
        }
        let agent: ureq::Agent = config.build().into();
        Ok(move || {
            match job.mode.as_str() {
                "sink" => {
                    copy(&mut agent.get(&job.url).call()?.body_mut().as_reader(), &mut std::io::sink())?;
                }
                "file" => {
                    copy(&mut agent.get(&job.url).call()?.body_mut().as_reader(), &mut File::create(&job.file)?)?;
                }
                "upload" => {
                    agent.put(&job.url).send(File::open(&job.file)?)?.body_mut().read_to_vec()?;
                }
                _ => {
                    agent.get(&job.url).call()?.body_mut().read_to_vec()?;
                }
            }
            Ok(())
        })
    })
}

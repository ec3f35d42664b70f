//! nginx in front of a folder, over HTTP and HTTPS: the real server of the scripts that ask for pages and images.

#[path = "../../../whimbrel/tests/real_servers/server.rs"]
#[expect(dead_code, reason = "the folder's own authority is for other tests")]
mod server;

use std::path::PathBuf;

use server::{Folder, Server, free_port};
use whimbrel_testkit::{Authority, bytes_of_seed};

const PAGE: &str = "<!DOCTYPE html>\n<title>The whimbrel</title>\n<p>A wader with a long, curved bill.\n";
/// Large enough to come in many pieces.
const IMAGE_SIZE: usize = 1 << 20;

/// Ends with the value.
pub(crate) struct Nginx {
    server: Server,
    plain: u16,
    tls: u16,
}

impl Nginx {
    /// With a certificate for `names` by `authority`.
    pub(crate) fn start(authority: &Authority, names: &[&str]) -> Self {
        let folder = Folder::new("lua-nginx");
        folder.write_identity(&authority.issue(names));
        folder.write("www/index.html", PAGE);
        folder.write("www/images/simulator/image-mask-base2.png", bytes_of_seed(9, IMAGE_SIZE));
        let (plain, tls) = (free_port(), free_port());
        let dir = folder.path().to_str().expect("the temporary folder's path is UTF-8").to_owned();
        folder.write(
            "nginx.conf",
            format!(
                "daemon off;
master_process off;
pid nginx.pid;
events {{ worker_connections 512; }}
http {{
    access_log off;
    types {{ text/html html; image/png png; }}
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    server {{
        listen 127.0.0.1:{plain};
        listen 127.0.0.1:{tls} ssl;
        ssl_certificate {dir}/server.pem;
        ssl_certificate_key {dir}/server.key;
        root {dir}/www;
    }}
}}
"
            ),
        );
        let arguments = ["-p", &dir, "-e", "stderr", "-c", "nginx.conf"];
        let server = Server::start("nginx", "nginx-light", &arguments, &[plain, tls], folder);
        Self { server, plain, tls }
    }

    /// What a script is told of it.
    pub(crate) fn environment(&self) -> [(&'static str, String); 5] {
        let image: PathBuf = self.server.folder().path().join("www/images/simulator/image-mask-base2.png");
        [
            ("NGINX_URL", format!("http://127.0.0.1:{}", self.plain)),
            ("NGINX_TLS_URL", format!("https://127.0.0.1:{}", self.tls)),
            ("NGINX_PAGE", PAGE.to_owned()),
            ("NGINX_IMAGE", image.to_str().expect("the temporary folder's path is UTF-8").to_owned()),
            ("NGINX_IMAGE_SIZE", IMAGE_SIZE.to_string()),
        ]
    }
}

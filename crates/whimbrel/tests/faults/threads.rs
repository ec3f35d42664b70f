//! One client on many threads, while its connections come and go.

use std::thread;

use whimbrel_testkit::Origin;

use crate::outcome::{client, whole};

#[test]
fn requests_of_many_threads_on_one_client_get_their_own_answers() {
    // Connections end all the time, announced, between requests of whichever thread.
    let origin = Origin::builder().requests_per_connection(7).start().unwrap();
    let client = client();
    thread::scope(|scope| {
        for thread in 0..8 {
            let (client, origin) = (&client, &origin);
            scope.spawn(move || {
                for round in 0..100 {
                    let mark = format!("{thread}-{round}");
                    let request = match round % 3 {
                        0 => client.get(&origin.url("/get")).query("mark", &mark),
                        1 => client.post(&origin.url("/post")).body(mark.as_str()),
                        // Dropped half-way: never the next one's answer.
                        _ => {
                            drop(client.get(&origin.url("/bytes/300000")).send().unwrap());
                            continue;
                        }
                    };
                    let (status, body) = whole(request).unwrap();
                    let text = String::from_utf8(body).unwrap();
                    assert!(status == 200 && text.contains(&format!("\"{mark}\"")), "{mark}: {status} {text}");
                }
            });
        }
    });
    assert!(client.idle_connections() <= 8);
}

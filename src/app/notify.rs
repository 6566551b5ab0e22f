//! Notices to a webhook: one POST, tried again while the other side may recover.

use std::time::Duration;

use super::AppError;

/// A webhook.
#[derive(Clone)]
pub struct Webhook {
    /// Where to.
    pub url: String,
    /// Sent as `Authorization: Bearer …`, where given. Never shown.
    pub token: Option<String>,
    /// How long one attempt may take.
    pub timeout: Duration,
    /// How often it is tried.
    pub attempts: u32,
    /// The pause before the second attempt; doubled before each later one.
    pub pause: Duration,
}

impl Webhook {
    /// Three attempts of ten seconds, one and two seconds apart.
    pub fn new(url: String, token: Option<String>) -> Self {
        Self {
            url,
            token,
            timeout: Duration::from_secs(10),
            attempts: 3,
            pause: Duration::from_secs(1),
        }
    }

    /// Posts a JSON document. An answer of 429 or 5xx, and none at all, is tried again; any other than 2xx is final.
    ///
    /// # Errors
    /// [`AppError::Webhook`], with the last answer.
    pub fn post(&self, body: &str) -> Result<(), AppError> {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .timeout_global(Some(self.timeout))
            .http_status_as_error(false)
            .build()
            .into();
        let (mut pause, mut why) = (self.pause, String::new());
        for attempt in 0..self.attempts.max(1) {
            if attempt > 0 {
                std::thread::sleep(pause);
                pause *= 2;
            }
            let mut request = agent
                .post(&self.url)
                .header("Content-Type", "application/json");
            if let Some(token) = &self.token {
                request = request.header("Authorization", format!("Bearer {token}"));
            }
            match request.send(body) {
                Ok(answer) if answer.status().is_success() => return Ok(()),
                Ok(answer) => {
                    why = format!("it answered {}", answer.status());
                    let status = answer.status().as_u16();
                    if status != 429 && status < 500 {
                        break;
                    }
                }
                Err(error) => why = error.to_string(),
            }
        }
        Err(AppError::Webhook {
            place: place(&self.url),
            why,
        })
    }
}

/// Scheme and host of an address: the rest may be a secret.
fn place(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit('@').next().unwrap_or_default();
    format!("{scheme}://{host}/…")
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::TcpListener;

    use super::*;

    /// Answers one request after the other with these statuses; returns what was asked.
    fn receiver(
        statuses: &'static [&'static str],
    ) -> (String, std::thread::JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let thread = std::thread::spawn(move || {
            let mut asked = Vec::new();
            for status in statuses {
                let (stream, _) = listener.accept().unwrap();
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let (mut head, mut length) = (String::new(), 0);
                loop {
                    let mut line = String::new();
                    reader.read_line(&mut line).unwrap();
                    if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                        length = value.trim().parse().unwrap();
                    }
                    if line.trim().is_empty() {
                        break;
                    }
                    head.push_str(&line.to_lowercase());
                }
                let mut body = vec![0; length];
                reader.read_exact(&mut body).unwrap();
                asked.push(format!("{head}\n{}", String::from_utf8(body).unwrap()));
                let mut stream = stream;
                write!(
                    stream,
                    "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                )
                .unwrap();
            }
            asked
        });
        (url, thread)
    }

    fn hook(url: String) -> Webhook {
        Webhook {
            pause: Duration::from_millis(1),
            ..Webhook::new(url, Some("s3cret".into()))
        }
    }

    #[test]
    fn a_receiver_that_recovers_gets_the_notice_with_the_token() {
        let (url, thread) = receiver(&["503 Busy", "429 Slow", "204 Done"]);
        hook(url).post("{\"a\":1}").unwrap();
        let asked = thread.join().unwrap();
        assert_eq!(asked.len(), 3);
        for asked in asked {
            assert!(asked.starts_with("post /hook"), "{asked}");
            assert!(asked.contains("authorization: bearer s3cret"), "{asked}");
            assert!(asked.ends_with("{\"a\":1}"), "{asked}");
        }
    }

    #[test]
    fn a_refusal_is_final_and_tells_no_secret() {
        let (url, thread) = receiver(&["403 Forbidden"]);
        let error = hook(url).post("{}").unwrap_err().to_string();
        assert_eq!(thread.join().unwrap().len(), 1);
        assert!(error.contains("403"), "{error}");
        assert!(
            !error.contains("/hook") && !error.contains("s3cret"),
            "{error}"
        );
    }

    #[test]
    fn nobody_there_is_an_error_after_all_attempts() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        drop(listener);
        assert!(hook(url).post("{}").is_err());
    }

    #[test]
    fn only_scheme_and_host_are_shown() {
        assert_eq!(
            place("https://user:pw@hooks.example.org/T0/secret?x=1"),
            "https://hooks.example.org/…"
        );
    }
}

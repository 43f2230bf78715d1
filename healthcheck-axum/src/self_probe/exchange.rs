//! One request over HTTP/1.0 and its answer: it ends with the connection and comes in no chunks, so that reading it
//! takes the parser that hyper has and no client.

use axum::http::StatusCode;
use httparse::{EMPTY_HEADER, Header, Response};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// As many headers as hyper takes.
const MOST_HEADERS: usize = 100;
/// As much is read at once.
const PIECE: usize = 16 * 1024;

/// Writes the request's head, a blank line at its end, and reads the answer: its status and its body, of at most
/// `longest` bytes with the head.
///
/// # Errors
/// The connection breaks, or what comes isn't HTTP or is too long; in words.
pub(crate) async fn exchange(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    request: &str,
    longest: usize,
) -> Result<(StatusCode, Vec<u8>), String> {
    let sent = stream.write_all(request.as_bytes()).await;
    sent.map_err(|why| why.to_string())?;
    let mut read = Vec::with_capacity(PIECE);
    let mut head = None;
    loop {
        read.reserve(PIECE);
        let more = stream.read_buf(&mut read).await;
        let ended = more.map_err(|why| why.to_string())? == 0;
        if head.is_none() {
            head = Head::parse(&read)?;
        }
        match &head {
            Some(head) if head.is_all(read.len(), ended) => {
                let mut body = read.split_off(head.bytes);
                body.truncate(head.length.unwrap_or(usize::MAX));
                return Ok((head.status, body));
            }
            _ if ended => return Err("the connection ended before the answer did".to_owned()),
            _ if read.len() > longest => return Err(format!("the answer is longer than {longest} bytes")),
            _ => {}
        }
    }
}

/// What stands before the body.
struct Head {
    status: StatusCode,
    /// The body's, where it is told.
    length: Option<usize>,
    /// Its own length.
    bytes: usize,
}

impl Head {
    /// `None`: there is more to come.
    fn parse(read: &[u8]) -> Result<Option<Self>, String> {
        let mut headers = [EMPTY_HEADER; MOST_HEADERS];
        let mut answer = Response::new(&mut headers);
        let parsed = answer.parse(read).map_err(|why| why.to_string())?;
        let httparse::Status::Complete(bytes) = parsed else {
            return Ok(None);
        };
        let status = StatusCode::from_u16(answer.code.unwrap_or_default()).map_err(|why| why.to_string())?;
        let length = answer.headers.iter().find_map(length);
        Ok(Some(Self {
            status,
            length,
            bytes,
        }))
    }

    fn is_all(&self, read: usize, ended: bool) -> bool {
        match self.length {
            Some(length) => read.saturating_sub(self.bytes) >= length,
            None => ended,
        }
    }
}

fn length(header: &Header<'_>) -> Option<usize> {
    let is_it = header.name.eq_ignore_ascii_case("content-length");
    let value = is_it.then(|| str::from_utf8(header.value).ok()).flatten()?;
    value.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes of an answer that is sent in these pieces.
    async fn answered(pieces: &[&str]) -> Result<(u16, String), String> {
        let (near, mut far) = tokio::io::duplex(64);
        let send = async {
            let mut request = [0; 4];
            far.read_exact(&mut request).await.unwrap();
            for piece in pieces {
                if far.write_all(piece.as_bytes()).await.is_err() {
                    break;
                }
                tokio::task::yield_now().await;
            }
            drop(far);
        };
        let (answer, ()) = tokio::join!(exchange(near, "GET ", 100), send);
        answer.map(|(status, body)| (status.as_u16(), String::from_utf8(body).unwrap()))
    }

    #[tokio::test]
    async fn an_answer_is_read_however_it_is_cut() {
        let expected = Ok((503, "down".to_owned()));
        let told = "HTTP/1.1 503 Gone\r\nContent-length: 4\r\n\r\n";
        assert_eq!(answered(&[told, "down"]).await, expected);
        assert_eq!(answered(&[told, "do", "wn", "more"]).await, expected);
        assert_eq!(answered(&["HTTP/1.0 503\r", "\n\r\ndo", "wn"]).await, expected);
        assert_eq!(
            answered(&["HTTP/1.0 204 None\r\n\r\n"]).await,
            Ok((204, String::new()))
        );
    }

    #[tokio::test]
    async fn what_is_cut_short_too_long_or_no_http_is_no_answer() {
        for (pieces, why) in [
            (
                &["HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "half"][..],
                "ended",
            ),
            (&["HTTP/1.1 200 OK\r\n"], "ended"),
            (&[], "ended"),
            (&["220 mail.example.com ESMTP\r\n"], "version"),
            (&["HTTP/1.0 099 Odd\r\n\r\n"], "status code"),
            (&["HTTP/1.0 200 OK\r\n\r\n", &"x".repeat(200)], "longer than 100"),
        ] {
            let said = answered(pieces).await.unwrap_err();
            assert!(said.contains(why), "{pieces:?}: {said}");
        }
    }
}

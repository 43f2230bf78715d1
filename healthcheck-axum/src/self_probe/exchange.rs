//! Sends one request over HTTP/1.0 and reads its response.
//!
//! HTTP/1.0 has no chunked bodies, and the connection ends with the response. Such a response can be read without an
//! HTTP client. The crate httparse parses the head of the response.

use axum::http::StatusCode;
use httparse::{EMPTY_HEADER, Header, Response};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// The most headers that a response may have. hyper has the same limit.
const MOST_HEADERS: usize = 100;
/// The number of free bytes that the buffer gets before each read.
const PIECE: usize = 16 * 1024;

/// Sends `request`, a head that ends with a blank line, and returns the status code and the body of the response. The
/// head and the body of the response may together have at most `longest` bytes.
///
/// # Errors
/// Returns a description of the problem if the connection breaks, or if the response is too long or isn't HTTP.
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

/// The head of a response.
struct Head {
    status: StatusCode,
    /// The value of the header `Content-Length`, if the response has this header.
    length: Option<usize>,
    /// The length of the response's head, in bytes.
    bytes: usize,
}

impl Head {
    /// Parses the head of a response. Returns `None` if `read` doesn't contain the complete head yet.
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

    /// Calls `exchange` with a peer that sends its response in these pieces, and returns the result of `exchange`.
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

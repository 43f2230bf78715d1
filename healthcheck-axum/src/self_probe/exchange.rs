//! Sends one request over HTTP/1.0 and reads its response. HTTP/1.0 has no chunked bodies, and the connection ends with
//! the response. So hyper's parser of heads (httparse) is enough, and no HTTP client is needed.

use axum::http::StatusCode;
use httparse::{EMPTY_HEADER, Header, Response};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// The most headers that a response may have. hyper has the same limit.
const MOST_HEADERS: usize = 100;
/// How many bytes the buffer grows for each read.
const PIECE: usize = 16 * 1024;

/// Sends the request head, which has to end with a blank line. Returns the status and the body of the response. Head
/// and body together may have at most `longest` bytes.
///
/// # Errors
/// Returns a description if the connection breaks, or if the response is too long or isn't HTTP.
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
    /// The content length, if the response has one.
    length: Option<usize>,
    /// The length of the head itself.
    bytes: usize,
}

impl Head {
    /// Parses the head. Returns `None` if it isn't complete yet.
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

    /// Returns the result of an exchange whose response arrives in these pieces.
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

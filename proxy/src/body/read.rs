//! Reads a body that has to be whole.

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;

use super::{Body, BodyError};

/// Why a body was not read whole.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It is longer than the limit.
    #[error("the body is longer than {0} bytes")]
    TooLarge(usize),
    /// It broke off.
    #[error("the body broke off")]
    Broken(#[source] BodyError),
}

/// Reads a body that has to be whole, up to `limit` bytes.
///
/// # Errors
/// [`ReadError`]; the rest of the body is not read then.
pub async fn read_up_to(mut body: Body, limit: usize) -> Result<Bytes, ReadError> {
    let mut read = BytesMut::new();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.map_err(ReadError::Broken)?.into_data() {
            if read.len() + data.len() > limit {
                return Err(ReadError::TooLarge(limit));
            }
            read.extend_from_slice(&data);
        }
    }
    Ok(read.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_is_read_up_to_its_limit_and_no_further() {
        assert_eq!(read_up_to(Body::full("12345"), 5).await.unwrap(), "12345");
        assert!(matches!(read_up_to(Body::full("12345"), 4).await, Err(ReadError::TooLarge(4))));
        assert_eq!(read_up_to(Body::empty(), 0).await.unwrap(), "");
    }
}

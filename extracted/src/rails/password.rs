//! `has_secure_password`: bcrypt as Rails calls it.
//!
//! Source: activemodel 6.1, `secure_password.rb`; bcrypt 3.1.18, `password.rb`, `engine.rb` and
//! `bcrypt_ext.c`; devise 4.8, `models/database_authenticatable.rb` (`authenticatable_salt`).

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::{
    Engine as _, alphabet,
    engine::{GeneralPurpose, GeneralPurposeConfig, general_purpose::NO_PAD},
};
use rand::CryptoRng;
use tokio::task::{JoinError, spawn_blocking};

/// The characters, not bytes, that `validates_length_of` lets a new password have. Of their bytes
/// bcrypt sees the first [`MAX_BYTES`].
pub const MAX_CHARACTERS: usize = 72;

/// What bcrypt sees of a password.
pub const MAX_BYTES: usize = 72;

const SALT_BYTES: usize = 16;

/// The version, the cost and the salt: `$2a$12$` and 22 characters.
const SALT_END: usize = 29;

const DIGEST_LENGTH: usize = 60;

/// Of a salt's last character only two bits count. OpenBSD's crypt reads it so, and writes it with
/// the other four off.
const ENCODING: GeneralPurpose =
    GeneralPurpose::new(&alphabet::BCRYPT, LENIENT.with_encode_padding(false));
const LENIENT: GeneralPurposeConfig = NO_PAD.with_decode_allow_trailing_bits(true);

/// `BCrypt::Engine.cost`: two to this power is the number of rounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost(u32);

/// Where Rails raises.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// `BCrypt::Errors::InvalidHash`: also for an empty digest, which is simply wrong from Rails 7.0 on.
    #[error("the digest is not one of bcrypt")]
    InvalidDigest,
    /// Within what bcrypt would see. In Ruby an `ArgumentError`: the extension wants C's strings.
    #[error("the password holds a NUL")]
    Nul,
    /// `$2x$` is what a bug of crypt made of letters beyond ASCII; it is not made up here.
    #[error("the digest is of the version 2x, and the password beyond ASCII")]
    Crooked,
    /// The runtime shuts down.
    #[error("the password was not looked at")]
    Interrupted(#[source] JoinError),
}

impl Cost {
    /// What the gem has when the application sets nothing.
    pub const DEFAULT: Self = Self(12);

    /// Rails takes 4 to 31; below that the gem takes 4, above it raises.
    pub fn new(cost: u32) -> Option<Self> {
        (4..=31).contains(&cost).then_some(Self(cost))
    }
}

/// `user.authenticate(password)`, on a thread that may block: a cost of 12 takes some 250 ms. Dropping
/// the future does not stop it.
///
/// # Errors
/// [`PasswordError`], where Rails answers 500.
pub async fn verify(password: &str, digest: &str) -> Result<bool, PasswordError> {
    let (password, digest) = (password.to_owned(), digest.to_owned());
    spawn_blocking(move || is_password(&password, &digest))
        .await
        .map_err(PasswordError::Interrupted)?
}

/// The digest that `user.password = password` sets; on a thread that may block, as [`verify`]. Rails
/// sets none for an empty password: the one before stays.
///
/// # Errors
/// [`PasswordError::Nul`], [`PasswordError::Interrupted`].
pub async fn digest(
    password: &str,
    cost: Cost,
    random: &mut impl CryptoRng,
) -> Result<String, PasswordError> {
    let mut salt = [0; SALT_BYTES];
    random.fill_bytes(&mut salt);
    let password = password.to_owned();
    spawn_blocking(move || Ok(hashed("2a", cost.0, salt, &seen(&password)?)))
        .await
        .map_err(PasswordError::Interrupted)?
}

/// `user.authenticatable_salt`: what Devise and Warden keep in a session, so that a changed password
/// ends it. None when there is no digest, and less than a salt when there is less.
pub fn authenticatable_salt(digest: &str) -> Option<&str> {
    if digest.is_empty() { None } else { Some(digest.get(..SALT_END).unwrap_or(digest)) }
}

/// `BCrypt::Password.new(digest).is_password?(password)`; compared in constant time, which the gem
/// does not.
fn is_password(password: &str, digest: &str) -> Result<bool, PasswordError> {
    let (version, cost, salt) = parts(digest).ok_or(PasswordError::InvalidDigest)?;
    let seen = seen(password)?;
    let known = match version {
        "2a" | "2b" | "2y" => true,
        "2x" if seen.is_ascii() => true,
        "2x" => return Err(PasswordError::Crooked),
        // What crypt does not know it hashes to nothing, and that equals no digest.
        _ => false,
    };
    let (Some(Cost(cost)), true) = (Cost::new(cost), known) else { return Ok(false) };
    let hashed = hashed(version, cost, salt, &seen);
    Ok(verify_slices_are_equal(hashed.as_bytes(), digest.as_bytes()).is_ok())
}

/// `valid_hash?`: `/\A\$[0-9a-z]{2}\$[0-9]{2}\$[A-Za-z0-9\.\/]{53}\z/`
fn parts(digest: &str) -> Option<(&str, u32, [u8; SALT_BYTES])> {
    let rest = digest.strip_prefix('$').filter(|_| digest.len() == DIGEST_LENGTH)?;
    let (version, rest) = rest.split_once('$')?;
    let (cost, rest) = rest.split_once('$')?;
    let lower = |it: u8| it.is_ascii_digit() || it.is_ascii_lowercase();
    let letter = |it: u8| it.is_ascii_alphanumeric() || it == b'.' || it == b'/';
    let shaped = version.len() == 2
        && version.bytes().all(lower)
        && cost.len() == 2
        && cost.bytes().all(|it| it.is_ascii_digit())
        && rest.bytes().all(letter);
    let salt = ENCODING.decode(rest.get(..22).filter(|_| shaped)?).ok()?;
    Some((version, cost.parse().ok()?, salt.try_into().ok()?))
}

/// As C sees it: with the NUL that ends it, if there is room for that.
fn seen(password: &str) -> Result<Vec<u8>, PasswordError> {
    let bytes = password.as_bytes();
    let mut seen = bytes[..bytes.len().min(MAX_BYTES)].to_vec();
    if seen.contains(&0) {
        return Err(PasswordError::Nul);
    }
    if seen.len() < MAX_BYTES {
        seen.push(0);
    }
    Ok(seen)
}

/// `cost` is at most 31, and `seen` what [`seen`] returns.
fn hashed(version: &str, cost: u32, salt: [u8; SALT_BYTES], seen: &[u8]) -> String {
    let hash = bcrypt::bcrypt(cost, salt, seen);
    // Of the 24 bytes crypt has never written the last.
    let (salt, hash) = (ENCODING.encode(salt), ENCODING.encode(&hash[..23]));
    format!("${version}${cost:02}${salt}{hash}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn vectors(group: &str) -> Vec<Value> {
        let file: Value =
            serde_json::from_str(include_str!("../../tests/vectors/password.json")).unwrap();
        file[group].as_array().unwrap().clone()
    }

    #[test]
    fn a_password_is_right_wrong_or_an_error_as_in_ruby() {
        let vectors = vectors("is_password");
        assert!(vectors.len() > 50);
        for vector in vectors {
            let [password, digest] = [0, 1].map(|at| vector[at].as_str().unwrap());
            let said = match is_password(password, digest) {
                Ok(right) => Value::Bool(right),
                Err(PasswordError::InvalidDigest) => "BCrypt::Errors::InvalidHash".into(),
                Err(PasswordError::Nul) => "ArgumentError".into(),
                Err(error) => panic!("{vector}: {error}"),
            };
            assert_eq!(said, vector[2], "{vector}");
        }
    }

    #[test]
    fn a_digest_is_what_the_gem_makes_with_that_salt() {
        for vector in vectors("hash_secret") {
            let [password, salt] = [0, 1].map(|at| vector[at].as_str().unwrap());
            let full = format!("{salt}{:.<31}", "");
            let (version, cost, salt) = parts(&full).unwrap();
            let made = hashed(version, cost, salt, &seen(password).unwrap());
            assert_eq!(made, vector[2], "{vector}");
        }
    }

    #[test]
    fn a_crooked_digest_is_refused_where_it_might_be_right() {
        let digest = "$2x$04$abcdefghijklmnopqrstuubyCG3zY1GIXMyxfivm.ClDiInHzxjiq";
        assert!(is_password("", digest).unwrap());
        assert!(matches!(is_password("é", digest), Err(PasswordError::Crooked)));
    }

    #[test]
    fn the_salt_is_what_devise_takes_for_it() {
        let digest = "$2a$04$abcdefghijklmnopqrstuubyCG3zY1GIXMyxfivm.ClDiInHzxjiq";
        assert_eq!(authenticatable_salt(digest), Some("$2a$04$abcdefghijklmnopqrstuu"));
        assert_eq!(authenticatable_salt(""), None);
        assert_eq!(authenticatable_salt("short"), Some("short"));
    }

    #[test]
    fn a_cost_is_one_that_ends() {
        assert_eq!(
            [3, 4, 12, 31, 32].map(|it| Cost::new(it).is_some()),
            [false, true, true, true, false]
        );
        assert_eq!(Cost::new(12), Some(Cost::DEFAULT));
    }

    #[tokio::test]
    async fn what_is_hashed_is_verified_and_nothing_else_is() {
        let cost = Cost::new(4).unwrap();
        let made = digest("pässwörd", cost, &mut rand::rng()).await.unwrap();
        assert!(made.starts_with("$2a$04$") && made.len() == DIGEST_LENGTH, "{made}");
        assert!(verify("pässwörd", &made).await.unwrap());
        assert!(!verify("passwörd", &made).await.unwrap());
        let again = digest("pässwörd", cost, &mut rand::rng()).await.unwrap();
        assert_ne!(made, again, "another salt");
        let nul = digest("a\0", cost, &mut rand::rng()).await;
        assert!(matches!(nul, Err(PasswordError::Nul)));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20))]

        #[test]
        fn no_digest_panics(password in "\\PC{0,100}", digest in "\\$2[abxy]\\$0[0-4]\\$[./A-Za-z0-9é]{50,54}") {
            let _ = is_password(&password, &digest);
            let _ = authenticatable_salt(&digest);
        }

        #[test]
        fn only_the_first_72_bytes_count(password in "\\PC{20,40}", more in "\\PC{1,9}") {
            let padded = format!("{password:x<72}");
            let salt = [7; SALT_BYTES];
            let one = hashed("2a", 4, salt, &seen(&padded).unwrap());
            let longer = padded + &more;
            prop_assert!(is_password(&longer, &one).unwrap());
        }
    }
}

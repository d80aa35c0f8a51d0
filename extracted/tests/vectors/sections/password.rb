# What bcrypt makes of passwords, and of digests that are none.
require "bcrypt"

SALTS = %w[$2a$04$abcdefghijklmnopqrstuu $2b$05$./ABCDEFGHIJKLMNOPQRSO $2y$04$0123456789012345678901 $2a$04$abcdefghijklmnopqrstuz].freeze
PASSWORDS = ["", "correct horse", "p\u00e4ssw\u00f6rd", "\u00ff\u00ff\u00a3", "\u{1f40e} horse", " ", "a" * 71, "a" * 72, "a" * 73, "\u00e9" * 36, "\u00e9" * 37, "x" + "\u00e9" * 36].freeze

def made(password, salt)
  BCrypt::Engine.hash_secret(password, salt)
end

def said(password, digest)
  [password, digest, BCrypt::Password.new(digest).is_password?(password)]
rescue ArgumentError, BCrypt::Errors::InvalidHash => e
  [password, digest, e.class.name]
end

def crooked(digest)
  long = made("a" * 72, SALTS[0])
  [
    said("", ""), said("", "correct horse"), said("", digest[0..-2]), said("", "#{digest}a"), said("", "#{digest}\n"), said("", " #{digest}"),
    said("", digest.sub("$04$", "$4$")), said("", digest.sub("$04$", "$004$")), said("", digest.sub("2a", "2A")), said("", digest.sub("2a", "2")),
    said("", digest.tr("/.", "+=")), said("", digest.sub("uu", "\u00e9")), said("", digest.swapcase),
    *%w[2b 2y 2x 2c 1a 00].map { |version| said("", digest.sub("2a", version)) },
    *%w[00 03 32 99].map { |cost| said("", digest.sub("04", cost)) },
    said("", digest.sub("uu", "uv")), said("", "#{digest[0..-2]}r"),
    said("a\0", digest), said("\0", digest), said("a" * 72 + "\0", long), said("a" * 71 + "\0", long), said("\0", "none"), said("a" * 71, long), said("a" * 500, long)
  ]
end

def vectors
  {
    "hash_secret" => PASSWORDS.product(SALTS).map { |password, salt| [password, salt, made(password, salt)] },
    "is_password" => PASSWORDS.product(PASSWORDS.first(6)).map { |one, other| said(one, made(other, SALTS[0])) } + crooked(made("", SALTS[0]))
  }
end

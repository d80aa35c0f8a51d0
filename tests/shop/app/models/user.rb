class User < ApplicationRecord
  has_secure_password
  has_one_attached :avatar

  has_one :cart, dependent: :destroy
  has_many :orders, dependent: :restrict_with_error
  has_many :notifications, dependent: :delete_all

  AVATAR_TYPES = %w[image/png image/jpeg image/gif].freeze
  AVATAR_LIMIT = 5.megabytes

  before_validation { self.email = email.to_s.strip.downcase }

  validates :name, presence: true, length: { maximum: 80 }
  validates :email, format: URI::MailTo::EMAIL_REGEXP, uniqueness: { case_sensitive: false }
  validates :password, length: { minimum: 8 }, allow_nil: true
  validate :avatar_is_a_small_image

  def self.authenticate(email, password)
    find_by(email: email.to_s.strip.downcase)&.authenticate(password.to_s) || nil
  end

  private

  def avatar_is_a_small_image
    return unless avatar.attached? && attachment_changes.key?("avatar")

    errors.add(:avatar, "must be a PNG, JPEG or GIF image") unless avatar.content_type.in?(AVATAR_TYPES)
    errors.add(:avatar, "must be smaller than 5 MB") if avatar.byte_size > AVATAR_LIMIT
  end
end

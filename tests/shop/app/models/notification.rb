class Notification < ApplicationRecord
  belongs_to :user

  scope :newest_first, -> { order(created_at: :desc, id: :desc) }
  scope :unread, -> { where(read_at: nil) }

  def read!
    update!(read_at: Time.current) if read_at.nil?
  end
end

class Order < ApplicationRecord
  enum status: { pending: 0, confirmed: 1, shipped: 2, cancelled: 3, refunded: 4 }

  belongs_to :user
  belongs_to :promotion, optional: true
  has_many :lines, -> { order(:id) }, class_name: "OrderLine", dependent: :destroy, inverse_of: :order
  has_many :payments, dependent: :destroy
  has_many :returns, dependent: :destroy

  validates :number, presence: true, uniqueness: true

  before_validation :assign_number, on: :create
  after_create_commit { OrderConfirmationWorker.perform_async(id) }
  after_update_commit { OrderChannel.broadcast_to(self, OrderChannel.message(self)) if saved_change_to_status? }

  scope :newest_first, -> { order(placed_at: :desc, id: :desc) }

  private

  # Not a sequence: a competitor could count our orders.
  def assign_number
    self.number ||= "SO-#{Time.current.strftime('%Y%m%d')}-#{SecureRandom.alphanumeric(8).upcase}"
  end
end

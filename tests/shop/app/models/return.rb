class Return < ApplicationRecord
  enum state: { requested: 0, approved: 1, rejected: 2 }

  belongs_to :order, touch: true
  has_many :lines, -> { order(:id) }, class_name: "ReturnLine", dependent: :destroy, inverse_of: :return

  validates :lines, presence: true
  validates :reason, length: { maximum: 200 }

  delegate :user, to: :order

  # What the customer paid for the returned units: neither their share of the order's discount nor shipping comes back.
  def refund_due
    paid_share = order.subtotal.zero? ? Monetary::ZERO : (order.subtotal - order.discount) / order.subtotal
    Monetary.round(lines.map(&:gross).sum(Monetary::ZERO) * paid_share)
  end
end

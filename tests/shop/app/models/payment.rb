class Payment < ApplicationRecord
  enum kind: { charge: 0, refund: 1 }

  belongs_to :order, touch: true

  validates :amount, numericality: { greater_than_or_equal_to: 0 }
end

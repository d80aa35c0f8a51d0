class CartLine < ApplicationRecord
  MAX_QUANTITY = 99

  belongs_to :cart, touch: true
  belongs_to :variant

  validates :quantity, numericality: { only_integer: true, greater_than: 0, less_than_or_equal_to: MAX_QUANTITY }
  validate :variant_is_buyable, on: :create

  delegate :product, to: :variant
  delegate :category, to: :product

  def unit_price
    variant.price
  end

  def total
    unit_price * quantity
  end

  private

  def variant_is_buyable
    errors.add(:variant, "is sold out") unless variant&.buyable?
  end
end

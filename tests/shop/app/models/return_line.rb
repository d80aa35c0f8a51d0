class ReturnLine < ApplicationRecord
  belongs_to :return, touch: true, inverse_of: :lines
  belongs_to :order_line

  validates :quantity, numericality: { only_integer: true, greater_than: 0 }

  def gross
    order_line.unit_price * quantity
  end
end

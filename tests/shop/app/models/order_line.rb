class OrderLine < ApplicationRecord
  belongs_to :order, touch: true
  belongs_to :variant
  has_many :return_lines, dependent: :restrict_with_error

  def returnable_quantity
    quantity - return_lines.sum(&:quantity)
  end
end

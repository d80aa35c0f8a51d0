class Cart < ApplicationRecord
  belongs_to :user, optional: true
  belongs_to :promotion, optional: true
  has_many :lines, -> { order(:id) }, class_name: "CartLine", dependent: :destroy, inverse_of: :cart

  def add(variant, quantity)
    line = lines.find_or_initialize_by(variant: variant)
    line.quantity = (line.new_record? ? 0 : line.quantity) + quantity
    line.tap(&:save)
  end

  # Takes over the lines of the cart a visitor filled before signing in.
  def absorb(other)
    return if other.nil? || other == self

    transaction do
      other.lines.each { |line| add(line.variant, line.quantity) }
      update!(promotion: other.promotion) if other.promotion
      other.destroy!
    end
  end

  def empty!
    transaction do
      lines.destroy_all
      update!(promotion: nil)
    end
  end

  def count
    lines.sum(&:quantity)
  end

  def pricing
    CartPricing.new(lines, coupon: promotion)
  end
end

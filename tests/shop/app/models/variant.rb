class Variant < ApplicationRecord
  # A deleted product's variants remain readable: carts and orders point at them.
  belongs_to :product, -> { unscope(where: :deleted_at) }, touch: true, inverse_of: :variants

  validates :sku, :title, presence: true
  validates :price, :stock, numericality: { greater_than_or_equal_to: 0 }

  def buyable?
    product.deleted_at.nil? && stock.positive?
  end

  def full_title
    "#{product.name} – #{title}"
  end
end

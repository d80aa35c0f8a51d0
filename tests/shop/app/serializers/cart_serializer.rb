# A cart as JSON. Looks each variant and product up one by one: carts are short.
class CartSerializer
  def initialize(cart)
    @cart = cart
  end

  def as_json
    pricing = @cart.pricing
    {
      lines: @cart.lines.map { |line| line_json(line) },
      count: @cart.count,
      subtotal: pricing.subtotal,
      promotions: pricing.applied.map { |applied| promotion_json(applied) },
      discount: pricing.discount,
      shipping: pricing.shipping,
      tax: pricing.tax,
      total: pricing.total,
      updated_at: @cart.updated_at
    }
  end

  private

  def line_json(line)
    {
      id: line.id, variant_id: line.variant_id, product_id: line.product.id, title: line.variant.full_title,
      sku: line.variant.sku, quantity: line.quantity, unit_price: line.unit_price, total: line.total,
      in_stock: line.variant.stock >= line.quantity
    }
  end

  def promotion_json(applied)
    { code: applied.promotion.code, name: applied.promotion.name, discount: applied.discount }
  end
end

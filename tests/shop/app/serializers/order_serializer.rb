class OrderSerializer
  def initialize(order)
    @order = order
  end

  def as_json
    {
      id: @order.id, number: @order.number, status: @order.status, currency: @order.currency,
      lines: @order.lines.map { |line| line_json(line) },
      subtotal: @order.subtotal, discount: @order.discount, shipping: @order.shipping, tax: @order.tax,
      total: @order.total,
      payments: @order.payments.map { |payment| payment_json(payment) },
      placed_at: @order.placed_at, updated_at: @order.updated_at
    }
  end

  private

  def line_json(line)
    {
      id: line.id, variant_id: line.variant_id, title: line.title, quantity: line.quantity,
      unit_price: line.unit_price, total: line.total
    }
  end

  def payment_json(payment)
    { kind: payment.kind, amount: payment.amount, reference: payment.reference }
  end
end

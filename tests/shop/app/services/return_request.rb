# Opens a return for some lines of an order. `quantities` maps an order line's id to the units sent back.
class ReturnRequest
  class Failed < StandardError; end

  def initialize(order:, quantities:, reason:)
    @order = order
    @quantities = quantities.to_h.transform_values(&:to_i).select { |_, quantity| quantity.positive? }
    @reason = reason.to_s
  end

  def call
    raise Failed, "This order cannot be returned" unless @order.confirmed? || @order.shipped?
    raise Failed, "Choose at least one item" if @quantities.empty?

    @order.with_lock do
      returned = @order.returns.build(reason: @reason.truncate(200))
      @quantities.each { |line_id, quantity| add_line(returned, @order.lines.find(line_id), quantity) }
      returned.save!
      OutboxEvent.record!("return.requested", returned, order: @order.number)
      returned
    end
  end

  private

  def add_line(returned, order_line, quantity)
    left = order_line.returnable_quantity
    raise Failed, "You can send back at most #{left} of #{order_line.title}" if quantity > left

    returned.lines.build(order_line: order_line, quantity: quantity)
  end
end

# Refunds a requested return, puts its goods back on the shelf and tells the customer.
class ReturnApproval
  class Failed < StandardError; end

  def initialize(returned)
    @returned = returned
    @order = returned.order
  end

  def call
    @returned.with_lock do
      raise Failed, "This return has been #{@returned.state} already" unless @returned.requested?

      restock
      refund
      @returned.update!(state: :approved, approved_at: Time.current)
      OutboxEvent.record!("return.approved", @returned, order: @order.number, refund: @returned.refund_amount)
    end
    ReturnNotificationJob.perform_later(@returned)
    @returned
  end

  private

  def restock
    quantities = @returned.lines.group_by { |line| line.order_line.variant_id }
                          .transform_values { |lines| lines.sum(&:quantity) }
    Variant.where(id: quantities.keys).order(:id).lock.each do |variant|
      variant.update!(stock: variant.stock + quantities.fetch(variant.id))
    end
  end

  def refund
    amount = @returned.refund_due
    charge = @order.payments.charge.first!
    @order.payments.create!(kind: :refund, amount: amount, reference: PaymentGateway.refund(charge, amount))
    @returned.update!(refund_amount: amount)
    @order.refunded! if @order.lines.reload.all? { |line| line.returnable_quantity.zero? }
  end
end

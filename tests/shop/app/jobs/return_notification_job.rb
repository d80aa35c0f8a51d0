class ReturnNotificationJob < ActiveJob::Base
  def perform(returned)
    returned.user.notifications.create!(
      kind: "return_approved",
      message: "Your return for order #{returned.order.number} is approved: #{returned.refund_amount.to_s('F')} refunded",
      path: "/returns/#{returned.id}"
    )
  end
end

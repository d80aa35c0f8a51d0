class OrderConfirmationWorker
  include Sidekiq::Worker

  def perform(order_id)
    order = Order.find(order_id)
    order.with_lock do
      next unless order.pending?

      order.confirmed!
      order.user.notifications.create!(kind: "order_confirmed", message: "Order #{order.number} is confirmed",
                                       path: "/orders/#{order.id}")
    end
  end
end

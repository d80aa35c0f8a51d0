# Tells a customer's open pages about one of their orders: {"id", "number", "status"} on every change.
class OrderChannel < ApplicationCable::Channel
  def self.message(order)
    { id: order.id, number: order.number, status: order.status }
  end

  def subscribed
    order = current_user.orders.find_by(id: params[:id])
    return reject if order.nil?

    stream_for order
    transmit(self.class.message(order))
  end
end

class CheckoutsController < ApplicationController
  before_action :require_user

  def create
    order = Checkout.new(cart: current_cart, user: current_user, card_token: params[:card_token]).call
    redirect_to order_path(order), notice: "Thank you! Your order is #{order.number}"
  rescue Checkout::Failed => e
    forget_cart
    flash.now[:alert] = e.message
    render "carts/show", status: :unprocessable_entity
  end
end

module Api
  class CheckoutsController < BaseController
    before_action :require_user

    def create
      order = Checkout.new(cart: current_cart, user: current_user, card_token: params[:card_token]).call
      render json: OrderSerializer.new(order).as_json, status: :created
    rescue Checkout::Failed => e
      render_error e.message, :unprocessable_entity
    end
  end
end

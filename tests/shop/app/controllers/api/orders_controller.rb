module Api
  class OrdersController < BaseController
    before_action :require_user

    def show
      render json: OrderSerializer.new(current_user.orders.find(params[:id])).as_json
    end
  end
end

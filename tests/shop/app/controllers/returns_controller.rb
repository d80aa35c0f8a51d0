class ReturnsController < ApplicationController
  before_action :require_user

  def create
    order = current_user.orders.find(params[:order_id])
    quantities = params.fetch(:quantities, {}).permit!.to_h
    returned = ReturnRequest.new(order: order, quantities: quantities, reason: params[:reason]).call
    redirect_to return_path(returned), notice: "Your return is registered"
  rescue ReturnRequest::Failed => e
    redirect_to order_path(order), alert: e.message
  end

  def show
    @return = Return.joins(:order).where(orders: { user_id: current_user.id }).find(params[:id])
  end
end

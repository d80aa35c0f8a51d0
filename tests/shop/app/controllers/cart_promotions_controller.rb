class CartPromotionsController < ApplicationController
  def create
    promotion = Promotion.find_by_code(params[:code])
    if promotion
      current_cart!.update!(promotion: promotion)
      redirect_to cart_path, notice: "#{promotion.name} is applied"
    else
      redirect_to cart_path, alert: "This code is not valid"
    end
  end
end
